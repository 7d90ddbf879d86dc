"""The gateway that signs requests anew: what engines send through it, what they are told when it fails."""

import http.client
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import polars as pl
import pytest

from s3_assets.connection import (
    AccessKeyAuth,
    AnonymousAuth,
    Proxy,
    S3Connection,
    SecretReference,
    Tls,
    Transport,
    loopback,
)
from s3_assets.connection.diagnosis import find_symptom
from s3_assets.connection.gateway import GatewayAddress, open_gateway
from s3_assets.embedded.server import ACCESS_KEY_ID, SECRET_ACCESS_KEY, EmbeddedServer
from s3_assets.errors import (
    CredentialsMissingError,
    RequestTimeoutError,
    S3AssetsError,
    SettingError,
    UnreachableError,
)
from tests.connection.recorder import VIRTUAL, recording
from tests.connection.scripted import OK, Arrived, scripted
from tests.servers.certificates import Authority
from tests.servers.forward_proxy import PASSWORD, SPECIAL_PASSWORD, SPECIAL_USER, USER, ForwardProxy
from tests.servers.front import CLIENT_HEADER, front
from tests.servers.gateway import Gateway
from tests.servers.plugin import FrontMaker

REGION = "us-east-1"
LARGE = 24 * 1024 * 1024
STRANGE = (
    *(
        "a b",
        "a+b",
        "p%20c",
        "per%2Fcent",
        "ü/ß/日本",
        "x//y",
        "x/../y",
        "./z",
        "..",
        "q?x=1&y",
        "h#ash",
        "s;c=1",
    ),
    *(
        "tilde~",
        "quote'\"",
        "(par)[br]{c}",
        "star*!$&,:@",
        "back\\slash",
        "trail/",
        "new\nline",
        "😀",
        "/l",
        "//m",
    ),
)


@pytest.fixture(scope="module")
def lake(strict_s3_server: EmbeddedServer) -> S3Connection:
    """A bucket on a server that does not know the gateway's keys."""
    connection = S3Connection(
        url=f"s3://gateway-{uuid4().hex[:12]}/",
        endpoint=strict_s3_server.endpoint_url,
        region=REGION,
        auth=AccessKeyAuth(access_key_id=ACCESS_KEY_ID, secret_access_key=SECRET_ACCESS_KEY),
    )
    direct(connection).create_bucket(Bucket=connection.location.bucket)
    return connection


def to(endpoint: str, bucket: str = "lake", **fields: Any) -> S3Connection:
    told = {
        "url": f"s3://{bucket}/",
        "endpoint": endpoint,
        "region": REGION,
        "addressing_style": "path",
        "auth": AccessKeyAuth(access_key_id="AKIAOWN", secret_access_key="own-secret"),
        **fields,
    }
    return S3Connection(**told)


