"""The hunt: a secret of its own in every place where one can stand, and nothing that is said repeats it."""

import base64
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args
from urllib.parse import quote, quote_plus
from uuid import uuid4

import polars as pl
import pytest
import yaml
from pydantic import BaseModel

from s3_assets.connection import S3Connection, SecretReference
from s3_assets.embedded.server import EmbeddedServer
from tests.servers.rest_catalog.server import RestCatalogs
from tests.support.hunted_program import MARK
from tests.support.hunted_services import Services, services

ROLE = "arn:aws:iam::123456789012:role/hunted"
MANNERS = ("literal", "env", "file", "secrets_manager", "ssm")
WHOLE = ("literal", "ssm")
# The id of a key names an identity: `check` says it, and the value that engines get. Nothing else does.
NAMES_THE_KEY = ("command check lake", "credentials that are held")
PLACES: dict[str, str] = {}
"""What was planted, by its place: of the whole session, for the count at the end."""
SEARCHED: list[str] = []


def spellings(secret: str) -> dict[str, str]:
    """A secret in every way in which somebody may write it; base64 at each of its three offsets."""
    found = {
        "plain": secret,
        "URL": quote(secret, safe=""),
        "form": quote_plus(secret),
        "repr": repr(secret)[1:-1],
    }
    found["JSON"] = json.dumps(secret)[1:-1]
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + secret.encode()).decode()
        # The first and the last characters depend on what stands around.
        found[f"base64 {shift}"] = encoded[4:-4]
    return found


@dataclass
class Hunt:
    """One registry with secrets in it, the programs that use it, and what they say."""

    folder: Path
    manner: str
    planted: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)

    def plant(self, place: str) -> str:
        """Return a new secret; its slash, plus and blank look different in each spelling."""
        secret = f"zq{uuid4().hex}/+ {uuid4().hex[:4]}"
        self.planted[place] = secret
        PLACES[f"{self.manner}: {place}"] = secret
        return secret

    def header(self, place: str) -> str:
        """Return a new secret for where HTTP allows no blank."""
        secret = self.plant(place).replace(" ", "").replace("+", "")
        self.planted[place] = PLACES[f"{self.manner}: {place}"] = secret
        return secret

    def kept_there(self, place: str, store: str) -> object:
        """Plant a secret, and return what a registry says of it."""
        secret = self.header(place)
        name = place.replace(".", "_").replace(" ", "_")
        if self.manner == "literal":
            return secret
        if self.manner == "env":
            self.variables[name.upper()] = secret
            return {"env": name.upper()}
        if self.manner == "file":
            (self.folder / name).write_text(f"{secret}\n")
            return {"file": name}
        self.kept[name] = secret
        return {self.manner: {"name": name, "region": "us-east-1", "endpoint": store}}

    def run(self, *acts: str, home: str = "home", **more: str) -> list[tuple[str, str]]:
        """Start the program in an environment of its own; return its outputs with their names."""
        outside = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}
        nowhere = {
            name: str(self.folder / "nowhere") for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE")
        }
        done = subprocess.run(
            [sys.executable, "-m", "tests.support.hunted_program", *acts],
            capture_output=True,
            check=False,
            timeout=250,
            cwd=Path(__file__).parents[1],
            env={
                **outside,
                **nowhere,
                "AWS_EC2_METADATA_DISABLED": "true",
                "S3_ASSETS_REGISTRY": str(self.folder / "s3_assets.yaml"),
                "DAGSTER_HOME": str(self.folder / home),
                **self.variables,
                **more,
            },
        )
        said = done.stdout.decode("utf-8", "replace").split(MARK)
        outputs = [(part.partition("\n")[0], part) for part in said]
        outputs.append((f"log of {' '.join(acts)}", done.stderr.decode("utf-8", "replace")))
        SEARCHED.extend(f"{self.manner}: {name}" for name, _ in outputs)
        return outputs

    def finds(self, outputs: list[tuple[str, str]]) -> list[str]:
        """Return where a secret was found, and in which spelling; never the secret."""
        return [
            f"{place} in {name!r} as {spelling}: {around(text, secret)}"
            for place, planted in self.planted.items()
            for spelling, secret in spellings(planted).items()
            for name, text in outputs
            if secret in text and not (place.lower().endswith("access_key_id") and name in NAMES_THE_KEY)
        ]


def around(text: str, secret: str) -> str:
    """What stands before a find, so that it can be mended."""
    start = text.index(secret)
    return repr(text[max(0, start - 150) : start])


def said(outputs: list[tuple[str, str]]) -> str:
    return "\n".join(text for _, text in outputs)


