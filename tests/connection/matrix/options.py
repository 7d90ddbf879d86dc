"""The rows of addressing, transport, TLS and encryption."""

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Literal
from urllib.parse import urlsplit

import pytest

from s3_assets.connection import (
    AccessKeyAuth,
    AddressingStyle,
    ClientSideEncryption,
    Encryption,
    Proxy,
    ServiceEndpoints,
    Tls,
    Transport,
)
from s3_assets.errors import (
    RequestTimeoutError,
    S3AssetsError,
    ThrottledError,
    UnreachableError,
    UnsupportedError,
)
from s3_assets.objects import Objects
from tests.connection.engines import Engine
from tests.connection.matrix.cells import THROUGH_GATEWAY, USUAL, Bench, How, Row
from tests.connection.recorder import VIRTUAL, Seen
from tests.servers.forward_proxy import OUTGOING, SPECIAL_PASSWORD, SPECIAL_USER, ForwardProxy
from tests.servers.front import CLIENT_HEADER, Front
from tests.support.proxy import RequestProxy

WRITES = frozenset({"PUT", "POST"})


def _recorder_as_proxy(bench: Bench) -> Proxy:
    return Proxy(host="127.0.0.1", port=bench.recorder.port, protocol="http")


# Addressing


def endpoint(bench: Bench, engine: Engine) -> None:
    seen = bench.round_trip(engine, bench.connect())
    assert {each.host for each in seen} == {f"127.0.0.1:{bench.recorder.port}"}


def bare_host(bench: Bench, engine: Engine) -> None:
    front = bench.front()
    connection = bench.connect(
        endpoint=front.endpoint.removeprefix("https://"), tls=Tls(ca_bundle=front.ca_file)
    )
    assert connection.endpoint == front.endpoint
    bench.round_trip(engine, connection)


def base_path(bench: Bench, engine: Engine) -> None:
    seen = bench.round_trip(engine, bench.connect(url=f"s3://{bench.bucket}/base/path/"))
    objects = [each.path for each in seen if "?" not in each.path]
    own = {"boto3", "obstore"}  # these are told keys, which the floors above count from the bucket's root
    assert engine.name in own or all(path.startswith(f"/{bench.bucket}/base/path/") for path in objects)
    assert objects


def region(bench: Bench, engine: Engine) -> None:
    seen = bench.round_trip(engine, bench.connect(region="ap-northeast-3"))
    assert {each.region for each in seen} == {"ap-northeast-3"}


def region_of_endpoint(bench: Bench, engine: Engine) -> None:
    # The recorder as a proxy: no name server here knows the host.
    connection = bench.connect(
        endpoint="http://s3.eu-south-2.amazonaws.com", region=None, proxy=_recorder_as_proxy(bench)
    )
    seen = bench.round_trip(engine, connection)
    assert {each.region for each in seen} == {"eu-south-2"}


def path_style(bench: Bench, engine: Engine) -> None:
    seen = bench.round_trip(engine, bench.connect(addressing_style=AddressingStyle.PATH))
    assert all(each.path.startswith(f"/{bench.bucket}") for each in seen)


def virtual_style(bench: Bench, engine: Engine) -> None:
    connection = bench.connect(
        endpoint=f"http://{VIRTUAL.strip('.')}",
        addressing_style=AddressingStyle.VIRTUAL,
        proxy=_recorder_as_proxy(bench),
    )
    seen = bench.round_trip(engine, connection)
    assert {each.host for each in seen} == {f"{bench.bucket}{VIRTUAL}"}
    assert not [each.path for each in seen if each.path.startswith(f"/{bench.bucket}")]


def dotted_bucket(bench: Bench, engine: Engine) -> None:
    bucket = f"dotted.{bench.bucket}"
    bench.server("s3_client").create_bucket(Bucket=bucket)
    # AWS's own host, where auto would put the bucket into the host name, but for its dot.
    connection = bench.connect(
        url=f"s3://{bucket}/", endpoint=None, region="eu-west-1", proxy=_recorder_as_proxy(bench)
    )
    assert not connection.virtual_hosted
    seen = bench.round_trip(
        engine, bench.connect(url=f"s3://{bucket}/", addressing_style=AddressingStyle.AUTO)
    )
    assert all(each.path.startswith(f"/{bucket}") for each in seen)


