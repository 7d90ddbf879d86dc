import http.client
import os
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    ResponseStreamingError,
)

from s3_assets.embedded.server import EmbeddedServer
from tests.support.proxy import RequestProxy
from tests.support_tests import toy

MEGABYTE = 1024 * 1024


@pytest.fixture
def s3(proxy: RequestProxy) -> Any:
    return toy.client(proxy.endpoint)


def keys(s3_client: Any, bucket: str) -> list[str]:
    return [item["Key"] for item in s3_client.list_objects_v2(Bucket=bucket).get("Contents", [])]


def test_requests_are_recorded_exactly(proxy: RequestProxy, s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="a b", Body=b"0123456789")
    s3.head_object(Bucket=bucket, Key="a b")
    s3.get_object(Bucket=bucket, Key="a b")["Body"].read()
    s3.get_object(Bucket=bucket, Key="a b", Range="bytes=2-4")["Body"].read()
    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.put_object(Bucket=bucket, Key="a b", Body=b"0", IfNoneMatch="*")
    s3.delete_object(Bucket=bucket, Key="a b")
    with pytest.raises(ClientError, match="404"):
        s3.head_object(Bucket=bucket, Key="a b")

    path = f"/{bucket}/a%20b"
    expected = [
        ("PUT", path, None, None, 10, 0, 200),
        ("HEAD", path, None, None, 0, 0, 200),
        ("GET", path, None, None, 0, 10, 200),
        ("GET", path, "bytes=2-4", None, 0, 3, 206),
        ("PUT", path, None, "*", 1, None, 412),
        ("DELETE", path, None, None, 0, 0, 204),
        ("HEAD", path, None, None, 0, 0, 404),
    ]
    found = [tuple(asdict(request).values()) for request in proxy.requests()]
    assert [row[0] for row in found] == [1, 2, 3, 4, 5, 6, 7]
    assert [row[8] for row in found] == [None] * 7
    assert [(*row[1:6], None if row[7] == 412 else row[6], row[7]) for row in found] == expected


def test_the_query_is_part_of_the_path(proxy: RequestProxy, s3: Any, bucket: str) -> None:
    s3.list_objects_v2(Bucket=bucket, Prefix="day=1/")

    assert proxy.requests()[0].path == f"/{bucket}?list-type=2&prefix=day%3D1%2F&encoding-type=url"


def test_reset_begins_anew(proxy: RequestProxy, s3: Any, bucket: str) -> None:
    s3.list_objects_v2(Bucket=bucket)
    assert proxy.count() == 1
    proxy.reset()
    assert proxy.requests() == []
    s3.list_objects_v2(Bucket=bucket)
    assert [request.number for request in proxy.requests()] == [1]


def test_many_connections_at_once(proxy: RequestProxy, s3: Any, s3_client: Any, bucket: str) -> None:
    def put(number: int) -> None:
        s3.put_object(Bucket=bucket, Key=f"{number:03}", Body=bytes(number))
        assert len(s3.get_object(Bucket=bucket, Key=f"{number:03}")["Body"].read()) == number

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, range(100)))

    assert keys(s3_client, bucket) == [f"{number:03}" for number in range(100)]
    assert proxy.count() == 200
    assert {request.status for request in proxy.requests()} == {200}


def test_status_is_answered_without_the_server(
    proxy: RequestProxy, s3: Any, s3_client: Any, bucket: str
) -> None:
    proxy.arm("status", 2)
    s3.put_object(Bucket=bucket, Key="1", Body=b"x")
    with pytest.raises(ClientError, match="SlowDown"):
        s3.put_object(Bucket=bucket, Key="2", Body=b"x")
    s3.put_object(Bucket=bucket, Key="3", Body=b"x")

    assert keys(s3_client, bucket) == ["1", "3"]
    assert [(one.status, one.action) for one in proxy.requests()] == [
        (200, None),
        (503, "status"),
        (200, None),
    ]


def test_status_can_outlast_retries(proxy: RequestProxy, s3: Any, bucket: str) -> None:
    proxy.arm("status", 1, times=3)
    for _ in range(3):
        with pytest.raises(ClientError, match="503"):
            s3.head_bucket(Bucket=bucket)
    s3.head_bucket(Bucket=bucket)

    assert [request.status for request in proxy.requests()] == [503, 503, 503, 200]


def test_a_lost_reply_hides_that_the_server_acted(
    proxy: RequestProxy, s3: Any, s3_client: Any, bucket: str
) -> None:
    proxy.arm("lost_reply", 1)
    with pytest.raises(ClientError, match="SlowDown"):
        s3.put_object(Bucket=bucket, Key="1", Body=b"x")
    s3.list_objects_v2(Bucket=bucket)

    assert keys(s3_client, bucket) == ["1"]
    assert [(one.status, one.action) for one in proxy.requests()] == [(503, "lost_reply"), (200, None)]


def test_a_body_is_cut(proxy: RequestProxy, s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="1", Body=b"x" * 1000)
    proxy.reset()
    proxy.arm("reset_body", 1, cut_after=300)
    body = s3.get_object(Bucket=bucket, Key="1")["Body"]
    assert body.read(300) == b"x" * 300
    with pytest.raises(ResponseStreamingError):
        body.read()

    assert s3.get_object(Bucket=bucket, Key="1")["Body"].read() == b"x" * 1000


