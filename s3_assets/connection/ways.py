"""The ways to credentials, each made of botocore's own parts: chain, metadata, environment, token, roles."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from s3_assets.connection.adapters.boto_deadlines import limit_requests
from s3_assets.connection.adapters.botocore_dialect import client_arguments
from s3_assets.connection.ambient import with_ambient_settings
from s3_assets.connection.auth import (
    AccessKeyAuth,
    AssumeRole,
    IamRoleAuth,
    ProfileAuth,
    RoleSource,
    WebIdentityAuth,
)
from s3_assets.connection.refusals import refusals_of_botocore
from s3_assets.connection.secrets import read_secret
from s3_assets.connection.sessions import chain_session, missing, plain_session

if TYPE_CHECKING:
    from collections.abc import Callable

    from s3_assets.connection.settings import S3Connection

# botocore refreshes what lives shorter than fifteen minutes at each use; what answers is ours, and cheap.
LEASE = timedelta(minutes=9)


def find_credentials(connection: S3Connection) -> Any:  # noqa: ANN401 - botocore ships no types
    """Return botocore's credentials of the connection's way, with its roles assumed on top.

    Nothing is asked of STS before the credentials are used. Raises `CredentialsMissingError` if the way
    leads to none, and botocore's errors.
    """
    found = _base(connection)
    for role in connection.assume_role:
        found = _assumed(connection, found, role)
    return found


def refreshed_by(refresh: Callable[[], dict[str, Any]], method: str) -> Any:  # noqa: ANN401
    """Return botocore credentials that ask this function whenever they are used and have nearly ended."""
    from botocore.credentials import DeferredRefreshableCredentials

    return DeferredRefreshableCredentials(refresh_using=refresh, method=method)


def metadata(key_id: str, secret: str, token: str | None, expires_at: datetime | None) -> dict[str, Any]:
    """Return credentials as botocore's refreshing functions give them; for ever is a lease at a time."""
    expiry = expires_at or datetime.now(UTC) + LEASE
    return {"access_key": key_id, "secret_key": secret, "token": token, "expiry_time": expiry.isoformat()}


def _base(connection: S3Connection) -> Any:  # noqa: ANN401
    auth = connection.auth
    if isinstance(auth, AccessKeyAuth):
        return _from_access_key(auth)
    if isinstance(auth, WebIdentityAuth):
        return _from_web_identity(connection, auth)
    if isinstance(auth, IamRoleAuth) and auth.source is RoleSource.METADATA:
        return _from_metadata(connection)
    if isinstance(auth, IamRoleAuth) and auth.source is RoleSource.ENV:
        return _from_environment(connection)
    return _from_chain(connection)


def _from_access_key(auth: AccessKeyAuth) -> Any:  # noqa: ANN401
    def read() -> dict[str, Any]:
        token = read_secret(auth.session_token) if auth.session_token is not None else None
        return metadata(read_secret(auth.access_key_id), read_secret(auth.secret_access_key), token, None)

    return refreshed_by(read, "access-key")


def _from_chain(connection: S3Connection) -> Any:  # noqa: ANN401
    session = chain_session(connection)
    # A profile may assume a role, sign on or run a process: those requests travel as ours do.
    arguments = client_arguments(connection, "sts")
    session.set_default_client_config(arguments["config"])
    session.set_config_variable("region", arguments["region_name"])
    if "verify" in arguments:
        session.set_config_variable("ca_bundle", arguments["verify"])
    found = session.get_credentials()
    if found is None:
        auth = connection.auth
        asked = "the AWS credential chain"
        if isinstance(auth, ProfileAuth):
            asked = f"the profile '{auth.profile}'"
        raise missing(connection, f"{asked} found no credentials")
    return found


def _from_metadata(connection: S3Connection) -> Any:  # noqa: ANN401
    from botocore.credentials import (
        AssumeRoleWithWebIdentityProvider,
        ContainerProvider,
        CredentialResolver,
        create_credential_resolver,
    )

    session = plain_session()
    instance = create_credential_resolver(session).get_provider("iam-role")
    # The pod's token is named by variables, but it is no key of the environment; profiles are not read.
    pod = AssumeRoleWithWebIdentityProvider(
        load_config=dict, client_creator=_client_creator(connection), profile_name="default", cache={}
    )
    found = CredentialResolver([pod, ContainerProvider(), instance]).load_credentials()
    if found is None:
        raise missing(
            connection,
            "neither a pod, a container nor an instance gave credentials",
            remedy="Run it where a role is attached (EKS, ECS, EC2), or set auth.source to env for keys of "
            "the environment, or to auto for the whole AWS chain.",
        )
    return found


def _from_environment(connection: S3Connection) -> Any:  # noqa: ANN401
    from botocore.credentials import EnvProvider

    found = EnvProvider().load()
    if found is None:
        raise missing(
            connection,
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set",
            remedy="Set them, or set auth.source to metadata for the role of a pod, container or instance "
            "(EKS, ECS, EC2), or to auto for the whole AWS chain.",
        )
    return found


def _from_web_identity(connection: S3Connection, auth: WebIdentityAuth) -> Any:  # noqa: ANN401
    from botocore.credentials import AssumeRoleWithWebIdentityCredentialFetcher

    def token() -> str:
        if auth.token is not None:
            return read_secret(auth.token)
        try:
            return auth.token_file.read_text(encoding="utf-8").strip() if auth.token_file else ""
        except OSError as error:
            raise missing(
                connection,
                f"the web identity token file {auth.token_file} cannot be read ({error.strerror})",
                remedy="Check its path, and that the token is mounted into this pod.",
            ) from error

    fetcher = AssumeRoleWithWebIdentityCredentialFetcher(
        client_creator=_client_creator(connection),
        web_identity_token_loader=token,
        role_arn=auth.role_arn,
        extra_args={"RoleSessionName": auth.session_name, "DurationSeconds": auth.duration_seconds},
    )
    return refreshed_by(partial(_fetch, fetcher, connection, auth.role_arn), "web-identity")


def _assumed(connection: S3Connection, before: Any, role: AssumeRole) -> Any:  # noqa: ANN401
    from botocore.credentials import AssumeRoleCredentialFetcher

    told: dict[str, Any] = {"RoleSessionName": role.session_name, "DurationSeconds": role.duration_seconds}
    if role.external_id is not None:
        told["ExternalId"] = read_secret(role.external_id)
    if role.source_identity is not None:
        told["SourceIdentity"] = role.source_identity
    fetcher = AssumeRoleCredentialFetcher(
        client_creator=_client_creator(connection),
        source_credentials=before,
        role_arn=role.role_arn,
        extra_args=told,
    )
    return refreshed_by(partial(_fetch, fetcher, connection, role.role_arn), "assume-role")


def _fetch(fetcher: Any, connection: S3Connection, role: str) -> dict[str, Any]:  # noqa: ANN401
    with refusals_of_botocore(connection, role):
        fetched: dict[str, Any] = fetcher.fetch_credentials()
        return fetched


def _client_creator(connection: S3Connection) -> Callable[..., Any]:
    session = plain_session()

    def create(service: str, **given: Any) -> Any:  # noqa: ANN401
        arguments = client_arguments(connection, service)
        if "config" in given:
            arguments["config"] = arguments["config"].merge(given.pop("config"))
        with with_ambient_settings():
            verify = arguments.get("verify", session.get_config_variable("ca_bundle"))
            made = session.create_client(service, **arguments, **given)
        limit_requests(made, arguments["config"], verify, connection.transport.whole_request)
        return made

    return create
