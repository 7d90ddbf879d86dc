"""Files that appear when they are completed, looked at with boto3."""

import gzip
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from s3_assets.connection import AccessKeyAuth, S3Connection, Transport
from s3_assets.connection.adapters import boto_uploads
from s3_assets.embedded.server import EmbeddedServer
from s3_assets.errors import BucketMissingError, KeyTakenError, ObjectMissingError, ThrottledError
from s3_assets.object_options import ObjectOptions
from s3_assets.pending_file import LARGEST, PendingFile, part_size
from s3_assets.uploads import Pending, Uploads
from tests.servers.gateway import Gateway
from tests.support.proxy import RequestProxy

PART = 8 * 1024 * 1024
PLAIN = ObjectOptions()
ODD = ["a b", "100%", "a+b", "q?r#1", "日本", "%2F", "f//g"]


@dataclass(frozen=True)
class Place:
    """A bucket on a server, and a plain client of it."""

    endpoint: str
    bucket: str
    client: Any
    key_id: str = "test"
    secret: str = "test"
    checksums: Any = "when_supported"
    more: dict[str, Any] = field(default_factory=dict)
    """Further settings of its connections."""

    def connection(self, **more: Any) -> S3Connection:
        settings = {"url": f"s3://{self.bucket}/", "endpoint": self.endpoint, **self.more, **more}
        auth = AccessKeyAuth(access_key_id=self.key_id, secret_access_key=self.secret)
        return S3Connection(name="files", region="us-east-1", checksums=self.checksums, auth=auth, **settings)

    def uploads(self, **more: Any) -> Uploads:
        return Uploads(self.connection(**more))

    def body(self, key: str) -> bytes:
        body: bytes = self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return body

    def listed(self) -> list[str]:
        return [each["Key"] for each in self.client.list_objects_v2(Bucket=self.bucket).get("Contents", ())]

    def left(self) -> list[str]:
        found = self.client.list_multipart_uploads(Bucket=self.bucket).get("Uploads", ())
        return [each["Key"] for each in found]

    def put(self, key: str, body: bytes) -> None:
        self.client.put_object(Bucket=self.bucket, Key=key, Body=body)


@pytest.fixture
def embedded(s3_server: EmbeddedServer, s3_client: Any, bucket: str) -> Place:
    return Place(s3_server.endpoint_url, bucket, s3_client)


@pytest.fixture
def ceph(rgw: Gateway) -> Place:
    bucket, client = f"files-{uuid4().hex[:12]}", rgw.client()
    client.create_bucket(Bucket=bucket)
    return Place(rgw.endpoint, bucket, client, *rgw.admin[:2], checksums="when_required")


@pytest.fixture(scope="module")
def proxy(s3_server: EmbeddedServer) -> Iterator[RequestProxy]:
    with RequestProxy(s3_server.endpoint_url) as proxy:
        yield proxy


@pytest.fixture(params=["embedded", "ceph"])
def place(request: pytest.FixtureRequest) -> Place:
    found: Place = request.getfixturevalue(request.param)
    return found


def pending(uploads: Uploads, key: str, body: bytes, commit: str = "first") -> Pending:
    file = uploads.open(key, PLAIN, commit=commit)
    file.write(body)
    return file.finish()


def write_parts(file: PendingFile, parts: int) -> None:
    for _ in range(parts):
        file.write(bytes(PART))