def boto(endpoint: str, key_id: str, secret: str) -> Any:
    import boto3
    from botocore.config import Config

    return boto3.session.Session().client(
        "s3",
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
        config=Config(
            s3={"addressing_style": "path"},
            retries={"total_max_attempts": 1},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )


def direct(connection: S3Connection) -> Any:
    assert isinstance(connection.auth, AccessKeyAuth)
    return boto(
        str(connection.endpoint), str(connection.auth.access_key_id), str(connection.auth.secret_access_key)
    )


def through(gateway: GatewayAddress) -> Any:
    return boto(gateway.endpoint, gateway.access_key_id, gateway.secret_access_key)


def obstore_store(gateway: GatewayAddress, bucket: str) -> Any:
    from obstore.store import S3Store

    return S3Store(
        bucket,
        endpoint=gateway.endpoint,
        region=REGION,
        access_key_id=gateway.access_key_id,
        secret_access_key=gateway.secret_access_key,
        client_options={"allow_http": True},
        retry_config={
            "max_retries": 0,
            "backoff": {"init_backoff": timedelta(0.1), "max_backoff": timedelta(1), "base": 2},
            "retry_timeout": timedelta(seconds=5),
        },
    )


def storage_options(gateway: GatewayAddress) -> dict[str, str]:
    return {
        "aws_endpoint_url": gateway.endpoint,
        "aws_endpoint_url_s3": gateway.endpoint,
        "aws_allow_http": "true",
        "aws_region": REGION,
        "aws_access_key_id": gateway.access_key_id,
        "aws_secret_access_key": gateway.secret_access_key,
    }


class Raw:
    """One connection to the gateway, spoken to without a library of S3."""

    def __init__(self, gateway: GatewayAddress) -> None:
        self.http = http.client.HTTPConnection(urlsplit(gateway.endpoint).netloc, timeout=30)
        self.authorization = (
            f"AWS4-HMAC-SHA256 Credential={gateway.access_key_id}/20260101/{REGION}/s3/aws4_request, "
            "SignedHeaders=host, Signature=0"
        )

    def __call__(
        self, method: str, target: str, body: Any = None, **headers: str
    ) -> http.client.HTTPResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {"Authorization": self.authorization, "X-Amz-Content-Sha256": "UNSIGNED-PAYLOAD", **named}
        self.http.request(method, target, body, sent, encode_chunked=True)
        return self.http.getresponse()


@contextmanager
def raw(connection: S3Connection) -> Iterator[Raw]:
    client = Raw(open_gateway(connection))
    yield client
    client.http.close()


def meant(document: bytes) -> type[S3AssetsError] | None:
    symptom = find_symptom(document.decode())
    return symptom.error if symptom else None


def code(document: bytes) -> str:
    found = re.search(rb"<Code>(\w+)</Code>", document)
    assert found
    return found[1].decode()


# --- the engines --------------------------------------------------------------------------------------------


def test_boto3_sends_and_reads_large_objects(lake: S3Connection) -> None:
    import io

    bucket, client = lake.location.bucket, through(open_gateway(lake))
    content = bytes(range(256)) * (LARGE // 256)

    client.upload_fileobj(io.BytesIO(content), bucket, "boto/large")

    assert direct(lake).get_object(Bucket=bucket, Key="boto/large")["Body"].read() == content
    assert "-3" in direct(lake).head_object(Bucket=bucket, Key="boto/large")["ETag"]
    ranged = client.get_object(Bucket=bucket, Key="boto/large", Range="bytes=1000000-1000299")
    assert ranged["Body"].read() == content[1_000_000:1_000_300]
    assert client.head_object(Bucket=bucket, Key="boto/large")["ContentLength"] == LARGE


def test_obstore_sends_reads_and_refuses_to_replace(lake: S3Connection) -> None:
    import obstore
    from obstore.exceptions import AlreadyExistsError

    store = obstore_store(open_gateway(lake), lake.location.bucket)
    content = bytes(range(256)) * (LARGE // 256)

    obstore.put(store, "obstore/large", content, chunk_size=8 * 1024 * 1024)

    assert bytes(obstore.get(store, "obstore/large").bytes()) == content
    assert bytes(obstore.get_range(store, "obstore/large", start=77, end=99)) == content[77:99]
    with pytest.raises(AlreadyExistsError):
        obstore.put(store, "obstore/large", b"other", mode="create", use_multipart=False)
    obstore.put(store, "obstore/a b+ü", b"1")
    assert {each["path"] for each in obstore.list(store, "obstore").collect()} == {
        "obstore/large",
        "obstore/a b+ü",
    }
    obstore.delete(store, ["obstore/large", "obstore/a b+ü"])
    assert obstore.list(store, "obstore").collect() == []


def test_polars_writes_and_reads(lake: S3Connection) -> None:
    options = storage_options(open_gateway(lake))
    frame = pl.DataFrame({"number": range(100_000)}, schema={"number": pl.Int64})
    path = f"{lake.url}polars/numbers.parquet"

    frame.lazy().sink_parquet(path, storage_options=options, credential_provider=None, row_group_size=10_000)
    scanned = pl.scan_parquet(path, storage_options=options, credential_provider=None)

    assert scanned.filter(pl.col("number") >= 99_990).collect()["number"].to_list() == [
        *range(99_990, 100_000)
    ]


def test_delta_writes_appends_and_reads(lake: S3Connection) -> None:
    from deltalake import DeltaTable, write_deltalake

    options = storage_options(open_gateway(lake))
    url = f"{lake.url}delta"
    for first in (0, 10, 20):
        rows = pl.DataFrame({"number": range(first, first + 10)})
        write_deltalake(url, rows, mode="append", storage_options=options)

    table = DeltaTable(url, storage_options=options)

    assert table.version() == 2
    assert sorted(n for batch in table.scan() for n in pl.DataFrame(batch)["number"]) == [*range(30)]


# --- signatures and targets ---------------------------------------------------------------------------------


@pytest.fixture(params=["path", "virtual"])
def verified(request: pytest.FixtureRequest, rgw: Gateway) -> Iterator[S3Connection]:
    """A bucket on a Ceph gateway, which checks every signature; its name is in the path, or in the host."""
    bucket = f"signed-{uuid4().hex[:8]}"
    rgw.client().create_bucket(Bucket=bucket)
    auth = AccessKeyAuth(access_key_id=rgw.admin.key_id, secret_access_key=rgw.admin.secret)
    if request.param == "path":
        yield to(rgw.endpoint, bucket, auth=auth)
        return
    # No name server knows the bucket's host: a proxy is asked for it, which passes the path alone.
    with front(rgw.endpoint, rules=["http-request set-uri %[pathq]"]) as door:
        yield to(
            f"http://localhost:{urlsplit(rgw.endpoint).port}",
            bucket,
            auth=auth,
            addressing_style="virtual",
            proxy=Proxy(host="127.0.0.1", port=door.port, protocol="http"),
        )
        assert {urlsplit(each.target).path.split("/")[1] for each in door.requests()}.isdisjoint({bucket})


def test_signature_fits_strange_keys(verified: S3Connection, rgw: Gateway) -> None:
    bucket, client, plain = verified.location.bucket, through(open_gateway(verified)), rgw.client()

    for key in STRANGE:
        client.put_object(Bucket=bucket, Key=key, Body=key.encode())

        assert plain.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode(), key
        assert client.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode(), key
        assert key in {each["Key"] for each in client.list_objects_v2(Bucket=bucket, Prefix=key)["Contents"]}
    deleted = client.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in STRANGE]})
    assert len(deleted["Deleted"]) == len(STRANGE)
    assert plain.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_signature_fits_a_query_that_writes_spaces_in_two_ways(verified: S3Connection, rgw: Gateway) -> None:
    bucket = verified.location.bucket
    rgw.client().put_object(Bucket=bucket, Key="a b/+", Body=b"")

    with raw(verified) as client:
        for query in ("list-type=2&prefix=a+b%2F%2B", "prefix=a%20b/%2b&list-type=2"):
            answer = client("GET", f"/{bucket}?{query}")

            assert (answer.status, b"<Key>a b/+</Key>" in answer.read()) == (200, True)