def secret_fields() -> set[tuple[str, str]]:
    """Every field of a connection's models that may be a reference, as model and name."""
    found: set[tuple[str, str]] = set()
    seen: set[Any] = set()

    def walk(annotation: Any) -> None:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel) and annotation not in seen:
            seen.add(annotation)
            for name, each in annotation.model_fields.items():
                if SecretReference in get_args(each.annotation):
                    found.add((annotation.__name__, name))
                walk(each.annotation)
        for argument in get_args(annotation):
            walk(argument)

    walk(S3Connection)
    return found


PLANTED_FIELDS = {
    ("AccessKeyAuth", "access_key_id"),
    ("AccessKeyAuth", "secret_access_key"),
    ("AccessKeyAuth", "session_token"),
    ("WebIdentityAuth", "token"),
    ("AssumeRole", "external_id"),
    ("Proxy", "username"),
    ("Proxy", "password"),
    ("RestCatalogSettings", "token"),
    ("OAuth2", "client_id"),
    ("OAuth2", "client_secret"),
    ("UnityCatalogSettings", "token"),
    ("SqlCatalogSettings", "uri"),
}


def test_no_field_for_a_secret_is_forgotten() -> None:
    assert secret_fields() == PLANTED_FIELDS


@pytest.fixture
def landed(s3_client: Any, bucket: str) -> str:
    """A bucket with a source of three rows."""
    body = io.BytesIO()
    pl.DataFrame({"id": [1, 2, 3]}).write_parquet(body)
    s3_client.put_object(Bucket=bucket, Key="raw/orders/a.parquet", Body=body.getvalue())
    return bucket


Start = Callable[[Hunt], Services]


@pytest.fixture
def start(s3_server: EmbeddedServer) -> Iterator[Start]:
    """Start the services for a hunt; what they hand out is planted too."""
    from contextlib import ExitStack

    with ExitStack() as stack:

        def begin(hunt: Hunt) -> Services:
            secret, token = hunt.header("temporary secret"), hunt.header("temporary token")
            # The id of a temporary key is no secret: `check` names the session with it.
            temporary = ("ASIATEMPORARY", secret, token)
            return stack.enter_context(services(s3_server.endpoint_url, hunt.kept, temporary))

        yield begin


def write(hunt: Hunt, bucket: str, **connection: Any) -> None:
    registry = {
        "connections": {
            "lake": {
                "url": f"s3://{bucket}/",
                "region": "us-east-1",
                "transport": {"max_retries": 0, "connect_timeout": 5, "read_timeout": 20},
                **connection,
            }
        },
        "tables": {
            "raw/orders": {"connection": "lake", "path": "raw/orders", "format": "parquet"},
            "lake/orders": {"connection": "lake", "path": "lake/orders", "format": "delta"},
        },
        "imports": {"orders": {"source": "raw/orders", "target": "lake/orders"}},
    }
    (hunt.folder / "s3_assets.yaml").write_text(yaml.safe_dump(registry))


def key_auth(hunt: Hunt, store: str) -> dict[str, object]:
    names = ("access_key_id", "secret_access_key", "session_token")
    return {"type": "access_key", **{name: hunt.kept_there(f"auth.{name}", store) for name in names}}


def keys_for_the_stores(hunt: Hunt) -> None:
    hunt.variables["AWS_ACCESS_KEY_ID"] = "storekey"
    hunt.variables["AWS_SECRET_ACCESS_KEY"] = hunt.header("AWS_SECRET_ACCESS_KEY")


def proxy(hunt: Hunt, server: Services, port: int | None = None) -> dict[str, object]:
    return {
        "host": "127.0.0.1",
        "port": port or server.server_address[1],
        "protocol": "http",
        "username": hunt.kept_there("proxy.username", server.url),
        "password": hunt.kept_there("proxy.password", server.url),
    }


@pytest.mark.parametrize("manner", MANNERS)
def test_keys_a_role_and_a_proxy(
    manner: str, tmp_path: Path, landed: str, start: Start, s3_server: EmbeddedServer, s3_client: Any
) -> None:
    """An import that succeeds: with a key, a role with an external id, temporary keys, through a proxy."""
    hunt = Hunt(tmp_path, manner)
    server = start(hunt)
    hunt.variables.update(
        AWS_ACCESS_KEY_ID="storekey", AWS_SECRET_ACCESS_KEY=hunt.header("AWS_SECRET_ACCESS_KEY")
    )
    role = {"role_arn": ROLE, "external_id": hunt.kept_there("assume_role.external_id", server.url)}
    write(
        hunt,
        landed,
        endpoint=s3_server.endpoint_url,
        auth=key_auth(hunt, server.url),
        assume_role=role,
        proxy=proxy(hunt, server),
        service_endpoints={"sts": server.url},
    )

    # Where it is kept matters until it is read; what comes after is the same for all of them.
    outputs = hunt.run(*(("commands", "models", "dagster") if manner in WHOLE else ("one", "models")))

    found = hunt.finds(outputs)
    assert not found, "\n".join(found)
    assert "exit of import orders\n0" in said(outputs)
    assert manner not in WHOLE or "RUN_SUCCESS" in said(outputs)
    keys = [each["Key"] for each in s3_client.list_objects_v2(Bucket=landed)["Contents"]]
    assert any(key.startswith("lake/orders/_delta_log/") for key in keys)
    shown = "\n".join(server.shown)
    used = ["auth.access_key_id", "auth.session_token", "proxy.username", "proxy.password"]
    used += ["temporary token"]
    assert [place for place in used if hunt.planted[place] not in shown] == []
    assert quote_plus(hunt.planted["assume_role.external_id"]) in shown


