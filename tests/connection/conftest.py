"""A recorder before the server, services that give one answer, and one engine after the other."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from s3_assets.connection import AccessKeyAuth, S3Connection, Transport
from s3_assets.embedded.server import EmbeddedServer
from tests.connection.engines import ENGINES, Engine
from tests.connection.recorder import Recorder, recording
from tests.support.http_answers import Answering

Connect = Callable[..., S3Connection]


@pytest.fixture
def recorder(s3_server: EmbeddedServer, tmp_path: Path) -> Iterator[Recorder]:
    with recording(s3_server.endpoint_url, tmp_path) as recorder:
        yield recorder


@pytest.fixture(params=ENGINES, ids=[engine.name for engine in ENGINES])
def engine(request: pytest.FixtureRequest) -> Engine:
    found: Engine = request.param
    return found


@pytest.fixture
def connect(recorder: Recorder, bucket: str) -> Connect:
    """A connection through the recorder; every field can be given otherwise."""

    def make(**fields: Any) -> S3Connection:
        told = {
            "name": "lake",
            "url": f"s3://{bucket}/",
            "endpoint": recorder.endpoint,
            "region": "eu-west-3",
            "auth": AccessKeyAuth(access_key_id="AKIAOWN", secret_access_key="own-secret"),
            "transport": Transport(max_retries=1),
            **fields,
        }
        return S3Connection(**told)

    return make


@pytest.fixture
def answering() -> Iterator[Callable[[int, dict[str, str]], Answering]]:
    servers: list[Answering] = []

    def start(status: int, answer: dict[str, str]) -> Answering:
        server = Answering(status, answer)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()
