"""How requests travel: each field of a connection is changed, and the change is seen at the server."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from s3_assets.connection import AddressingStyle, Transport
from s3_assets.errors import RequestTimeoutError, S3AssetsError, ThrottledError, UnreachableError
from s3_assets.objects import Objects
from tests.connection.conftest import Connect
from tests.connection.engines import Engine
from tests.connection.recorder import VIRTUAL, Recorder
from tests.support.proxy import RequestProxy


def test_path_style(connect: Connect, recorder: Recorder, engine: Engine, bucket: str) -> None:
    engine.round_trip(connect())

    assert {seen.host for seen in recorder.seen} == {f"127.0.0.1:{recorder.port}"}
    assert all(seen.path.startswith(f"/{bucket}") for seen in recorder.seen)


def test_virtual_style(
    connect: Connect, recorder: Recorder, engine: Engine, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The recorder as a proxy: no name server knows the host.
    monkeypatch.setenv("HTTP_PROXY", recorder.endpoint)
    connection = connect(
        endpoint=f"http://{VIRTUAL.strip('.')}", addressing_style=AddressingStyle.VIRTUAL, name="virtual"
    )

    assert engine.round_trip(connection) == [1, 2, 3]
    assert {seen.host for seen in recorder.seen} == {f"{bucket}{VIRTUAL}"}
    assert not [seen.path for seen in recorder.seen if seen.path.startswith(f"/{bucket}")]


def test_region(connect: Connect, recorder: Recorder, engine: Engine) -> None:
    engine.round_trip(connect(region="ap-northeast-3"))

    assert {seen.region for seen in recorder.seen} == {"ap-northeast-3"}


def test_checksums(connect: Connect, recorder: Recorder, bucket: str) -> None:
    """boto3 alone adds checksums that it was not asked for."""
    from s3_assets.connection.adapters import boto

    for checksums in ("when_supported", "when_required"):
        client = boto.client(connect(checksums=checksums))
        client.put_object(Bucket=bucket, Key=checksums, Body=b"1")

    sent = [[name for name in seen.headers if "checksum" in name] for seen in recorder.seen]
    assert sent[0] != []
    assert sent[1] == []


def test_throttling_is_retried(connect: Connect, proxy: RequestProxy, engine: Engine) -> None:
    connection = connect(endpoint=proxy.endpoint, transport=Transport(max_retries=3), region="us-east-1")
    engine.write(connection, "folder")
    proxy.reset()
    proxy.arm("status", 1, times=2)

    assert engine.read(connection, "folder") == [1, 2, 3]
    assert [request.status for request in proxy.requests()[:2]] == [503, 503]


def test_throttling_ends_at_once_without_retries(
    connect: Connect, proxy: RequestProxy, engine: Engine
) -> None:
    connection = connect(endpoint=proxy.endpoint, transport=Transport(max_retries=0), region="us-east-1")
    engine.write(connection, "folder")
    proxy.reset()
    proxy.arm("status", 1, times=100)

    with pytest.raises(ThrottledError, match=r"connection 'lake', s3://.*transport\.max_retries"):
        engine.diagnosed_read(connection)

    # Polars runs the whole cycle twice.
    assert proxy.count() <= 2


@pytest.fixture
def silent() -> Iterator[str]:
    """A server that takes connections and never answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def test_read_timeout(connect: Connect, engine: Engine, silent: str) -> None:
    connection = connect(endpoint=silent, transport=Transport(read_timeout=0.3, max_retries=0))
    started = time.monotonic()

    with pytest.raises(RequestTimeoutError, match="did not answer in time") as caught:
        engine.diagnosed_read(connection)

    assert caught.value.connection == "lake"
    assert time.monotonic() - started < 10


def test_connect_timeout(connect: Connect, engine: Engine) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        endpoint = f"http://127.0.0.1:{full.getsockname()[1]}"
        # One connection fills the queue; further ones are left without an answer.
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)  # noqa: FBT003 - the socket's own argument
            each.connect_ex(full.getsockname())
        transport = Transport(connect_timeout=0.3, read_timeout=30, max_retries=0)
        started = time.monotonic()

        with pytest.raises((RequestTimeoutError, UnreachableError)):
            engine.diagnosed_read(connect(endpoint=endpoint, transport=transport))

        assert time.monotonic() - started < 10
        for each in waiting:
            each.close()


def test_nobody_at_the_endpoint(connect: Connect, engine: Engine) -> None:
    connection = connect(endpoint="http://127.0.0.1:1", transport=Transport(max_retries=0))

    with pytest.raises(UnreachableError, match=r"connection 'lake'.*http://127\.0\.0\.1:1.*host and port"):
        engine.diagnosed_read(connection)


def test_max_connections(connect: Connect, recorder: Recorder, s3_client: Any, bucket: str) -> None:
    """It bounds our own parallel requests; the engines' pools know no such limit."""
    keys = [f"from/{number}" for number in range(12)]
    for key in keys:
        s3_client.put_object(Bucket=bucket, Key=key, Body=b"1")

    objects = Objects(connect(transport=Transport(max_connections=2)))
    objects.copy([(key, key.replace("from", "to")) for key in keys])

    assert max(seen.at_once for seen in recorder.seen) == 2
    assert [item.key for item in objects.list_objects("to/")] == sorted(
        f"to/{number}" for number in range(12)
    )


def test_failures_disable_nothing(connect: Connect, proxy: RequestProxy, engine: Engine) -> None:
    connection = connect(endpoint=proxy.endpoint, transport=Transport(max_retries=0), region="us-east-1")
    engine.write(connection, "folder")
    proxy.reset()
    proxy.arm("status", 1, times=2)
    with pytest.raises(S3AssetsError):
        engine.diagnosed_read(connection)
    proxy.reset()

    assert engine.diagnosed_read(connection) == [1, 2, 3]


def test_many_threads_share_one_connection(connect: Connect, engine: Engine) -> None:
    connection = connect()

    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda number: engine.round_trip(connection, f"folder-{number}"), range(6)))

    assert found == [[1, 2, 3]] * 6
