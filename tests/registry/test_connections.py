"""Connections in a registry: every field can be said, paths count from the file, secrets stay unseen."""

import traceback
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

import pytest
from pydantic import BaseModel

from s3_assets.connection import (
    AccessKeyAuth,
    AssumeRole,
    ClientSideEncryption,
    Encryption,
    ParameterSecret,
    Proxy,
    S3Connection,
    SecretReference,
    SecretsManagerSecret,
    ServiceEndpoints,
    SqlCatalogSettings,
    Tls,
    Transport,
    WebIdentityAuth,
)
from s3_assets.connection.settings import AddressingStyle
from s3_assets.errors import RegistryError
from s3_assets.registry.fields import secret_names
from s3_assets.registry.loading import load_registry, parse_registry

ROLE = "arn:aws:iam::123456789012:role/reader"
EVERYTHING = f"""\
connections:
  lake:
    url: s3://bucket/base/
    endpoint: https://minio.example.com
    region: eu-west-3
    addressing_style: path
    auth:
      type: web_identity
      role_arn: {ROLE}
      token: {{ file: /run/token }}
      session_name: somebody
      duration_seconds: 1800
    assume_role:
      - role_arn: {ROLE}
        session_name: somebody
        duration_seconds: 900
        external_id: {{ env: EXTERNAL_ID }}
        source_identity: somebody
      - role_arn: {ROLE}
        external_id:
          secrets_manager:
            name: lake
            key: id
            region: eu-west-3
            profile: work
            endpoint: https://secrets.example.com
            max_retries: 5
            version_stage: AWSPREVIOUS
    transport: {{ connect_timeout: 1.5, read_timeout: 2.5, max_connections: 7, max_retries: 9 }}
    proxy:
      host: proxy.example.com
      port: 3128
      protocol: http
      non_proxy_hosts: ["*.internal"]
      username: proxy-user
      password:
        ssm: {{ name: /proxy, key: password, region: eu-west-3, profile: work, endpoint: ssm.example.com,
               max_retries: 0 }}
    tls: {{ ca_bundle: /etc/ca.pem, client_certificate: /etc/cert.pem, client_key: /etc/key.pem }}
    encryption:
      server_side: sse-kms
      kms_key_id: alias/lake
      bucket_key: true
      client_side: {{ kms_key_id: alias/raw, kms_region: eu-west-1 }}
    service_endpoints:
      sts: https://sts.example.com
      kms: https://kms.example.com
      glue: https://glue.example.com
      cloudwatch: https://cloudwatch.example.com
      sqs: https://sqs.example.com
    catalog: {{ type: sql, uri: "sqlite:////catalog.db", catalog_name: ours }}
    match_subfolder_exactly: false
    checksums: when_required
"""
WRITTEN = S3Connection(
    name="lake",
    url="s3://bucket/base/",
    endpoint="https://minio.example.com",
    region="eu-west-3",
    addressing_style=AddressingStyle.PATH,
    auth=WebIdentityAuth(
        role_arn=ROLE,
        token=SecretReference(file=Path("/run/token")),
        session_name="somebody",
        duration_seconds=1800,
    ),
    assume_role=(
        AssumeRole(
            role_arn=ROLE,
            session_name="somebody",
            duration_seconds=900,
            external_id=SecretReference(env="EXTERNAL_ID"),
            source_identity="somebody",
        ),
        AssumeRole(
            role_arn=ROLE,
            external_id=SecretReference(
                secrets_manager=SecretsManagerSecret(
                    name="lake",
                    key="id",
                    region="eu-west-3",
                    profile="work",
                    endpoint="https://secrets.example.com",
                    max_retries=5,
                    version_stage="AWSPREVIOUS",
                )
            ),
        ),
    ),
    transport=Transport(connect_timeout=1.5, read_timeout=2.5, max_connections=7, max_retries=9),
    proxy=Proxy(
        host="proxy.example.com",
        port=3128,
        protocol="http",
        non_proxy_hosts=("*.internal",),
        username="proxy-user",
        password=SecretReference(
            ssm=ParameterSecret(
                name="/proxy",
                key="password",
                region="eu-west-3",
                profile="work",
                endpoint="https://ssm.example.com",
                max_retries=0,
            )
        ),
    ),
    tls=Tls(
        ca_bundle=Path("/etc/ca.pem"),
        client_certificate=Path("/etc/cert.pem"),
        client_key=Path("/etc/key.pem"),
    ),
    encryption=Encryption(
        server_side="sse-kms",
        kms_key_id="alias/lake",
        bucket_key=True,
        client_side=ClientSideEncryption(kms_key_id="alias/raw", kms_region="eu-west-1"),
    ),
    service_endpoints=ServiceEndpoints(
        sts="https://sts.example.com",
        kms="https://kms.example.com",
        glue="https://glue.example.com",
        cloudwatch="https://cloudwatch.example.com",
        sqs="https://sqs.example.com",
    ),
    catalog=SqlCatalogSettings(type="sql", uri="sqlite:////catalog.db", catalog_name="ours"),
    match_subfolder_exactly=False,
    checksums="when_required",
)