def test_signature_fits_uploads_in_parts_and_tables(verified: S3Connection, rgw: Gateway) -> None:
    import obstore
    from deltalake import DeltaTable, write_deltalake

    bucket, gateway = verified.location.bucket, open_gateway(verified)
    content = bytes(range(256)) * (LARGE // 256)

    obstore.put(obstore_store(gateway, bucket), "a b/large", content, chunk_size=8 * 1024 * 1024)
    options = storage_options(gateway)
    for number in (1, 2):
        rows = pl.DataFrame({"day": ["2026-01-05"], "number": [number]})
        write_deltalake(f"s3://{bucket}/t", rows, mode="append", partition_by="day", storage_options=options)

    assert rgw.client().get_object(Bucket=bucket, Key="a b/large")["Body"].read() == content
    batches = DeltaTable(f"s3://{bucket}/t", storage_options=options).scan()
    assert sorted(n for batch in batches for n in pl.DataFrame(batch)["number"]) == [1, 2]


@pytest.mark.parametrize(
    "target",
    [
        "/lake/a%20b+c",
        "/lake//double//",
        "/lake/up/../and/./here",
        "/lake/%2E%2E/%2F%25",
        "/lake/semi;colon=1,2",
        "/lake?list-type=2&prefix=a+b%2Fc&delimiter=%2F&empty=&bare",
        "/lake/k?partNumber=1&uploadId=a%2Bb/c==",
        "/",
    ],
)
def test_targets_arrive_byte_for_byte(target: str) -> None:
    with scripted() as server, raw(to(server.endpoint)) as client:
        assert client("GET", target).read() == b"ok"

        assert [each.target for each in server.arrived] == [target]


def test_bucket_moves_into_the_host(lake: S3Connection, tmp_path: Path) -> None:
    with recording(str(lake.endpoint), tmp_path) as recorder:
        bucket = lake.location.bucket
        way = Proxy(host="127.0.0.1", port=urlsplit(recorder.endpoint).port or 0, protocol="http")
        connection = to(f"http://{VIRTUAL[1:]}", bucket, addressing_style="virtual", proxy=way)
        with raw(connection) as client:
            client("GET", f"/{bucket}/x/../y?versionId=1").read()
            client("GET", f"/{bucket}?list-type=2").read()
            client("GET", "/another/key").read()

        assert [(each.host, each.path) for each in recorder.seen] == [
            # A proxy is told a whole URL, in which plain dots would be resolved.
            (f"{bucket}{VIRTUAL}", "/x/%2E%2E/y?versionId=1"),
            (f"{bucket}{VIRTUAL}", "/?list-type=2"),
            (VIRTUAL[1:], "/another/key"),
        ]


def test_headers_that_matter_arrive_and_those_of_the_engine_do_not() -> None:
    told = {
        "Range": "bytes=1-2",
        "If-Match": '"e"',
        "If-None-Match": "*",
        "Content-MD5": "bWQ1",
        "X-Amz-Checksum-Sha256": "c3Vt",
        "X-Amz-Meta-Colour": "red",
        "User-Agent": "engine/1",
    }
    own = {
        "X-Amz-Date": "20200101T000000Z",
        "X-Amz-Security-Token": "engine",
        "Connection": "x-hop",
        "X-Hop": "1",
    }
    with scripted() as server, raw(to(server.endpoint)) as client:
        client("PUT", "/lake/k", b"body", **told, **own).read()

        headers = server.arrived[0].headers
        assert {name: headers[name.lower()] for name in told} == told
        assert headers["host"] == urlsplit(server.endpoint).netloc
        assert headers["x-amz-date"] > "2026"
        assert {"x-amz-security-token", "x-hop"}.isdisjoint(headers)
        assert "Credential=AKIAOWN/" in headers["authorization"]
        signed = headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
        assert {"host", "range", "if-match", "if-none-match", "content-md5", "x-amz-content-sha256"} <= {
            *signed
        }


# --- who is let in ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer x", f"AWS4-HMAC-SHA256 Credential={ACCESS_KEY_ID}/20260101/{REGION}/s3/aws4_request"],
)
def test_refused_without_the_token(authorization: str) -> None:
    with scripted() as server, raw(to(server.endpoint)) as client:
        client.authorization = authorization
        answer = client("GET", "/lake/key")

        assert (answer.status, code(answer.read())) == (403, "InvalidAccessKeyId")
        assert server.arrived == []


