"""The connection as a resource of users who write Python."""

import json
from collections.abc import Callable
from importlib import import_module
from types import UnionType
from typing import Any, Union, get_args, get_origin

import dagster as dg
import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from s3_assets import resources
from s3_assets.connection import AccessKeyAuth, SecretReference
from s3_assets.connection.settings import S3Connection
from s3_assets.errors import SettingError
from s3_assets.objects import Objects
from s3_assets.resources import (
    AccessKeyAuthConfig,
    AnonymousAuthConfig,
    AssumeRoleConfig,
    ClientSideEncryptionConfig,
    DefaultAuthConfig,
    EncryptionConfig,
    IamRoleAuthConfig,
    OAuth2Config,
    ParameterSecretConfig,
    ProfileAuthConfig,
    ProxyConfig,
    RestCatalogSettingsConfig,
    S3ConnectionResource,
    SecretReferenceConfig,
    SecretsManagerSecretConfig,
    ServiceEndpointsConfig,
    TlsConfig,
    TransportConfig,
    WebIdentityAuthConfig,
)
from s3_assets.resources.derivation import NothingConfig
from tests.dagster_floor.conftest import Lake

SECRET = "not-for-your-eyes"
ROLE = "arn:aws:iam::123456789012:role/reader"
CLASSES: set[type[BaseModel]] = {getattr(resources, name) for name in resources.__all__}


