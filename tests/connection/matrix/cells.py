"""What the matrix is made of: a row for a way or option, a cell for each engine, proved at a server."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

import pytest

from s3_assets.connection import AccessKeyAuth, S3Connection, Transport
from s3_assets.connection.adapters import deltalake as delta_adapter
from s3_assets.connection.adapters import object_store_dialect
from tests.conftest import boto_client
from tests.connection.engines import Engine
from tests.connection.recorder import Recorder, Seen
from tests.servers.front import Front

Entered = TypeVar("Entered")

ENGINES = ("boto3", "obstore", "polars", "delta-rs", "pyiceberg")
KEY_ID, SECRET = "AKIAOWN", "own-secret"


class How(StrEnum):
    """How an engine comes to do what the connection says."""

    ITSELF = "itself"
    OBSTORE = "obstore"
    ENDPOINT = "credential endpoint"
    GATEWAY = "gateway"
    CLIENT = "AWS's client"
    REFUSED = "refused"


BRIDGED = frozenset({How.OBSTORE, How.ENDPOINT, How.GATEWAY, How.CLIENT})
USUAL: Mapping[str, How] = {**dict.fromkeys(ENGINES, How.ITSELF), "pyiceberg": How.OBSTORE}
# delta-rs is given keys once, when it opens a table: whatever expires reaches it over the endpoint.
EXPIRING: Mapping[str, How] = {**USUAL, "delta-rs": How.ENDPOINT}
THROUGH_GATEWAY: Mapping[str, How] = dict.fromkeys(ENGINES, How.GATEWAY)


class Bench:
    """What a proof works with: a bucket, a recorder before its server, and further servers by name."""

    def __init__(
        self, request: pytest.FixtureRequest, stack: ExitStack, recorder: Recorder, bucket: str, folder: Path
    ) -> None:
        self._request = request
        self._stack = stack
        self.recorder = recorder
        self.bucket = bucket
        self.folder = folder
        self.connections: list[S3Connection] = []
        self.seen_how: How | None = None
        """How the engine did it, where a proof runs it in another process."""

    def connect(self, **fields: Any) -> S3Connection:
        """A connection through the recorder; every field can be given otherwise."""
        told = {
            # A name of its own, so that no other test's credentials are found.
            "name": self.folder.name,
            "url": f"s3://{self.bucket}/",
            "endpoint": self.recorder.endpoint,
            "region": "eu-west-3",
            "auth": AccessKeyAuth(access_key_id=KEY_ID, secret_access_key=SECRET),
            "transport": Transport(max_retries=1),
            **fields,
        }
        connection = S3Connection(**told)
        self.connections.append(connection)
        return connection

    def server(self, name: str) -> Any:
        """A fixture, started when a proof first asks for it."""
        return self._request.getfixturevalue(name)

    def enter(self, server: AbstractContextManager[Entered]) -> Entered:
        """Run a server until the proof is over."""
        return self._stack.enter_context(server)

    def front(self, *, demand_certificate: bool = False) -> Front:
        """A front with TLS before the recorder."""
        make = self.server("mutual_tls" if demand_certificate else "tls_front")
        door: Front = self.enter(make(self.recorder.endpoint))
        return door

    def set_environment(self, **variables: str) -> None:
        patch: pytest.MonkeyPatch = self._request.getfixturevalue("monkeypatch")
        for name, value in variables.items():
            patch.setenv(name, value)

    def write_shared_files(self, *, config: str = "", credentials: str = "") -> None:
        (self.folder / "config").write_text(config)
        (self.folder / "credentials").write_text(credentials)
        self.set_environment(
            AWS_CONFIG_FILE=str(self.folder / "config"),
            AWS_SHARED_CREDENTIALS_FILE=str(self.folder / "credentials"),
        )

    def aws(self, service: str) -> Any:
        """A client of another service than S3."""
        return boto_client(self.server("aws_server"), service)

    def round_trip(self, engine: Engine, connection: S3Connection) -> list[Seen]:
        """Write and read with the engine; returns the requests that the server saw."""
        before = len(self.recorder.seen)
        assert engine.round_trip(connection) == [1, 2, 3]
        seen = self.recorder.seen[before:]
        assert seen
        return seen

    def assert_identity(
        self, engine: Engine, connection: S3Connection, key_id: str, token: str | None = None
    ) -> None:
        """Write and read; every request has to be signed with that key, and carry that token."""
        seen = self.round_trip(engine, connection)
        assert {(each.key_id, each.token) for each in seen} == {(key_id, token)}


Proof = Callable[[Bench, Engine], None]


@dataclass(frozen=True)
class Row:
    section: str
    name: str
    seen: str
    """What the server saw, for the documents."""
    prove: Proof
    how: Mapping[str, How] = field(default_factory=lambda: USUAL)


def observed(engine: Engine, connection: S3Connection) -> How:
    """How the connection really reaches that engine, read off what the adapters answer."""
    capped = object_store_dialect.needs_gateway(connection)
    if engine.name == "boto3":
        from s3_assets.connection.adapters import boto

        endpoint = boto.client(connection).meta.endpoint_url
        loopback = endpoint.startswith("http://127.0.0.1") and endpoint != connection.endpoint
        return How.GATEWAY if loopback else How.ITSELF
    if capped:
        assert object_store_dialect.settings(connection, engine.name).gateway is not None
        return How.GATEWAY
    if engine.name == "delta-rs" and "aws_container_credentials_full_uri" in delta_adapter.options(
        connection
    ):
        return How.ENDPOINT
    return How.OBSTORE if engine.name == "pyiceberg" else How.ITSELF