# Transport


@contextmanager
def silent_server() -> Iterator[str]:
    """A server that takes connections and never answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@contextmanager
def full_queue() -> Iterator[str]:
    """A server whose queue of connections is full: further ones are left without an answer."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)  # noqa: FBT003 - the socket's own argument
            each.connect_ex(listening.getsockname())
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        for each in waiting:
            each.close()


def connect_timeout(bench: Bench, engine: Engine) -> None:
    with full_queue() as endpoint:
        transport = Transport(connect_timeout=0.3, read_timeout=30, max_retries=0)
        started = time.monotonic()
        with pytest.raises((RequestTimeoutError, UnreachableError)):
            engine.diagnosed_read(bench.connect(endpoint=endpoint, transport=transport))
        assert time.monotonic() - started < 10


def read_timeout(bench: Bench, engine: Engine) -> None:
    with silent_server() as endpoint:
        transport = Transport(connect_timeout=30, read_timeout=0.3, max_retries=0)
        started = time.monotonic()
        with pytest.raises(RequestTimeoutError):
            engine.diagnosed_read(bench.connect(endpoint=endpoint, transport=transport))
        assert time.monotonic() - started < 10


def max_connections(bench: Bench, engine: Engine) -> None:
    connection = bench.connect(transport=Transport(max_connections=2, max_retries=1))
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda number: engine.round_trip(connection, f"folder-{number}"), range(6)))
    assert found == [[1, 2, 3]] * 6
    assert max(each.at_once for each in bench.recorder.seen) <= 2


def max_retries(bench: Bench, engine: Engine) -> None:
    with RequestProxy(bench.recorder.endpoint) as proxy:
        patient = bench.connect(endpoint=proxy.endpoint, transport=Transport(max_retries=2))
        engine.write(patient, "folder")
        proxy.reset()
        proxy.arm("status", 1, times=2)
        assert engine.read(patient, "folder") == [1, 2, 3]
        assert [request.status for request in proxy.requests()[:2]] == [503, 503]
        proxy.reset()
        proxy.arm("status", 1, times=100)
        with pytest.raises(ThrottledError):
            engine.diagnosed_read(
                bench.connect(endpoint=proxy.endpoint, transport=Transport(max_retries=0), name="impatient")
            )
        # Polars runs the whole cycle twice.
        assert proxy.count() <= 2
    bench.connections[:] = [patient]


# Proxy


def proxy(bench: Bench, engine: Engine) -> None:
    """The recorder is the proxy, and no other way leads to that host."""
    seen = bench.round_trip(
        engine, bench.connect(endpoint="http://storage.test", proxy=_recorder_as_proxy(bench))
    )
    assert {each.host for each in seen} == {"storage.test"}


def _through(
    bench: Bench, engine: Engine, door: Front, protocol: Literal["http", "https"], **fields: Any
) -> None:
    """Write and read through tinyproxy; a guard before the server lets in nobody else."""
    forward: ForwardProxy = bench.server("forward_proxy")
    guarded = bench.enter(forward.guarding(bench.recorder.endpoint))
    passed = len(forward.requests())
    told = Proxy(
        host=urlsplit(door.endpoint).hostname or "",
        port=door.port,
        protocol=protocol,
        username=SPECIAL_USER,
        password=SPECIAL_PASSWORD,
    )
    connection = bench.connect(endpoint=guarded.endpoint, proxy=told, **fields)
    bench.round_trip(engine, connection)
    assert len(forward.requests()) > passed
    assert {request.peer for request in guarded.requests()} == {OUTGOING}
    bench.connections[:] = [connection]


def proxy_with_password(bench: Bench, engine: Engine) -> None:
    _through(bench, engine, bench.server("forward_proxy").special, "http")


def proxy_over_tls(bench: Bench, engine: Engine) -> None:
    door = bench.server("forward_proxy").secure
    _through(bench, engine, door, "https", tls=Tls(ca_bundle=door.ca_file))