@pytest.fixture
def resource(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> S3ConnectionResource:
    monkeypatch.setenv("LAKE_KEY", "test")
    monkeypatch.setenv("LAKE_SECRET", SECRET)
    monkeypatch.setenv("LAKE_ENDPOINT", lake.endpoint)
    return S3ConnectionResource(
        url=f"s3://{lake.bucket}/base/",
        endpoint=dg.EnvVar("LAKE_ENDPOINT"),
        region="us-east-1",
        auth=AccessKeyAuthConfig(
            access_key_id=dg.EnvVar("LAKE_KEY"), secret_access_key=dg.EnvVar("LAKE_SECRET")
        ),
        transport=TransportConfig(max_retries=1),
    )


def initialized(resource: Any, config: dict[str, Any] | None = None) -> Any:
    """What a run hands to an asset that asks for the resource."""
    found = []

    @dg.asset(required_resource_keys={"lake"})
    def asking(context: dg.AssetExecutionContext) -> None:
        found.append(context.resources.lake)

    run_config = {"resources": {"lake": {"config": config}}} if config is not None else None
    assert dg.materialize([asking], resources={"lake": resource}, run_config=run_config).success
    return found[0]


def test_a_user_asset_reaches_the_bucket(lake: Lake, resource: S3ConnectionResource) -> None:
    found: list[str] = []
    connections: list[S3Connection] = []

    @dg.asset
    def listing(lake: S3ConnectionResource) -> None:
        connection = lake.connection()
        connections.append(connection)
        found.extend(each.key for each in Objects(connection).list_objects("base/landing/"))

    result = dg.materialize([listing], resources={"lake": resource}, instance=lake.instance)

    assert result.success
    assert len(found) == 3
    assert connections[0].transport.max_retries == 1
    assert SECRET not in repr(connections[0])


def test_the_secret_is_in_no_log(lake: Lake, resource: S3ConnectionResource) -> None:
    @dg.asset
    def quiet(context: dg.AssetExecutionContext, lake: S3ConnectionResource) -> None:
        context.log.info("%r %s %s %s", lake, lake, lake.model_dump(), lake.model_dump_json())

    result = dg.materialize([quiet], resources={"lake": resource}, instance=lake.instance)

    assert all(SECRET not in repr(entry) for entry in lake.instance.all_logs(result.run_id))
    assert SECRET not in repr(result.dagster_run)


VARIABLES = {
    "NAME": "lake",
    "URL": "s3://bucket/base/",
    "ENDPOINT": "https://minio.example.com",
    "REGION": "eu-west-3",
    "STYLE": "path",
    "ROLE": ROLE,
    "TOKEN": "an-oidc-token",
    "EXTERNAL": "an-external-id",
    "IDENTITY": "somebody",
    "PROXY": "proxy.example.com",
    "PORT": "3128",
    "USER": "proxy-user",
    "PASSWORD": "proxy-password",
    "CA": "/etc/ca.pem",
    "SSE": "sse-kms",
    "KMS": "alias/lake",
    "STS": "https://sts.example.com",
    "CHECKSUMS": "when_required",
    "HOST": "*.internal",
    "STORE": "https://ssm.example.com",
}
WRITTEN = S3Connection.model_validate(
    {
        "name": "lake",
        "url": "s3://bucket/base/",
        "endpoint": "https://minio.example.com",
        "region": "eu-west-3",
        "addressing_style": "path",
        "auth": {
            "type": "web_identity",
            "role_arn": ROLE,
            "token": "an-oidc-token",
            "session_name": "somebody",
        },
        "assume_role": [
            {"role_arn": ROLE, "external_id": "an-external-id", "source_identity": "somebody"},
            {
                "role_arn": ROLE,
                "duration_seconds": 900,
                "external_id": {"ssm": {"name": "/id", "endpoint": "https://ssm.example.com"}},
            },
        ],
        "transport": {"connect_timeout": 1.5, "read_timeout": 2.5, "max_connections": 7, "max_retries": 9},
        "proxy": {
            "host": "proxy.example.com",
            "port": 3128,
            "protocol": "http",
            "non_proxy_hosts": ["*.internal"],
            "username": "proxy-user",
            "password": "proxy-password",
        },
        "tls": {"ca_bundle": "/etc/ca.pem", "client_certificate": "/c.pem", "client_key": "/k.pem"},
        "encryption": {
            "server_side": "sse-kms",
            "kms_key_id": "alias/lake",
            "bucket_key": True,
            "client_side": {"kms_key_id": "alias/lake", "kms_region": "eu-west-3"},
        },
        "service_endpoints": dict.fromkeys(
            ("sts", "kms", "glue", "cloudwatch", "sqs"), "https://sts.example.com"
        ),
        "catalog": {
            "type": "rest",
            "uri": "https://sts.example.com",
            "oauth2": {
                "client_id": "somebody",
                "client_secret": {"ssm": {"name": "/id", "endpoint": "https://ssm.example.com"}},
            },
        },
        "match_subfolder_exactly": False,
        "checksums": "when_required",
    }
)


def everything(env: Callable[[str], Any]) -> S3ConnectionResource:
    """Every field, and a variable wherever there is text."""
    return S3ConnectionResource(
        name=env("NAME"),
        url=env("URL"),
        endpoint=env("ENDPOINT"),
        region=env("REGION"),
        addressing_style=env("STYLE"),
        auth=WebIdentityAuthConfig(role_arn=env("ROLE"), token=env("TOKEN"), session_name=env("IDENTITY")),
        assume_role=[
            AssumeRoleConfig(
                role_arn=env("ROLE"), external_id=env("EXTERNAL"), source_identity=env("IDENTITY")
            ),
            AssumeRoleConfig(
                role_arn=env("ROLE"),
                duration_seconds=900,
                external_id_from=SecretReferenceConfig(
                    ssm=ParameterSecretConfig(name="/id", endpoint=env("STORE"))
                ),
            ),
        ],
        transport=TransportConfig(connect_timeout=1.5, read_timeout=2.5, max_connections=7, max_retries=9),
        proxy=ProxyConfig(
            host=env("PROXY"),
            port=dg.EnvVar.int("PORT"),
            protocol="http",
            non_proxy_hosts=[env("HOST")],
            username=env("USER"),
            password=env("PASSWORD"),
        ),
        tls=TlsConfig(ca_bundle=env("CA"), client_certificate="/c.pem", client_key="/k.pem"),
        encryption=EncryptionConfig(
            server_side=env("SSE"),
            kms_key_id=env("KMS"),
            bucket_key=True,
            client_side=ClientSideEncryptionConfig(kms_key_id=env("KMS"), kms_region=env("REGION")),
        ),
        service_endpoints=ServiceEndpointsConfig(
            sts=env("STS"), kms=env("STS"), glue=env("STS"), cloudwatch=env("STS"), sqs=env("STS")
        ),
        catalog=RestCatalogSettingsConfig(
            uri=env("STS"),
            oauth2=OAuth2Config(
                client_id=env("IDENTITY"),
                client_secret_from=SecretReferenceConfig(
                    ssm=ParameterSecretConfig(name="/id", endpoint=env("STORE"))
                ),
            ),
        ),
        match_subfolder_exactly=False,
        checksums=env("CHECKSUMS"),
    )


@pytest.fixture
def _variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("_variables")
def test_every_field_from_variables() -> None:
    resource = everything(dg.EnvVar)

    assert initialized(resource).connection() == WRITTEN
    assert resource.connection() == WRITTEN, "outside of a run, variables are read as well"


@pytest.mark.usefixtures("_variables")
def test_every_field_as_run_config() -> None:
    """As it stands in the launchpad, in YAML."""
    env = {name: {"env": name} for name in VARIABLES}
    config = {
        "name": env["NAME"],
        "url": env["URL"],
        "endpoint": env["ENDPOINT"],
        "region": env["REGION"],
        "addressing_style": env["STYLE"],
        "auth": {
            "web_identity": {"role_arn": env["ROLE"], "token": env["TOKEN"], "session_name": env["IDENTITY"]}
        },
        "assume_role": [
            {"role_arn": env["ROLE"], "external_id": env["EXTERNAL"], "source_identity": env["IDENTITY"]},
            {
                "role_arn": env["ROLE"],
                "duration_seconds": 900,
                "external_id_from": {"ssm": {"name": "/id", "endpoint": env["STORE"]}},
            },
        ],
        "transport": {"connect_timeout": 1.5, "read_timeout": 2.5, "max_connections": 7, "max_retries": 9},
        "proxy": {
            "host": env["PROXY"],
            "port": env["PORT"],
            "protocol": "http",
            "non_proxy_hosts": [env["HOST"]],
            "username": env["USER"],
            "password": env["PASSWORD"],
        },
        "tls": {"ca_bundle": env["CA"], "client_certificate": "/c.pem", "client_key": "/k.pem"},
        "encryption": {
            "server_side": env["SSE"],
            "kms_key_id": env["KMS"],
            "bucket_key": True,
            "client_side": {"kms_key_id": env["KMS"], "kms_region": env["REGION"]},
        },
        "service_endpoints": dict.fromkeys(("sts", "kms", "glue", "cloudwatch", "sqs"), env["STS"]),
        "catalog": {
            "rest": {
                "uri": env["STS"],
                "oauth2": {
                    "client_id": env["IDENTITY"],
                    "client_secret_from": {"ssm": {"name": "/id", "endpoint": env["STORE"]}},
                },
            }
        },
        "match_subfolder_exactly": False,
        "checksums": env["CHECKSUMS"],
    }

    found = initialized(S3ConnectionResource.configure_at_launch(), config)

    assert found.connection() == WRITTEN


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        (DefaultAuthConfig(), "default"),
        (IamRoleAuthConfig(source="metadata"), "iam_role"),
        (ProfileAuthConfig(profile="work"), "profile"),
        (WebIdentityAuthConfig(role_arn=ROLE, token_file="/token"), "web_identity"),
        (AnonymousAuthConfig(), "anonymous"),
        (
            AccessKeyAuthConfig(
                access_key_id=dg.EnvVar("USER"),
                secret_access_key=dg.EnvVar("TOKEN"),
                session_token=dg.EnvVar("TOKEN"),
            ),
            "access_key",
        ),
    ],
)
@pytest.mark.usefixtures("_variables")
def test_each_way_to_authenticate(config: Any, kind: str) -> None:
    resource = S3ConnectionResource(url="s3://bucket/", auth=config)

    assert resource.connection().auth.type == kind
    assert initialized(resource).connection() == resource.connection()


