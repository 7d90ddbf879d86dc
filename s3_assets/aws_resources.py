"""dagster-aws and us: its resources name secrets and make connections, and ours makes the clients of its own.

dagster-aws is an extra, `s3-assets[aws]`; whoever imports this module has its resources already.
"""

# No postponed annotations here: Dagster reads them when it makes the configuration's schema.
from typing import Any

import dagster as dg
from dagster_aws.s3 import S3Resource
from dagster_aws.secretsmanager import SecretsManagerResource
from dagster_aws.ssm import SSMResource
from pydantic import model_validator

from s3_assets.connection.adapters import boto
from s3_assets.connection.auth import AccessKeyAuth, AnonymousAuth, Auth, DefaultAuth, ProfileAuth
from s3_assets.connection.secret_stores import ParameterSecret, SecretsManagerSecret
from s3_assets.connection.secrets import Secret, SecretReference
from s3_assets.connection.settings import S3Connection
from s3_assets.connection.transport import Transport
from s3_assets.errors import SettingError, UnsupportedError
from s3_assets.resources import S3ConnectionResource

_KEYS = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")


class S3ClientResource(S3Resource):
    """dagster-aws's `S3Resource` with a connection of ours behind it.

    Hand it to dagster-aws's own IO managers, file managers and sensors: their client then authenticates,
    refreshes, retries and encrypts as the connection says. All settings are the connection's.
    """

    connection: dg.ResourceDependency[S3Connection]
    """An `S3Connection`, or an `S3ConnectionResource`."""

    @model_validator(mode="after")
    def _all_by_the_connection(self) -> "S3ClientResource":
        theirs = S3Resource.model_fields
        said = sorted(name for name, field in theirs.items() if getattr(self, name) != field.default)
        if said:
            raise ValueError(f"{', '.join(said)} must be said by the connection, and is left out here")
        return self

    def get_client(self) -> Any:  # noqa: ANN401 - boto3 makes clients at run time
        """Return a boto3 client of the connection, whose credentials refresh themselves."""
        found: object = self.connection
        connection = found.connection() if isinstance(found, S3ConnectionResource) else self.connection
        if connection.encryption.client_side is not None:
            # A plain client would write in clear what the connection promises to seal.
            raise UnsupportedError(
                "a client of boto3 does not encrypt, and the connection has encryption.client_side",
                remedy="Use s3_assets.objects.Objects, or another connection, without client_side.",
                connection=connection.name,
            )
        return boto.client(connection, transfers=True)


def secret_of(
    resource: SecretsManagerResource | SSMResource, name: str, *, key: str | None = None
) -> SecretReference:
    """Name a secret that a resource of dagster-aws can read; `key` is a field of a secret that is JSON.

    The reference takes over region, profile, endpoint and the number of tries, and is read without Dagster.
    Raises `SettingError` for what it cannot take over: keys, since a reference holds no secrets, and
    certificates that are not checked.
    """
    keys = [each for each in _KEYS if getattr(resource, each) is not None]
    if keys:
        raise SettingError(
            f"the resource has {', '.join(keys)}, which a reference to a secret cannot hold",
            remedy="Give the resource a profile_name, or leave its keys to the AWS chain.",
        )
    _check_certificates(resource)
    service = "ssm" if isinstance(resource, SSMResource) else "secretsmanager"
    place = {
        "name": name,
        "key": key,
        "region": _text(resource.region_name),
        "profile": _text(resource.profile_name),
        "endpoint": _endpoint(resource, service),
        "max_retries": _number(resource.max_attempts) - 1,
    }
    if service == "ssm":
        return SecretReference(ssm=ParameterSecret.model_validate(place))
    return SecretReference(secrets_manager=SecretsManagerSecret.model_validate(place))


def connection_of(resource: S3Resource, url: str, *, name: str = "s3") -> S3Connection:
    """Make a connection of dagster-aws's `S3Resource`, for the bucket or base path that `url` names.

    Raises `SettingError` for what no connection has: certificates that are not checked, half a key.
    """
    if isinstance(resource, S3ClientResource):
        raise SettingError("the resource has a connection of ours already", remedy="Take its own connection.")
    _check_certificates(resource)
    return S3Connection(
        name=name,
        url=url,
        endpoint=_endpoint(resource, "s3"),
        region=_text(resource.region_name),
        auth=_auth(resource),
        transport=Transport(max_retries=_number(resource.max_attempts) - 1),
    )


def _auth(resource: S3Resource) -> Auth:
    """Return the way that dagster-aws's client takes: unsigned, with keys, with a profile, by the chain."""
    if resource.use_unsigned_session:
        return AnonymousAuth()
    key, secret, token = (_secret(getattr(resource, name)) for name in _KEYS)
    if key is not None and secret is not None:
        return AccessKeyAuth(access_key_id=key, secret_access_key=secret, session_token=token)
    if key is not None or secret is not None or token is not None:
        raise SettingError(
            "the resource has half a key",
            remedy="Give aws_access_key_id and aws_secret_access_key, or neither.",
        )
    profile = _text(resource.profile_name)
    return ProfileAuth(profile=profile) if profile is not None else DefaultAuth()


def _check_certificates(resource: Any) -> None:  # noqa: ANN401 - three classes without a common public base
    if resource.verify is False:
        raise SettingError(
            "the resource does not verify certificates, which every connection does",
            remedy="Name the server's own certificates in tls.ca_bundle, or in AWS_CA_BUNDLE.",
        )


def _endpoint(resource: Any, service: str) -> str | None:  # noqa: ANN401 - as above
    endpoint = _text(resource.endpoint_url)
    if endpoint is not None or resource.use_ssl:
        return endpoint
    import boto3

    # Only botocore knows what AWS's endpoint without TLS is called.
    session = boto3.Session(
        profile_name=_text(resource.profile_name), region_name=_text(resource.region_name)
    )
    return str(session.client(service, use_ssl=False).meta.endpoint_url)


def _secret(value: str | None) -> Secret | None:
    # A variable stays one: its value is read when a request needs it.
    return SecretReference(env=value.env_var_name) if isinstance(value, dg.EnvVar) else value


def _text(value: str | None) -> str | None:
    """Return the value of a field, which Dagster leaves to be read from a variable until a run begins."""
    return value.get_value() if isinstance(value, dg.EnvVar) else value


def _number(value: Any) -> int:  # noqa: ANN401 - a number, or Dagster's variable for one
    return int(value.get_value() if hasattr(value, "get_value") else value)