@pytest.mark.parametrize("size", [0, PART, 2 * PART + 3])
def test_a_file_appears_when_it_is_completed(place: Place, size: int) -> None:
    body, uploads = os.urandom(size), place.uploads()
    with uploads.open("f/file", PLAIN, commit="first") as file:
        # As a writer gives them: of every length, and in every kind of buffer.
        view = memoryview(body)
        for start, end in ((0, 5), (5, 5), (5, 4096), (4096, PART - 7), (PART - 7, size)):
            assert file.write(view[start:end]) == len(view[start:end])
        assert file.tell() == size
        sent = file.finish()

    assert place.listed() == []
    assert place.left() == ["f/file"]
    again = Pending.from_json(json.loads(json.dumps(sent.as_json())))
    etag = place.uploads().complete(again, if_absent=True)

    head = place.client.head_object(Bucket=place.bucket, Key="f/file")
    assert place.body("f/file") == body
    assert head["ETag"] == etag
    assert head["Metadata"] == {"s3-assets-commit": "first"}
    assert (sent.bytes, sent.sha256) == (size, hashlib.sha256(body).hexdigest())
    assert len(sent.parts) == max(1, -(-size // PART))
    assert place.left() == []


def test_completing_again_does_nothing(place: Place) -> None:
    uploads = place.uploads()
    sent = pending(uploads, "file", b"rows")
    etag = uploads.complete(sent)
    modified = place.client.head_object(Bucket=place.bucket, Key="file")["LastModified"]

    assert uploads.complete(sent) == etag
    assert uploads.complete(sent, if_absent=True) == etag
    assert place.client.head_object(Bucket=place.bucket, Key="file")["LastModified"] == modified


def test_a_key_that_somebody_took(place: Place) -> None:
    uploads = place.uploads()
    sent = pending(uploads, "file", b"ours")
    place.put("file", b"theirs")

    with pytest.raises(KeyTakenError, match="did not put there"):
        uploads.complete(sent, if_absent=True)

    assert place.body("file") == b"theirs"
    uploads.complete(sent)
    assert place.body("file") == b"ours"


def test_the_embedded_server_keeps_to_the_condition_of_a_completion(embedded: Place) -> None:
    """Ceph 16.2 does not, and is asked before: see `test_a_key_that_somebody_took`."""
    sent = pending(embedded.uploads(), "file", b"ours")
    embedded.put("file", b"theirs")

    done = boto_uploads.complete(
        embedded.connection(), sent.key, sent.upload_id, sent.parts, sent.checksum, if_absent=True
    )

    assert done is None
    assert embedded.body("file") == b"theirs"


def test_an_upload_that_somebody_aborted(place: Place) -> None:
    uploads = place.uploads()
    sent = pending(uploads, "file", b"rows")
    place.client.abort_multipart_upload(Bucket=place.bucket, Key="file", UploadId=sent.upload_id)

    with pytest.raises(ObjectMissingError, match="upload of a committed file is gone"):
        uploads.complete(sent)
    place.put("file", b"theirs")
    with pytest.raises(KeyTakenError):
        uploads.complete(sent)
    uploads.abort("file", sent.upload_id)


def test_open_uploads_of_a_prefix(place: Place) -> None:
    uploads = place.uploads()
    begun = {key: uploads.open(key, PLAIN, commit="first") for key in ("f/a", "f/b", "fo", "g/a")}

    found = list(uploads.open_uploads("f/"))

    assert [(each.key, each.upload_id) for each in found] == [
        (key, begun[key].upload_id) for key in ("f/a", "f/b")
    ]
    told = place.client.list_multipart_uploads(Bucket=place.bucket, Prefix="f/")["Uploads"]
    assert [each.begun for each in found] == [each["Initiated"] for each in told]
    for file in begun.values():
        file.abort()
        file.abort()
    assert place.left() == []


def test_odd_keys(place: Place) -> None:
    uploads = place.uploads()
    for key in ODD:
        uploads.complete(pending(uploads, key, key.encode()), if_absent=True)

    assert {key: place.body(key) for key in place.listed()} == {key: key.encode() for key in ODD}


def test_leaving_by_an_exception_aborts(embedded: Place) -> None:
    def fail() -> None:
        with embedded.uploads().open("file", PLAIN, commit="first") as file:
            file.write(bytes(3 * PART))
            raise ArithmeticError

    with pytest.raises(ArithmeticError):
        fail()

    assert embedded.left() == []
    assert embedded.listed() == []


def test_aborted_while_parts_are_on_their_way(embedded: Place, proxy: RequestProxy) -> None:
    file = embedded.uploads(endpoint=proxy.endpoint).open("file", PLAIN, commit="first")
    proxy.reset()
    # The two parts arrive when the abortion has long been asked for.
    proxy.arm("delay", 1, seconds=0.3, times=2)
    file.write(bytes(2 * PART + 1))
    file.abort()

    assert embedded.left() == []
    assert [request.method for request in proxy.requests()] == ["PUT", "PUT", "DELETE", "GET"]
    with pytest.raises(ValueError, match="closed"):
        file.write(b"more")


def test_a_part_that_cannot_be_sent(embedded: Place, proxy: RequestProxy) -> None:
    uploads = embedded.uploads(endpoint=proxy.endpoint, transport=Transport(max_retries=0))
    file = uploads.open("file", PLAIN, commit="first")
    proxy.reset()
    proxy.arm("status", 1)
    with pytest.raises(ThrottledError, match=r"s3://.*/file"):
        write_parts(file, 20)
    with pytest.raises(ThrottledError):
        file.finish()
    assert proxy.count() < 10, "the rest is not sent"
    file.abort()

    small = uploads.open("small", PLAIN, commit="first")
    small.write(b"rows")
    proxy.reset()
    proxy.arm("status", 1)
    with pytest.raises(ThrottledError):
        small.finish()
    small.abort()
    assert embedded.left() == []


def test_an_upload_that_cannot_be_aborted(embedded: Place, proxy: RequestProxy) -> None:
    uploads = embedded.uploads(endpoint=proxy.endpoint, transport=Transport(max_retries=0))
    file = uploads.open("file", PLAIN, commit="first")
    proxy.reset()
    proxy.arm("status", 1)
    with pytest.raises(ThrottledError):
        file.abort()

    file.abort()

    assert embedded.left() == []


def test_requests_of_a_small_file(embedded: Place, proxy: RequestProxy) -> None:
    """Begun, sent, completed; the key is looked at before, since the server is not Amazon's."""
    uploads = embedded.uploads(endpoint=proxy.endpoint)
    proxy.reset()
    uploads.complete(pending(uploads, "file", b"rows"), if_absent=True)

    assert [request.method for request in proxy.requests()] == ["POST", "PUT", "HEAD", "POST"]


def test_an_answer_that_is_lost(place: Place) -> None:
    """The server has completed the upload, and nobody heard of it."""
    with RequestProxy(place.endpoint) as proxy:
        uploads = place.uploads(endpoint=proxy.endpoint, transport=Transport(max_retries=0))
        sent = pending(uploads, "file", b"rows")
        proxy.reset()
        proxy.arm("lost_reply", 1, writes=True)
        with pytest.raises(ThrottledError):
            uploads.complete(sent, if_absent=True)

        etag = uploads.complete(sent, if_absent=True)

    assert place.client.head_object(Bucket=place.bucket, Key="file")["ETag"] == etag


def test_a_cap_on_connections(embedded: Place) -> None:
    """Requests pass the loopback gateway then, which signs them anew."""
    body = os.urandom(2 * PART + 1)
    uploads = embedded.uploads(transport=Transport(max_connections=2))
    uploads.complete(pending(uploads, "file", body))

    assert embedded.body("file") == body


def frame() -> pl.LazyFrame:
    return pl.LazyFrame({"id": range(200_000)}).with_columns(text=pl.col("id").cast(pl.String) + "é")


def gzipped(file: Any) -> None:
    with gzip.GzipFile(fileobj=file, mode="wb") as packed:
        packed.write(frame().collect().write_csv().encode())


WRITERS: dict[str, Callable[[Any], Any]] = {
    "polars-parquet": lambda file: frame().sink_parquet(file),
    "polars-csv": lambda file: frame().sink_csv(file),
    "pyarrow-parquet": lambda file: pq.write_table(frame().collect().to_arrow(), file),
    "gzip": gzipped,
}
READERS: dict[str, Callable[[bytes], pl.DataFrame]] = {
    "polars-parquet": lambda body: pl.DataFrame(pq.read_table(pa.BufferReader(body))),
    "polars-csv": pl.read_csv,
    "pyarrow-parquet": lambda body: pl.DataFrame(pq.read_table(pa.BufferReader(body))),
    "gzip": lambda body: pl.read_csv(gzip.decompress(body)),
}


@pytest.mark.parametrize("writer", WRITERS)
def test_what_libraries_write_into_it(embedded: Place, writer: str) -> None:
    uploads = embedded.uploads()
    file = uploads.open("file", PLAIN, commit="first")
    WRITERS[writer](file)
    uploads.complete(file.finish())

    assert READERS[writer](embedded.body("file")).equals(frame().collect())


def test_parts_suffice_for_the_largest_object() -> None:
    sizes = [part_size(number) for number in range(1, 10_001)]

    # Amazon S3 User Guide, "Multipart upload limits".
    assert sum(sizes) >= LARGEST == 5 * 1024**4
    assert min(sizes) >= 5 * 1024**2
    assert max(sizes) <= 5 * 1024**3
    assert sizes == sorted(sizes)


MEMORY = """
import resource, sys
from s3_assets.connection import AccessKeyAuth, S3Connection
from s3_assets.object_options import ObjectOptions
from s3_assets.uploads import Uploads
auth = AccessKeyAuth(access_key_id="test", secret_access_key="test")
uploads = Uploads(S3Connection(url=sys.argv[1], endpoint=sys.argv[2], region="us-east-1", auth=auth))
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
file = uploads.open("file", ObjectOptions(), commit="first")
before, piece = peak(), bytes(1024 * 1024)
for _ in range(96):
    file.write(piece)
file.finish()
file.abort()
print(peak() - before)
"""


def test_memory_is_bounded(embedded: Place) -> None:
    """Five parts of 8 MiB at most: one that fills, four on their way."""
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, f"s3://{embedded.bucket}/", embedded.endpoint],
        capture_output=True,
        text=True,
        check=True,
    )

    assert int(done.stdout) < 64
    assert embedded.left() == []


def test_a_bucket_that_is_not_there(embedded: Place) -> None:
    uploads = embedded.uploads(url="s3://nowhere-at-all/")

    with pytest.raises(BucketMissingError, match="nowhere-at-all"):
        uploads.open("file", PLAIN, commit="first")