def test_each_connection_has_a_token_of_its_own() -> None:
    with scripted() as one, scripted() as other:
        with raw(to(one.endpoint)) as client, raw(to(other.endpoint)) as second:
            client("GET", "/lake/one").read()
            second("GET", "/lake/other").read()

        assert [each.target for each in one.arrived] == ["/lake/one"]
        assert [each.target for each in other.arrived] == ["/lake/other"]


def test_same_connection_is_opened_once() -> None:
    connection = to("http://127.0.0.1:1")

    assert open_gateway(connection) == open_gateway(to("http://127.0.0.1:1"))
    assert open_gateway(connection).access_key_id not in repr(open_gateway(connection))


def test_anonymous_requests_stay_unsigned() -> None:
    with scripted() as server, raw(to(server.endpoint, auth=AnonymousAuth())) as client:
        client("GET", "/lake/key").read()

        assert {"authorization", "x-amz-date", "x-amz-security-token"}.isdisjoint(server.arrived[0].headers)


# --- failures -----------------------------------------------------------------------------------------------


def test_dead_server_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with raw(to(f"http://127.0.0.1:{port}")) as client:
        answer = client("GET", "/lake/key")
        document = answer.read()

    assert (answer.status, code(document)) == (502, "UpstreamUnreachable")
    assert meant(document) is UnreachableError


def test_silent_server_is_told() -> None:
    with scripted(lambda _: time.sleep(3)) as server:
        patience = Transport(read_timeout=0.5)
        with raw(to(server.endpoint, transport=patience)) as client:
            begin = time.monotonic()
            answer = client("GET", "/lake/key")
            document = answer.read()

    assert (answer.status, code(document)) == (504, "RequestTimeout")
    assert meant(document) is RequestTimeoutError
    assert 0.4 < time.monotonic() - begin < 2.5