@pytest.mark.parametrize("manner", MANNERS)
def test_a_web_identity(
    manner: str, tmp_path: Path, landed: str, start: Start, s3_server: EmbeddedServer
) -> None:
    hunt = Hunt(tmp_path, manner)
    server = start(hunt)
    hunt.variables.update(
        AWS_ACCESS_KEY_ID="storekey", AWS_SECRET_ACCESS_KEY=hunt.header("AWS_SECRET_ACCESS_KEY")
    )
    auth = {"type": "web_identity", "role_arn": ROLE, "token": hunt.kept_there("auth.token", server.url)}
    write(hunt, landed, endpoint=s3_server.endpoint_url, auth=auth, service_endpoints={"sts": server.url})

    outputs = hunt.run("one", "models")

    found = hunt.finds(outputs)
    assert not found, "\n".join(found)
    assert "exit of import orders\n0" in said(outputs)
    assert quote_plus(hunt.planted["auth.token"]) in "\n".join(server.shown)


@pytest.mark.parametrize(
    ("manner", "refused"), [("literal", False), ("env", True)], ids=["literal, let in", "env, refused"]
)
def test_catalogs(
    manner: str,
    refused: bool,
    tmp_path: Path,
    bucket: str,
    s3_server: EmbeddedServer,
    rest_catalogs: RestCatalogs,
) -> None:
    """Tokens, client credentials, lent keys and a database's password, of catalogs that let in, or do not."""
    hunt = Hunt(tmp_path, manner)
    oauth2 = {name: hunt.kept_there(f"catalog.{name}", "") for name in ("client_id", "client_secret")}
    kinds: dict[str, dict[str, Any]] = {
        "rest": {"type": "rest", "token": hunt.kept_there("rest.token", "")},
        "oauth2": {"type": "rest", "oauth2": oauth2, "vended_credentials": True},
        "unity": {"type": "unity", "token": hunt.kept_there("unity.token", "")},
        "sql": {"type": "sql", "uri": hunt.kept_there("sql.uri", "")},
    }
    right: dict[str, dict[str, Any]] = {
        "rest": {"token": hunt.planted["rest.token"]},
        "oauth2": {
            "clients": {hunt.planted["catalog.client_id"]: hunt.planted["catalog.client_secret"]},
            "lends": "arn:aws:iam::000000000000:role/reader",
        },
        "unity": {"token": hunt.planted["unity.token"], "warehouses": ["main"]},
    }
    wrong = {"token": "another", "clients": {"another": "client"}}
    servers = {}
    for kind, settings in right.items():
        changed = {name: wrong.get(name, value) if refused else value for name, value in settings.items()}
        servers[kind] = rest_catalogs.start(s3_server.endpoint_url, f"s3://{bucket}/ice", **changed)
        kinds[kind]["uri"] = servers[kind].endpoint
    database = f"postgresql+psycopg://us:{quote(hunt.planted['sql.uri'], safe='')}@127.0.0.1:9/ice"
    _replace(hunt, kinds["sql"], database)
    reached = {"url": f"s3://{bucket}/", "endpoint": s3_server.endpoint_url, "region": "us-east-1"}
    keys = {"type": "access_key", "access_key_id": "test", "secret_access_key": "test"}
    names = {"unity": "main.db.orders"}
    registry = {
        "connections": {kind: {**reached, "auth": keys, "catalog": each} for kind, each in kinds.items()},
        "tables": {
            kind: {"connection": kind, "format": "iceberg", "table": names.get(kind, "db.orders")}
            for kind in kinds
        },
    }
    (hunt.folder / "s3_assets.yaml").write_text(yaml.safe_dump(registry))

    outputs = hunt.run("catalogs", "models")

    # The tokens and keys that the catalogs gave are secrets, too.
    for kind, server in servers.items():
        for number, call in enumerate(server.calls()):
            if call.issued is not None and not call.issued.startswith("ASIA"):
                hunt.planted[f"{kind}: token {number}"] = call.issued
    found = hunt.finds(outputs)
    assert not found, "\n".join(found)
    text = said(outputs)
    for kind in kinds:
        assert f"error of table {kind}" in text
    told = "gave no token" if refused else "TableMissingError"
    assert told in text
    for kind, server in servers.items():
        shown = "".join(f"{call.headers} {call.body}" for call in server.calls())
        secret = hunt.planted["catalog.client_secret" if kind == "oauth2" else f"{kind}.token"]
        assert quote_plus(secret) in shown or secret in shown