def test_a_delay_delays_one_request(proxy: RequestProxy, s3: Any, bucket: str) -> None:
    proxy.arm("delay", 2, seconds=0.5)
    durations = []
    for _ in range(3):
        begin = time.monotonic()
        s3.put_object(Bucket=bucket, Key="1", Body=b"x")
        durations.append(time.monotonic() - begin)

    assert durations[1] >= 0.5
    assert max(durations[0], durations[2]) < 0.5


def test_a_body_ends_as_if_nothing_were_missing(proxy: RequestProxy, s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="1", Body=b"x" * 1000)
    proxy.reset()
    proxy.arm("truncate", 1, cut_after=300)
    with pytest.raises(ResponseStreamingError, match="300 bytes read, 700 more"):
        s3.get_object(Bucket=bucket, Key="1")["Body"].read()


def test_one_bit_of_a_body_is_another(proxy: RequestProxy, bucket: str) -> None:
    s3 = toy.client(proxy.endpoint)
    s3.put_object(Bucket=bucket, Key="1", Body=bytes(1000))
    proxy.reset()
    proxy.arm("flip", 1, match="^GET ", cut_after=700)
    s3.head_object(Bucket=bucket, Key="1")
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port)
    connection.request("GET", f"/{bucket}/1")
    body = connection.getresponse().read()
    connection.close()

    assert body == bytes(700) + b"\x01" + bytes(299)


def test_an_answer_drips(proxy: RequestProxy, s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="1", Body=b"x" * 1000)
    proxy.arm("drip", 2, seconds=0.1, pieces=4)
    begin = time.monotonic()
    assert s3.get_object(Bucket=bucket, Key="1")["Body"].read() == b"x" * 1000
    assert time.monotonic() - begin >= 0.4
    assert s3.get_object(Bucket=bucket, Key="1")["Body"].read() == b"x" * 1000


def test_a_connection_breaks_before_the_reply(
    proxy: RequestProxy, s3: Any, s3_client: Any, bucket: str
) -> None:
    proxy.arm("cut_reply", 1)
    with pytest.raises(ConnectionClosedError):
        s3.put_object(Bucket=bucket, Key="1", Body=b"x")

    assert keys(s3_client, bucket) == ["1"]


def test_a_proxy_is_gone_for_a_while(proxy: RequestProxy, s3: Any, bucket: str) -> None:
    proxy.arm("refuse", 2)
    s3.put_object(Bucket=bucket, Key="1", Body=b"x")
    with pytest.raises(ConnectionClosedError):
        s3.head_bucket(Bucket=bucket)
    with pytest.raises(EndpointConnectionError):
        s3.head_bucket(Bucket=bucket)
    proxy.reset()
    s3.head_bucket(Bucket=bucket)


def test_requests_are_counted_by_what_they_are(proxy: RequestProxy, s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="1", Body=b"x")
    proxy.arm("status", 2, match="^GET .*/1$", code="ExpiredToken")
    s3.get_object(Bucket=bucket, Key="1")
    s3.head_object(Bucket=bucket, Key="1")
    with pytest.raises(ClientError, match="ExpiredToken"):
        s3.get_object(Bucket=bucket, Key="1")
    with pytest.raises(ValueError, match="No such answer"):
        proxy.arm("status", 9, code="Tired")


def test_what_cannot_be_is_refused(proxy: RequestProxy, s3: Any, bucket: str) -> None:
    s3.list_objects_v2(Bucket=bucket)
    with pytest.raises(RuntimeError, match="Request 1 has already passed"):
        proxy.arm("status", 1)
    with pytest.raises(ValueError, match="needs the pid"):
        proxy.arm("kill_before", 2)
    with pytest.raises(ValueError, match="numbered from 1"):
        proxy.arm("status", 0)


def resident(process: int) -> int:
    """Bytes of memory at the highest, where the system tells; else now."""
    status = Path(f"/proc/{process}/status")
    if not status.exists():
        return int(os.popen(f"ps -o rss= -p {process}").read()) * 1024  # noqa: S605 - a number of our own
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def blocks(count: int) -> Iterator[bytes]:
    for _ in range(count):
        yield b"z" * MEGABYTE


@pytest.mark.parametrize("chunked", [False, True], ids=["content-length", "chunked"])
def test_large_bodies_pass_without_being_kept(s3_server: EmbeddedServer, bucket: str, chunked: bool) -> None:
    with RequestProxy(s3_server.endpoint_url) as proxy:
        toy.client(proxy.endpoint).head_bucket(Bucket=bucket)
        before = resident(proxy.pid)
        connection = http.client.HTTPConnection("127.0.0.1", proxy.port)
        headers = {} if chunked else {"Content-Length": str(100 * MEGABYTE)}
        connection.request("PUT", f"/{bucket}/large", blocks(100), headers, encode_chunked=chunked)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200

        connection.request("GET", f"/{bucket}/large")
        answer = connection.getresponse()
        # The proxy must wait for a client that does not read.
        time.sleep(0.5)
        received = 0
        while piece := answer.read(MEGABYTE):
            received += len(piece)
        connection.close()
        requests = proxy.requests()
        grown = resident(proxy.pid) - before

    assert received == 100 * MEGABYTE
    assert requests[1].bytes_in >= 100 * MEGABYTE
    assert requests[2].bytes_out == 100 * MEGABYTE
    assert grown < 8 * MEGABYTE


def test_an_absent_server_is_a_broken_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with RequestProxy(f"http://127.0.0.1:{port}") as proxy:
        connection = http.client.HTTPConnection("127.0.0.1", proxy.port)
        connection.request("GET", "/")
        with pytest.raises(ConnectionError):
            connection.getresponse()
        connection.close()
        assert [request.status for request in proxy.requests()] == [None]