def test_server_that_does_not_take_a_body_is_told() -> None:
    body = b"x" * (32 * 1024 * 1024)
    patience = Transport(connect_timeout=0.5, read_timeout=0.5)
    with (
        scripted(lambda _: time.sleep(3), read_bodies=False) as server,
        raw(to(server.endpoint, transport=patience)) as client,
    ):
        answer = client("PUT", "/lake/key", body)
        document = answer.read()

    assert (answer.status, code(document)) == (504, "RequestTimeout")


def test_server_that_hangs_up_is_told() -> None:
    with scripted(lambda _: None) as server, raw(to(server.endpoint)) as client:
        assert code(client("GET", "/lake/key").read()) == "UpstreamUnreachable"
        # Nothing is tried again: that is the engine's to decide.
        assert len(server.arrived) == 1


def test_missing_credentials_are_told_and_found_later(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    auth = AccessKeyAuth(access_key_id="AKIAOWN", secret_access_key=SecretReference(file=secret))
    with scripted() as server, raw(to(server.endpoint, auth=auth)) as client:
        answer = client("GET", "/lake/key")
        document = answer.read()
        secret.write_text("own-secret")

        assert (answer.status, code(document)) == (400, "CredentialsFailed")
        assert meant(document) is CredentialsMissingError
        assert client("GET", "/lake/key").read() == b"ok"


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nshort\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n64\r\nshort",
    ],
)
def test_broken_body_stays_broken(answer: bytes) -> None:
    with scripted(lambda _: answer) as server, raw(to(server.endpoint)) as client:
        begun = client("GET", "/lake/key")

        with pytest.raises(http.client.IncompleteRead):
            begun.read()


def test_silence_in_a_body_breaks_it() -> None:
    def dribble(_: Arrived) -> bytes:
        return b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"

    patience = Transport(read_timeout=0.5)
    with (
        scripted(dribble) as server,
        raw(to(server.endpoint, transport=patience)) as client,
        pytest.raises(http.client.IncompleteRead),
    ):
        client("GET", "/lake/key").read()


def test_refusal_in_the_middle_of_a_body_arrives() -> None:
    body = b"x" * (8 * 1024 * 1024)
    refusal = b"HTTP/1.1 403 No\r\nContent-Length: 6\r\nConnection: close\r\n\r\nsorry!"
    with scripted(lambda _: refusal, read_bodies=False) as server:
        with raw(to(server.endpoint)) as client:
            answer = client("PUT", "/lake/key", body)
            assert (answer.status, answer.read()) == (403, b"sorry!")
        with raw(to(server.endpoint)) as client:
            client.authorization = "nobody"
            answer = client("PUT", "/lake/key", body)
            assert (answer.status, code(answer.read())) == (403, "InvalidAccessKeyId")

        assert len(server.arrived) == 1


def test_engine_that_breaks_off_breaks_the_upload() -> None:
    with scripted() as server:
        connection = to(server.endpoint, transport=Transport(max_connections=1))
        with raw(connection) as client:
            client.http.putrequest("PUT", "/lake/key")
            client.http.putheader("Authorization", client.authorization)
            client.http.putheader("Content-Length", "1000")
            client.http.endheaders(b"x" * 10)
        assert server.broken_off.wait(10)

        with raw(connection) as client:
            assert client("GET", "/lake/key").read() == b"ok"


def test_engine_that_stops_reading_leaves_nothing_behind() -> None:
    def answer(arrived: Arrived) -> bytes:
        if arrived.target == "/lake/large":
            return b"HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n" + b"x" * 50_000_000
        return OK

    with scripted(answer) as server:
        connection = to(server.endpoint, transport=Transport(max_connections=1))
        with raw(connection) as client:
            client("GET", "/lake/large").read(10)
        with raw(connection) as client:
            assert client("GET", "/lake/key").read() == b"ok"

        assert [each.connection for each in server.arrived] == [0, 1]


def test_redirect_does_not_lead_out_of_the_gateway() -> None:
    away = b"HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n"
    with scripted(lambda _: away) as server, raw(to(server.endpoint)) as client:
        answer = client("GET", "/lake/key")

        assert (answer.status, answer.getheader("Location")) == (307, None)
        assert len(server.arrived) == 1


def test_unusable_certificate_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "client.pem").write_text("no certificate")

    with pytest.raises(SettingError, match=r"tls\.client_certificate"):
        open_gateway(to("https://localhost:1", tls=Tls(client_certificate=tmp_path / "client.pem")))


# --- HTTP ---------------------------------------------------------------------------------------------------