def values(value: Any) -> Iterator[BaseModel]:
    """Every model in a value."""
    if isinstance(value, BaseModel):
        yield value
        for name in type(value).model_fields:
            yield from values(getattr(value, name))
    elif isinstance(value, tuple):
        for each in value:
            yield from values(each)


def test_every_field_can_be_said_in_yaml() -> None:
    found = parse_registry(EVERYTHING, Path("registry.yaml"), {}).connections["lake"]

    assert found == WRITTEN


def test_nothing_is_left_out_above() -> None:
    """Of every model that was used, each field was set somewhere; other tests have the other ways."""
    said: dict[type[BaseModel], set[str]] = {}
    for each in values(WRITTEN):
        said.setdefault(type(each), set()).update(each.model_fields_set)
    missing = {
        (model.__name__, name) for model, names in said.items() for name in {*model.model_fields} - names
    }

    assert missing == {("WebIdentityAuth", "token_file"), ("WebIdentityAuth", "type")}


def test_one_role_is_as_good_as_a_list() -> None:
    text = f"connections:\n  lake: {{ url: s3://bucket/, assume_role: {{ role_arn: '{ROLE}' }} }}\n"

    roles = parse_registry(text, Path("registry.yaml"), {}).connections["lake"].assume_role

    assert roles == (AssumeRole(role_arn=ROLE),)


def test_paths_count_from_the_folder_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "s3_assets.yaml").write_text(
        "connections:\n  lake:\n    url: s3://bucket/\n"
        "    auth:\n      type: access_key\n      access_key_id: { file: keys/id }\n"
        "      secret_access_key: { file: ~/secret }\n"
        "    proxy: { host: proxy, port: 1, username: { file: ../user } }\n"
        "    tls: { ca_bundle: certificates/ca.pem, client_certificate: /etc/cert.pem }\n"
        "  web:\n    url: s3://bucket/\n"
        f"    auth: {{ type: web_identity, role_arn: '{ROLE}', token_file: token }}\n"
    )
    monkeypatch.setenv("HOME", "/home/somebody")
    monkeypatch.chdir(tmp_path)

    found = load_registry("project/s3_assets.yaml").connections

    auth, proxy, tls = found["lake"].auth, found["lake"].proxy, found["lake"].tls
    assert isinstance(auth, AccessKeyAuth)
    assert auth.access_key_id == SecretReference(file=folder / "keys/id")
    assert auth.secret_access_key == SecretReference(file=Path("/home/somebody/secret"))
    assert proxy is not None
    assert proxy.username == SecretReference(file=folder / "../user")
    assert (tls.ca_bundle, tls.client_certificate) == (folder / "certificates/ca.pem", Path("/etc/cert.pem"))
    web = found["web"].auth
    assert isinstance(web, WebIdentityAuth)
    assert web.token_file == folder / "token"


HEAD = "connections:\n  lake:\n    url: s3://bucket/\n"
PROBLEMS = {
    "a role": (
        HEAD + f"    assume_role: {{ role_arn: '{ROLE}', externalid: abc }}\n",
        "assume_role.0.externalid: there is no such field; did you mean 'external_id'?",
    ),
    "a role in a list": (
        HEAD + f"    assume_role:\n      - {{ role_arn: '{ROLE}', session: abc }}\n",
        "assume_role.0.session: there is no such field; did you mean 'session_name'?",
    ),
    "a way of its own fields": (
        HEAD + "    auth: { type: profile, profil: work }\n",
        "auth.profil: there is no such field; did you mean 'profile'?",
    ),
    "a field called like a way": (
        HEAD + "    auth: { type: profile }\n",
        "auth.profile: this field is missing; add it",
    ),
    "the proxy": (
        HEAD + "    proxy: { host: proxy, prot: 1 }\n",
        "proxy.prot: there is no such field; did you mean 'port'?",
    ),
    "tls": (
        HEAD + "    tls: { ca_bundel: a }\n",
        "tls.ca_bundel: there is no such field; did you mean 'ca_bundle'?",
    ),
    "encryption": (
        HEAD + "    encryption: { client_side: { kms_key: a } }\n",
        "encryption.client_side.kms_key: there is no such field; did you mean 'kms_key_id'?",
    ),
    "other services": (
        HEAD + "    service_endpoints: { stss: a }\n",
        "service_endpoints.stss: there is no such field; did you mean 'sts'?",
    ),
    "a secret's place": (
        HEAD + "    proxy: { host: proxy, port: 1, username: { ssm: { nam: a } } }\n",
        "proxy.username.ssm.nam: there is no such field; did you mean 'name'?",
    ),
    "no place of a secret": (
        HEAD + "    proxy: { host: proxy, port: 1, username: { secret_manager: { name: a } } }\n",
        "proxy.username.secret_manager: there is no such field; did you mean 'secrets_manager'?",
    ),
}