def _replace(hunt: Hunt, catalog: dict[str, Any], uri: str) -> None:
    """Have the planted password stand in a URL."""
    place = catalog["uri"]
    if isinstance(place, str):
        catalog["uri"] = uri
    elif "env" in place:
        hunt.variables[place["env"]] = uri
    else:
        (hunt.folder / place["file"]).write_text(uri)


def environment_keys(hunt: Hunt, server: Services) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        hunt.variables[name] = hunt.header(name)


def profile_files(hunt: Hunt, server: Services) -> None:
    names = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
    lines = [f"{name} = {hunt.header(f'profile {name}')}" for name in names]
    (hunt.folder / "credentials").write_text("\n".join(["[default]", *lines, ""]))
    hunt.variables["AWS_SHARED_CREDENTIALS_FILE"] = str(hunt.folder / "credentials")


def container(hunt: Hunt, server: Services) -> None:
    hunt.variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = f"{server.url}/credentials"
    hunt.variables["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = hunt.header("AWS_CONTAINER_AUTHORIZATION_TOKEN")


@pytest.mark.parametrize("ambient", [environment_keys, profile_files, container])
def test_what_the_workload_has(
    ambient: Callable[[Hunt, Services], None],
    tmp_path: Path,
    landed: str,
    start: Start,
    s3_server: EmbeddedServer,
) -> None:
    """Keys of the environment, of shared files and of the container, and a proxy of the environment."""
    hunt = Hunt(tmp_path, ambient.__name__)
    server = start(hunt)
    ambient(hunt, server)
    user, password = hunt.plant("HTTP_PROXY user"), hunt.plant("HTTP_PROXY password")
    hunt.variables["HTTP_PROXY"] = hunt.variables["http_proxy"] = (
        f"http://{quote(user, safe='')}:{quote(password, safe='')}@{server.url.removeprefix('http://')}"
    )
    write(hunt, landed, endpoint=s3_server.endpoint_url)

    outputs = hunt.run("one", "models", "dagster")

    found = hunt.finds(outputs)
    assert not found, "\n".join(found)
    assert "exit of import orders\n0" in said(outputs)
    assert "RUN_SUCCESS" in said(outputs)


FAILURES: dict[str, dict[str, Any]] = {
    "a key that nobody knows": {},
    "nobody at the endpoint": {"endpoint": "http://127.0.0.1:9"},
    "nobody at the proxy": {"proxy_port": 9},
    "a proxy that refuses": {"refusing": True},
    "a role that is refused": {"service_endpoints": {"sts": "http://127.0.0.1:9"}},
    "a user in the endpoint": {"user": True},
}


@pytest.mark.parametrize("case", FAILURES)
def test_what_fails(
    case: str, tmp_path: Path, bucket: str, start: Start, strict_s3_server: EmbeddedServer
) -> None:
    hunt = Hunt(tmp_path, case)
    server = start(hunt)
    told = FAILURES[case]
    hunt.manner = "literal"
    connection: dict[str, Any] = {
        "endpoint": strict_s3_server.endpoint_url,
        "auth": key_auth(hunt, server.url),
    }
    connection |= {name: value for name, value in told.items() if name in {"endpoint", "service_endpoints"}}
    if "service_endpoints" in told:
        role = {"role_arn": ROLE, "external_id": hunt.kept_there("assume_role.external_id", server.url)}
        connection["assume_role"] = role
    if "proxy_port" in told:
        connection["proxy"] = proxy(hunt, server, port=9)
    if "refusing" in told:
        connection["proxy"] = proxy(hunt, server)
        server.refuses = True
    if "user" in told:
        user = f"{hunt.header('endpoint user')}:{hunt.header('endpoint password')}".replace("/", "")
        connection["endpoint"] = f"http://{user}@127.0.0.1:9"
    write(hunt, bucket, **connection)

    acts = ("failing",) if "user" in told else ("failing", "dagster")
    outputs = hunt.run(*acts)

    found = hunt.finds(outputs)
    assert not found, "\n".join(found)
    assert "exit of import orders\n1" in said(outputs)
    if "user" not in told:
        assert "RUN_FAILURE" in said(outputs)


def test_how_much_was_searched(capsys: pytest.CaptureFixture[str]) -> None:
    """The hunts above come first in the same process, or nothing is counted."""
    count = f"{len(PLACES)} secrets planted, {len(SEARCHED)} outputs searched"
    with capsys.disabled():
        sys.stdout.write(f"\nhunt: {count}\n")