def test_one_role_is_as_good_as_a_list() -> None:
    resource = S3ConnectionResource(url="s3://bucket/", assume_role=AssumeRoleConfig(role_arn=ROLE))

    assert [role.role_arn for role in resource.connection().assume_role] == [ROLE]


@pytest.mark.parametrize(
    "place",
    [
        {"env": "LAKE_SECRET"},
        {"file": "/run/secrets/lake"},
        {"secrets_manager": {"name": "lake", "key": "secret", "region": "eu-west-3", "profile": "work"}},
        {"ssm": {"name": "/lake", "endpoint": "https://ssm.example.com"}},
    ],
)
def test_each_place_of_a_secret(place: dict[str, Any]) -> None:
    parts = {"secrets_manager": SecretsManagerSecretConfig, "ssm": ParameterSecretConfig}
    told = {name: parts[name](**value) if name in parts else value for name, value in place.items()}
    kept = SecretReferenceConfig(**told)
    resource = S3ConnectionResource(
        url="s3://bucket/", auth=AccessKeyAuthConfig(access_key_id_from=kept, secret_access_key_from=kept)
    )
    expected = SecretReference.model_validate(place)

    for each in (resource, initialized(resource)):
        auth = each.connection().auth
        assert isinstance(auth, AccessKeyAuth)
        assert (auth.access_key_id, auth.secret_access_key) == (expected, expected)


def test_a_secret_as_text_is_refused() -> None:
    """Dagster shows the configuration of resources to whoever may see its UI."""
    cases: list[dict[str, Any]] = [
        {"auth": AccessKeyAuthConfig(access_key_id=SECRET, secret_access_key=dg.EnvVar("X"))},
        {"assume_role": [AssumeRoleConfig(role_arn=ROLE, external_id=SECRET)]},
        {"proxy": ProxyConfig(host="proxy", port=1, username=dg.EnvVar("X"), password=SECRET)},
    ]
    for fields, path in zip(
        cases, ("auth.access_key_id", "assume_role[0].external_id", "proxy.password"), strict=True
    ):
        resource = S3ConnectionResource(url="s3://bucket/", **fields)
        with pytest.raises(SettingError, match="stands as text") as caught:
            dg.Definitions.validate_loadable(dg.Definitions(resources={"lake": resource}))
        assert path in str(caught.value)
        assert f"{path}_from" in str(caught.value)
        assert SECRET not in str(caught.value)