def non_proxy_hosts(bench: Bench, engine: Engine) -> None:
    """A proxy that nobody runs, and the host excepted from it by a wildcard."""
    nowhere = Proxy(host="127.0.0.1", port=9, protocol="http", non_proxy_hosts=("*.example", "127.*.1"))
    bench.round_trip(engine, bench.connect(proxy=nowhere))


def proxy_of_environment(bench: Bench, engine: Engine) -> None:
    bench.set_environment(HTTP_PROXY=bench.recorder.endpoint)
    seen = bench.round_trip(engine, bench.connect(endpoint="http://storage.test"))
    assert {each.host for each in seen} == {"storage.test"}


def no_proxy_of_environment(bench: Bench, engine: Engine) -> None:
    bench.set_environment(HTTP_PROXY="http://127.0.0.1:9", NO_PROXY="storage.example,127.0.0.1")
    bench.round_trip(engine, bench.connect())


# TLS


def ca_bundle(bench: Bench, engine: Engine) -> None:
    front = bench.front()
    once = Transport(max_retries=0)
    with pytest.raises(S3AssetsError, match="certificate"):
        engine.diagnosed_write(bench.connect(endpoint=front.endpoint, transport=once, name="distrustful"))
    bench.connections.clear()
    bench.round_trip(engine, bench.connect(endpoint=front.endpoint, tls=Tls(ca_bundle=front.ca_file)))


def _certificate_seen(bench: Bench, engine: Engine, *, in_one_file: bool) -> None:
    front = bench.front(demand_certificate=True)
    shown = bench.server("authority").client("own-client")
    trusted = {"ca_bundle": front.ca_file}
    tls = (
        Tls(**trusted, client_certificate=shown.both)
        if in_one_file
        else Tls(**trusted, client_certificate=shown.certificate, client_key=shown.key)
    )
    seen = bench.round_trip(engine, bench.connect(endpoint=front.endpoint, tls=tls))
    assert {each.headers.get(CLIENT_HEADER) for each in seen} == {"own-client"}


def client_certificate(bench: Bench, engine: Engine) -> None:
    _certificate_seen(bench, engine, in_one_file=False)


def client_certificate_in_one_file(bench: Bench, engine: Engine) -> None:
    _certificate_seen(bench, engine, in_one_file=True)


# Encryption and checksums


def _written(seen: list[Seen]) -> list[Seen]:
    """The requests that begin objects: not the parts of an upload, which inherit."""
    return [
        each
        for each in seen
        if each.method in WRITES
        and "partNumber=" not in each.path
        and "delete" not in each.path.partition("?")[2]
        and "uploadId=" not in each.path
    ]


def sse_s3(bench: Bench, engine: Engine) -> None:
    seen = bench.round_trip(engine, bench.connect(encryption=Encryption(server_side="sse-s3")))
    assert {each.headers.get("x-amz-server-side-encryption") for each in _written(seen)} == {"AES256"}


def sse_kms(bench: Bench, engine: Engine) -> None:
    told = Encryption(server_side="sse-kms", kms_key_id="alias/own", bucket_key=True)
    written = _written(bench.round_trip(engine, bench.connect(encryption=told)))
    prefix = "x-amz-server-side-encryption"
    assert {each.headers.get(prefix) for each in written} == {"aws:kms"}
    assert {each.headers.get(f"{prefix}-aws-kms-key-id") for each in written} == {"alias/own"}
    assert {each.headers.get(f"{prefix}-bucket-key-enabled", "").lower() for each in written} == {"true"}


def client_side(bench: Bench, engine: Engine) -> None:
    """Whole objects are sealed before they are sent; what reads parts of objects refuses."""
    key = bench.aws("kms").create_key()["KeyMetadata"]["KeyId"]
    connection = bench.connect(
        auth=AccessKeyAuth(access_key_id="test", secret_access_key="test"),
        encryption=Encryption(client_side=ClientSideEncryption(kms_key_id=key, kms_region="us-east-1")),
        service_endpoints=ServiceEndpoints(kms=bench.server("aws_server").endpoint_url),
    )
    if engine.name in {"boto3", "obstore"}:
        objects = Objects(connection)
        objects.put("sealed", b"nobody reads this")
        stored = bench.server("s3_client").get_object(Bucket=bench.bucket, Key="sealed")["Body"].read()
        assert b"nobody" not in stored
        assert objects.get("sealed") == b"nobody reads this"
        bench.seen_how = How.CLIENT
        return
    with pytest.raises(UnsupportedError, match=r"encryption\.client_side .* Set encryption\.server_side"):
        engine.write(connection, "folder")
    assert bench.recorder.seen == []


