"""The clock is measured at the server where a signature, or the lack of a reason, gives cause to."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from s3_assets.connection import AccessKeyAuth, S3Connection, Transport
from s3_assets.connection.clock import clock_skew, told
from s3_assets.connection.diagnosis import diagnose
from s3_assets.connection.transport import Proxy, Tls
from s3_assets.embedded.server import EmbeddedServer
from s3_assets.errors import AccessDeniedError
from tests.connection.engines import ENGINES, Engine
from tests.servers.certificates import Authority
from tests.servers.forward_proxy import PASSWORD, USER, ForwardProxy
from tests.servers.front import front
from tests.servers.gateway import Gateway, Keys
from tests.servers.programs import need, path_of

REPOSITORY = Path(__file__).parents[2]
# Seconds that a server may take while other tests keep the machine busy.
BUSY = 30.0


def read_at(shift: str, engine: str, endpoint: str, keys: Keys, ca: Path | None = None) -> dict[str, str]:
    """Let the engine read in a process whose clock is wrong; returns the error's kind and text."""
    need("faketime")
    order = {"engine": engine, "endpoint": endpoint, "key": keys.key_id, "secret": keys.secret}
    if ca is not None:
        order["ca"] = str(ca)
    done = subprocess.run(
        [path_of("faketime"), "-f", shift, sys.executable, "-m", "tests.connection.test_clock"],
        input=json.dumps(order),
        cwd=REPOSITORY,
        env={**os.environ, "FAKETIME_DONT_FAKE_MONOTONIC": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return answer


@pytest.fixture(scope="module")
def bucket(rgw: Gateway) -> Iterator[None]:
    client = rgw.client()
    client.create_bucket(Bucket="clock-bucket")
    client.put_object(Bucket="clock-bucket", Key="folder/boto", Body=b"123")
    yield
    client.delete_object(Bucket="clock-bucket", Key="folder/boto")


@pytest.mark.parametrize("name", [engine.name for engine in ENGINES])
@pytest.mark.parametrize(
    ("shift", "words"),
    [("+40m", "40 minutes ahead of the server's"), ("-3h", "3 hours behind the server's")],
)
def test_a_wrong_clock(rgw: Gateway, bucket: None, name: str, shift: str, words: str) -> None:
    found = read_at(shift, name, rgw.endpoint, rgw.admin)

    assert words in found["text"]
    assert "Set this machine's clock" in found["text"]
    assert found["kind"] in {"SignatureMismatchError", "AccessDeniedError"}
    assert rgw.admin.secret not in found["text"]


@pytest.mark.parametrize("name", ["boto3", "obstore"])
def test_a_wrong_secret_with_a_right_clock(rgw: Gateway, bucket: None, name: str) -> None:
    found = read_at("+0m", name, rgw.endpoint, rgw.admin._replace(secret="hunter2hunter2"))

    assert found["kind"] == "SignatureMismatchError"
    assert "Check secret_access_key" in found["text"]
    assert "the server's" not in found["text"]


@pytest.mark.parametrize("name", [engine.name for engine in ENGINES])
@pytest.mark.parametrize("shift", ["+20d", "-20d"])
def test_a_certificate_at_a_wrong_time(
    s3_server: EmbeddedServer, authority: Authority, name: str, shift: str
) -> None:
    """The front's is good for two days."""
    need("haproxy", "openssl")
    with front(s3_server.endpoint_url, authority=authority) as door:
        found = read_at(shift, name, door.endpoint, Keys("AKIA", "hunter2hunter2"), door.ca_file)

    assert found["kind"] == "UnreachableError"
    assert "certificate has expired, or is not valid yet" in found["text"]
    assert "set this machine's clock" in found["text"]


def lake(endpoint: str, **fields: object) -> S3Connection:
    told_: dict[str, object] = {
        "url": "s3://clock-bucket/",
        "endpoint": endpoint,
        "region": "us-east-1",
        "auth": AccessKeyAuth(access_key_id="AKIA", secret_access_key="hunter2hunter2"),
        "transport": Transport(max_retries=3, connect_timeout=50, read_timeout=50),
        **fields,
    }
    return S3Connection.model_validate(told_)


def test_a_right_clock(s3_server: EmbeddedServer) -> None:
    skew = clock_skew(lake(s3_server.endpoint_url), patience=BUSY)

    # The header counts whole seconds.
    assert skew is not None
    assert abs(skew) < timedelta(seconds=3)


def test_a_server_that_is_late(s3_server: EmbeddedServer) -> None:
    need("haproxy")
    date = "Thu, 01 Jan 2026 00:00:00 GMT"
    with front(s3_server.endpoint_url, rules=[f'http-after-response set-header date "{date}"']) as door:
        skew = clock_skew(lake(door.endpoint), patience=BUSY)

    assert skew is not None
    assert abs(skew.total_seconds() - (time.time() - 1767225600)) < BUSY


def test_it_is_asked_once_in_a_while(s3_server: EmbeddedServer) -> None:
    need("haproxy")
    with front(s3_server.endpoint_url) as door:
        connection = lake(door.endpoint)
        skews = {clock_skew(connection, patience=BUSY) for _ in range(5)}

        assert len(door.requests(at_least=1)) == 1
    assert len(skews) == 1


def test_it_goes_the_connections_way(
    forward_proxy: ForwardProxy, s3_server: EmbeddedServer, authority: Authority
) -> None:
    host, _, port = forward_proxy.host.partition(":")
    proxy = Proxy(host=host, port=int(port), protocol="http", username=USER, password=PASSWORD)

    with forward_proxy.guarding(s3_server.endpoint_url, authority=authority) as door:
        connection = lake(door.endpoint, proxy=proxy, tls=Tls(ca_bundle=authority.ca_file))
        skew = clock_skew(connection, patience=BUSY)

        assert {seen.method for seen in door.requests(at_least=1)} == {"HEAD"}
    assert skew is not None
    assert re.match("CONNECT", forward_proxy.requests()[-1])


def test_a_server_that_is_silent_delays_nothing_for_long() -> None:
    refused = OSError("Error performing HEAD http://x/clock-bucket/k in 1ms - status code: 403 Forbidden: ")
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(8)
        connection = lake(f"http://127.0.0.1:{listening.getsockname()[1]}")
        started = time.monotonic()
        error = diagnose(refused, connection, "s3://clock-bucket/k")

        assert type(error) is AccessDeniedError
        assert "minutes" not in str(error)
        assert time.monotonic() - started < 6


def test_nobody_to_ask() -> None:
    assert clock_skew(lake("http://127.0.0.1:1")) is None


@pytest.mark.parametrize(
    ("skew", "words"),
    [
        (timedelta(minutes=20), "20 minutes ahead of"),
        (timedelta(minutes=-20, seconds=-29), "20 minutes behind"),
        (timedelta(minutes=119), "119 minutes ahead of"),
        (timedelta(hours=-26), "26 hours behind"),
        (timedelta(days=400), "400 days ahead of"),
    ],
)
def test_it_is_said_in_words(skew: timedelta, words: str) -> None:
    assert told(skew) == f"this machine's clock is {words} the server's"


def main() -> None:
    """Read with the engine that standard input names, and print the error."""
    order = json.loads(sys.stdin.read())
    connection = S3Connection(
        name="lake",
        url="s3://clock-bucket/",
        endpoint=order["endpoint"],
        region="us-east-1",
        auth=AccessKeyAuth(access_key_id=order["key"], secret_access_key=order["secret"]),
        transport=Transport(max_retries=0),
        tls=Tls(ca_bundle=order.get("ca")),
    )
    engine: Engine = next(each for each in ENGINES if each.name == order["engine"])
    answer = {"kind": "none", "text": ""}
    try:
        engine.diagnosed_read(connection)
    except Exception as error:  # noqa: BLE001 - the test looks at its kind
        answer = {"kind": type(error).__name__, "text": str(error)}
    sys.stdout.write(f"{json.dumps(answer)}\n")


if __name__ == "__main__":
    main()