def test_connections_are_kept_on_both_sides() -> None:
    def answer(arrived: Arrived) -> bytes:
        if arrived.head.startswith(b"HEAD"):
            return b'HTTP/1.1 200 OK\r\nContent-Length: 5000\r\nETag: "e"\r\n\r\n'
        if b"/gone" in arrived.head:
            return b"HTTP/1.1 204 No Content\r\n\r\n"
        if b"/same" in arrived.head:
            return b'HTTP/1.1 304 Not Modified\r\nETag: "e"\r\nContent-Length: 7\r\n\r\n'
        if b"/chunks" in arrived.head:
            return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
        return OK

    with scripted(answer) as server, raw(to(server.endpoint)) as client:
        head = client("HEAD", "/lake/key")
        assert (head.getheader("Content-Length"), head.read()) == ("5000", b"")
        gone = client("DELETE", "/lake/gone")
        assert (gone.read(), gone.getheader("Transfer-Encoding")) == (b"", None)
        assert client("GET", "/lake/same").read() == b""
        assert client("GET", "/lake/chunks").read() == b"abcde"
        assert client("PUT", "/lake/empty", b"").read() == b"ok"
        assert (
            client("POST", "/lake/chunked", iter([b"one", b"two"]), Transfer_Encoding="chunked").read()
            == b"ok"
        )
        port = client.http.sock.getsockname()[1] if client.http.sock else None
        assert client("GET", "/lake/last").read() == b"ok"
        assert client.http.sock.getsockname()[1] == port

        assert {each.connection for each in server.arrived} == {0}
        assert server.arrived[4].headers["content-length"] == "0"
        assert server.arrived[5].body == b"onetwo"


def test_body_waits_for_permission() -> None:
    with scripted() as server, raw(to(server.endpoint)) as client:
        address = (client.http.host, client.http.port)
        told = "Host: x\r\nExpect: 100-continue\r\nContent-Length: 4"
        head = f"PUT /lake/key HTTP/1.1\r\n{told}\r\nAuthorization: "
        with socket.create_connection(address, 10) as line:
            line.sendall(f"{head}{client.authorization}\r\n\r\n".encode())
            assert line.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
            line.sendall(b"body")
            assert line.recv(1000).startswith(b"HTTP/1.1 200 OK")
        with socket.create_connection(address, 10) as line:
            line.sendall(f"{head}nobody\r\n\r\n".encode())
            assert line.recv(1000).startswith(b"HTTP/1.1 403 ")

        assert [(each.body, each.headers.get("expect")) for each in server.arrived] == [(b"body", None)]


def test_trailing_checksums_pass_and_bodies_signed_in_pieces_are_refused() -> None:
    framed = b"4\r\nbody\r\n0\r\nx-amz-checksum-crc32:c3Vt\r\n\r\n"
    with scripted() as server, raw(to(server.endpoint)) as client:
        trailer = {
            "X-Amz-Content-Sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
            "Content-Encoding": "aws-chunked",
            "X-Amz-Trailer": "x-amz-checksum-crc32",
            "X-Amz-Decoded-Content-Length": "4",
        }
        assert client("PUT", "/lake/key", framed, **trailer).read() == b"ok"
        refused = client(
            "PUT", "/lake/key", b"x", **{"X-Amz-Content-Sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"}
        )

        assert (refused.status, code(refused.read())) == (400, "InvalidRequest")
        assert [each.body for each in server.arrived] == [framed]
        assert server.arrived[0].headers["x-amz-content-sha256"] == "STREAMING-UNSIGNED-PAYLOAD-TRAILER"


# --- transport ----------------------------------------------------------------------------------------------