@pytest.mark.parametrize(("text", "told"), PROBLEMS.values(), ids=list(PROBLEMS))
def test_problem(text: str, told: str) -> None:
    with pytest.raises(RegistryError) as caught:
        parse_registry(text, Path("registry.yaml"), {})

    assert not any("valid string" in problem for problem in caught.value.problems)
    assert any(problem.endswith(f"connections.lake.{told}") for problem in caught.value.problems)
    assert all(problem.startswith("registry.yaml:") for problem in caught.value.problems)


def secret_fields(model: Any, seen: set[Any]) -> set[str]:
    """The names of fields that may be a reference, found by another walk than that of the registry."""
    if get_origin(model) in {Union, UnionType} or get_args(model):
        return {name for each in get_args(model) for name in secret_fields(each, seen)}
    if not (isinstance(model, type) and issubclass(model, BaseModel)) or model in seen:
        return set()
    seen.add(model)
    found = {
        name for name, field in model.model_fields.items() if SecretReference in get_args(field.annotation)
    }
    return found.union(*(secret_fields(field.annotation, seen) for field in model.model_fields.values()))


def test_the_names_of_secrets() -> None:
    expected = {"access_key_id", "secret_access_key", "session_token", "token", "external_id"}

    expected |= {"username", "password", "client_id", "client_secret", "uri"}
    assert secret_fields(S3Connection, set()) == expected
    assert secret_fields(S3Connection, set()) <= secret_names()


SECRET = "plain-words-no-shape"
SHOWN = {
    "external_id": f"assume_role: {{ role_arn: '{ROLE}', external_id: {SECRET}, x: 1 }}",
    "a list": f"assume_role: {{ role_arn: '{ROLE}', external_id: [{SECRET}] }}",
    "username": f"proxy: {{ host: {SECRET}, username: {SECRET} }}",
    "password": f"proxy: {{ host: a, port: b, password: {SECRET} }}",
    "a proxy as a URL": f"proxy: {{ host: 'http://u:{SECRET}@proxy', port: 1 }}",
    "token": f"auth: {{ type: web_identity, role_arn: a, token: {SECRET} }}",
    "token, twice": f"auth: {{ type: web_identity, role_arn: '{ROLE}', token: {SECRET}, token_file: a }}",
    "a field that is not there": f"proxy: {{ host: a, port: 1, pasword: {SECRET} }}",
    "at a wrong place": f"password: {SECRET}",
    "an endpoint of another service": f"service_endpoints: {{ sts: 'https://u:{SECRET}@host' }}",
    "an endpoint of a store": "proxy: { host: a, port: 1, username: { ssm: { name: a, endpoint: "
    f"'https://u:{SECRET}@host' }} }} }}",
    "as a variable": f"proxy: {{ host: a, port: 1, username: {{ env: {SECRET} }} }}",
}


@pytest.mark.parametrize("line", SHOWN.values(), ids=list(SHOWN))
def test_no_problem_repeats_a_secret(line: str) -> None:
    text = f"{HEAD}    {line}\ntables:\n  a: {{ connection: {SECRET}, path: a, format: delta }}\n"
    if line.startswith(("a field", "service", "proxy: { host: 'http")) or "pasword" in line or "ssm" in line:
        text = f"{HEAD}    {line}\n"

    with pytest.raises(RegistryError) as caught:
        parse_registry(text, Path("registry.yaml"), {})

    assert SECRET not in "".join(traceback.format_exception(caught.value)) + repr(caught.value)


def test_columns_may_be_called_like_secrets() -> None:
    text = (
        HEAD + "tables:\n  a:\n    connection: lake\n    path: a\n    format: parquet\n"
        "    columns: { token: { env: KIND }, password: string }\n"
    )

    table = parse_registry(text, Path("registry.yaml"), {"KIND": "int64"}).tables["a"]

    assert table.model_dump()["columns"] == {"token": "int64", "password": "string"}