def checksums(bench: Bench, engine: Engine) -> None:
    """Over TLS, boto3 sends checksums behind the body, which some servers refuse."""
    front = bench.front()
    tls = Tls(ca_bundle=front.ca_file)
    usual = bench.connect(endpoint=front.endpoint, tls=tls, name="usual")
    seen = bench.round_trip(engine, usual)
    assert any("x-amz-trailer" in each.headers for each in seen) == (engine.name == "boto3")
    required = bench.connect(endpoint=front.endpoint, tls=tls, checksums="when_required")
    assert not any("x-amz-trailer" in each.headers for each in bench.round_trip(engine, required))


def in_threads(bench: Bench, engine: Engine) -> None:
    connection = bench.connect()
    barrier = threading.Barrier(4)

    def one(number: int) -> list[int]:
        barrier.wait(10)
        return engine.round_trip(connection, f"folder-{number}")

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(one, range(4))) == [[1, 2, 3]] * 4
    assert {each.key_id for each in bench.recorder.seen} == {"AKIAOWN"}


_CERTIFIED = {
    **USUAL,
    "obstore": How.GATEWAY,
    "polars": How.GATEWAY,
    "delta-rs": How.GATEWAY,
    "pyiceberg": How.GATEWAY,
}
_SEALED = {**dict.fromkeys(USUAL, How.REFUSED), "boto3": How.CLIENT, "obstore": How.CLIENT}
ROWS = (
    Row("Addressing", "`endpoint`: a URL", "host and port", endpoint),
    Row("Addressing", "`endpoint`: a bare host", "a TLS handshake", bare_host),
    Row("Addressing", "`url` with a base path", "keys below it", base_path),
    Row("Addressing", "`region`", "the region signed for", region),
    Row("Addressing", "region of the endpoint's name", "the region signed for", region_of_endpoint),
    Row("Addressing", "`addressing_style: path`", "the bucket in the path", path_style),
    Row("Addressing", "`addressing_style: virtual`", "the bucket in the host", virtual_style),
    Row("Addressing", "`addressing_style: auto`, dotted bucket", "the bucket in the path", dotted_bucket),
    Row("Transport", "`connect_timeout`", "an error in time", connect_timeout),
    Row("Transport", "`read_timeout`", "an error in time", read_timeout),
    Row(
        "Transport",
        "`max_connections` below 50",
        "at most two requests at once",
        max_connections,
        THROUGH_GATEWAY,
    ),
    Row("Transport", "`max_retries`", "two 503 survived, one not", max_retries),
    Row("Transport", "several threads", "one identity", in_threads),
    Row("Proxy", "`host`, `port`, `protocol: http`", "the request at the proxy", proxy),
    Row("Proxy", "`username`, `password`", "the proxy's log", proxy_with_password),
    Row("Proxy", "`protocol: https`", "the proxy's log", proxy_over_tls),
    Row("Proxy", "`non_proxy_hosts`", "the direct request", non_proxy_hosts),
    Row("Proxy", "`HTTP_PROXY`", "the request at the proxy", proxy_of_environment),
    Row("Proxy", "`NO_PROXY`", "the direct request", no_proxy_of_environment),
    Row("TLS", "`ca_bundle`", "a handshake, refused without it", ca_bundle),
    Row(
        "TLS", "`client_certificate`, `client_key`", "the certificate's name", client_certificate, _CERTIFIED
    ),
    Row(
        "TLS",
        "`client_certificate`, both in one file",
        "the certificate's name",
        client_certificate_in_one_file,
        _CERTIFIED,
    ),
    Row("Encryption", "`server_side: sse-s3`", "the header of writes", sse_s3),
    Row("Encryption", "`sse-kms`, `kms_key_id`, `bucket_key`", "the headers of writes", sse_kms),
    Row("Encryption", "`client_side`", "no word of the text", client_side, _SEALED),
    Row("Encryption", "`checksums`", "no trailing checksum when not required", checksums),
)