def test_connections_to_the_server_are_bounded() -> None:
    lock, under_way, most = threading.Lock(), 0, 0

    def slow(_: Arrived) -> bytes:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        time.sleep(0.05)
        with lock:
            under_way -= 1
        return OK

    with scripted(slow) as server:
        connection = to(server.endpoint, transport=Transport(max_connections=3))

        def ask() -> None:
            with raw(connection) as client:
                for _ in range(3):
                    assert client("GET", "/lake/key").read() == b"ok"

        threads = [threading.Thread(target=ask) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(server.arrived) == 36
        assert most == 3
        assert len({each.connection for each in server.arrived}) == 3


def test_waiting_for_a_connection_ends() -> None:
    large = b"HTTP/1.1 200 OK\r\nContent-Length: 90000000\r\n\r\n" + b"x" * 90_000_000
    bound = Transport(max_connections=1, read_timeout=0.5)
    with scripted(lambda _: large) as server:
        connection = to(server.endpoint, transport=bound)
        with raw(connection) as greedy, raw(connection) as patient:
            unread = greedy("GET", "/lake/large")
            answer = patient("GET", "/lake/key")

            assert (answer.status, code(answer.read())) == (503, "SlowDown")
            assert len(unread.read()) == 90_000_000
            assert len(server.arrived) == 1


def test_bodies_are_not_kept_in_memory() -> None:
    size = 256 * 1024 * 1024
    body = b"x" * size
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size

    with scripted(lambda arrived: head + body if arrived.head.startswith(b"GET") else OK) as server:
        with raw(to(server.endpoint)) as client:
            client("GET", "/lake/first").read()
            client("PUT", "/lake/large", body).read()

        assert len(server.arrived[1].body) == size
    assert _peak() < 150 * 1024 * 1024


def _peak() -> int:
    """The most memory that any process behind a gateway of this test run has had, in bytes."""
    children = [child for child in loopback._children._children.values() if child.alive]
    peaks = [
        re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{child._process.pid}/status").read_text())
        for child in children
    ]
    return max(int(peak[1]) * 1024 for peak in peaks if peak)


def test_client_certificate_is_shown(
    mutual_tls: FrontMaker, authority: Authority, tmp_path: Path, lake: S3Connection
) -> None:
    shown = authority.client("gateway")
    with scripted() as server, mutual_tls(server.endpoint) as door:
        tls = Tls(ca_bundle=door.ca_file, client_certificate=shown.certificate, client_key=shown.key)
        with raw(to(door.endpoint, tls=tls)) as client:
            assert client("GET", "/lake/key").read() == b"ok"
        with raw(to(door.endpoint, tls=Tls(ca_bundle=door.ca_file))) as client:
            assert code(client("GET", "/lake/key").read()) == "UpstreamUnreachable"
        with raw(to(door.endpoint)) as client:
            untrusted = client("GET", "/lake/key").read()

        assert code(untrusted) == "UpstreamUnreachable"
        assert b"CERTIFICATE_VERIFY_FAILED" in untrusted
        assert [each.headers.get(CLIENT_HEADER) for each in server.arrived] == ["gateway"]


def test_proxy_is_used_and_its_refusal_told(forward_proxy: ForwardProxy) -> None:
    host, _, port = forward_proxy.host.partition(":")
    nobody = Proxy(host=host, port=int(port), protocol="http")
    somebody = nobody.model_copy(update={"username": USER, "password": PASSWORD})
    with scripted() as server:
        with raw(to(server.endpoint, proxy=somebody)) as client:
            assert client("GET", "/lake/key").read() == b"ok"
        with raw(to(server.endpoint, proxy=nobody)) as client:
            answer = client("GET", "/lake/key")
            document = answer.read()

        assert (answer.status, code(document)) == (502, "UpstreamUnreachable")
        assert b"proxy" in document
        assert "proxy-authorization" not in server.arrived[0].headers
        assert len(server.arrived) == 1
    assert f"GET {server.endpoint}/lake/key" in forward_proxy.requests()


def test_tls_goes_through_a_proxy_that_speaks_tls_itself(
    forward_proxy: ForwardProxy, tls_front: FrontMaker, authority: Authority
) -> None:
    proxy = Proxy(
        host="localhost",
        port=forward_proxy.secure.port,
        protocol="https",
        username=SPECIAL_USER,
        password=SPECIAL_PASSWORD,
    )
    wrong = proxy.model_copy(update={"password": "wrong-password"})
    tls = Tls(ca_bundle=authority.ca_file)
    with scripted() as server, tls_front(server.endpoint) as door:
        with raw(to(door.endpoint, proxy=proxy, tls=tls)) as client:
            assert client("GET", "/lake/x/../y").read() == b"ok"
        with raw(to(door.endpoint, proxy=wrong, tls=tls)) as client:
            document = client("GET", "/lake/key").read()

        assert code(document) == "UpstreamUnreachable"
        assert b"proxy" in document
        assert b"wrong-password" not in document
        assert [each.target for each in server.arrived] == ["/lake/x/../y"]
    assert f"CONNECT localhost:{door.port}" in forward_proxy.requests()