def test_dagster_marks_its_secrets() -> None:
    """Its UI and its scaffolding leave out what carries the mark."""
    schema = json.dumps(AccessKeyAuthConfig.model_json_schema())
    fields = AccessKeyAuthConfig.to_fields_dict()

    assert {name for name, field in fields.items() if field.is_secret} == {
        "access_key_id",
        "secret_access_key",
        "session_token",
    }
    assert SECRET not in schema


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"url": "https://bucket/"}, "url: "),
        (
            {"url": "s3://bucket/", "auth": AccessKeyAuthConfig()},
            "auth.secret_access_key: this field is missing",
        ),
        ({"url": "s3://bucket/", "checksums": "never"}, "checksums: this should be 'when_supported' or"),
        ({"url": "s3://bucket/", "transport": TransportConfig(max_retries=99)}, "transport.max_retries: "),
        ({"url": "s3://bucket/", "proxy": ProxyConfig(host="a/b", port=1)}, "proxy.host: this is not a host"),
        (
            {"url": "s3://bucket/", "assume_role": AssumeRoleConfig(role_arn="reader")},
            "assume_role.0.role_arn: ",
        ),
        ({"url": dg.EnvVar("NOT_SET")}, "the environment variable NOT_SET is not set"),
    ],
)
def test_a_wrong_field_is_named(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingError) as caught:
        S3ConnectionResource(**fields).connection()

    assert told in str(caught.value)


def test_a_secret_given_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKE_SECRET", SECRET)
    env = dg.EnvVar("LAKE_SECRET")
    twice = AccessKeyAuthConfig(
        access_key_id=env, secret_access_key=env, secret_access_key_from=SecretReferenceConfig(env="X")
    )

    with pytest.raises(SettingError, match="secret_access_key and secret_access_key_from are both given"):
        S3ConnectionResource(url="s3://bucket/", auth=twice).connection()


def test_an_unknown_field_is_refused_without_its_value() -> None:
    for make in (S3ConnectionResource, AccessKeyAuthConfig):
        with pytest.raises(ValueError, match="secret_acess_key") as caught:
            make(secret_acess_key=SECRET)
        assert SECRET not in str(caught.value)


def members(annotation: Any) -> list[Any]:
    """The classes that an annotation is made of, whatever stands around them."""
    if get_origin(annotation) in {Union, UnionType} or get_args(annotation):
        return [found for each in get_args(annotation) for found in members(each)]
    return [annotation]


def models(annotation: Any) -> dict[str, type[BaseModel]]:
    found = [each for each in members(annotation) if isinstance(each, type) and issubclass(each, BaseModel)]
    # What stands for None, since Dagster has no optional choice.
    found = [each for each in found if each is not NothingConfig]
    return {each.__name__.removesuffix("Config"): each for each in found}


def default(field: Any) -> Any:
    found = field.get_default(call_default_factory=True)
    if isinstance(found, NothingConfig):
        return None
    if isinstance(found, BaseModel):
        return type(found).__name__.removesuffix("Config")
    return [] if found == () else None if found is PydanticUndefined else found


def compare(ours: type[BaseModel], theirs: type[BaseModel], seen: set[type[BaseModel]]) -> None:
    """Written without the derivation: two trees of models are walked side by side."""
    seen.add(theirs)
    plain = {
        name
        for name in theirs.model_fields
        if name.removesuffix("_from") not in ours.model_fields or name in ours.model_fields
    }
    kept = {*theirs.model_fields} - plain
    assert plain == {*ours.model_fields}
    assert {name.removesuffix("_from") for name in kept} == {
        name for name, field in ours.model_fields.items() if SecretReference in members(field.annotation)
    }
    assert theirs.__doc__
    for name, field in ours.model_fields.items():
        twin = theirs.model_fields[name]
        assert default(field) == default(twin), name
        secret = f"{name}_from" in kept
        assert twin.is_required() == (field.is_required() and not secret), name
        assert field.description is None or field.description in (twin.description or ""), name
        mine = models(field.annotation)
        others = models(theirs.model_fields[f"{name}_from" if secret else name].annotation)
        assert mine.keys() == others.keys(), name
        for each, model in mine.items():
            compare(model, others[each], seen)


def test_it_has_the_fields_and_defaults_of_the_connection() -> None:
    seen: set[type[BaseModel]] = set()

    compare(S3Connection, S3ConnectionResource, seen)

    assert seen == CLASSES, "each of them can be imported"
    assert S3ConnectionResource(url="s3://bucket/").connection() == S3Connection(url="s3://bucket/")


@pytest.mark.parametrize("name", resources.__all__)
def test_a_class_is_found_where_it_says(name: str) -> None:
    found = getattr(resources, name)

    assert found.__name__ == name
    assert getattr(import_module(found.__module__), name) is found
