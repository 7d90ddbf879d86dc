"""Objects that are sent while they are made: one request if small, parts if not, and nothing if given up."""

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any

import pytest

from s3_assets.connection import AccessKeyAuth, S3Connection
from s3_assets.engines.upload import PART, Upload
from s3_assets.errors import BucketMissingError
from s3_assets.objects import Objects
from tests.support.proxy import RequestProxy


@pytest.fixture
def senders() -> Iterator[Executor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


@pytest.fixture
def objects(proxy: RequestProxy, bucket: str) -> Objects:
    return Objects(connection(proxy, bucket))


def connection(proxy: RequestProxy, bucket: str) -> S3Connection:
    return S3Connection(
        url=f"s3://{bucket}/",
        endpoint=proxy.endpoint,
        region="us-east-1",
        auth=AccessKeyAuth(access_key_id="test", secret_access_key="test"),
    )


def test_a_small_object_takes_one_request(
    objects: Objects, proxy: RequestProxy, senders: Executor, s3_client: Any, bucket: str
) -> None:
    upload = Upload(objects, "small", senders)
    for piece in (b"a" * 1000, b"", b"b" * 1000):
        upload.write(piece)
    assert not proxy.requests()
    upload.end()
    upload.wait()

    assert [request.method for request in proxy.requests()] == ["PUT"]
    assert s3_client.get_object(Bucket=bucket, Key="small")["Body"].read() == b"a" * 1000 + b"b" * 1000
    assert upload.bytes == 2000


def test_a_large_object_is_sent_in_parts(
    objects: Objects, proxy: RequestProxy, senders: Executor, s3_client: Any, bucket: str
) -> None:
    upload = Upload(objects, "large", senders)
    pieces = [bytes([number]) * (PART // 2 + number) for number in range(5)]
    for piece in pieces:
        upload.write(piece)
    upload.end()
    upload.wait()

    assert [request.method for request in proxy.requests()] == ["POST", "PUT", "PUT", "PUT", "POST"]
    assert s3_client.get_object(Bucket=bucket, Key="large")["Body"].read() == b"".join(pieces)


def test_what_is_given_up_is_forgotten(
    objects: Objects, proxy: RequestProxy, senders: Executor, s3_client: Any, bucket: str
) -> None:
    upload = Upload(objects, "given-up", senders)
    for _ in range(5):
        upload.write(b"x" * PART)
    upload.abandon()

    assert not s3_client.list_objects_v2(Bucket=bucket).get("Contents")
    assert proxy.requests()[-1].method == "DELETE", "the parts that had arrived"

    never_sent = Upload(objects, "never-sent", senders)
    never_sent.write(b"x")
    never_sent.abandon()
    assert not s3_client.list_objects_v2(Bucket=bucket).get("Contents")


def test_the_servers_error_reaches_the_writer(proxy: RequestProxy, senders: Executor) -> None:
    upload = Upload(Objects(connection(proxy, "no-such-bucket-here")), "large", senders)

    def write() -> None:
        for _ in range(20):
            upload.write(b"x" * PART)

    with pytest.raises(BucketMissingError, match="no-such-bucket-here"):
        write()
    upload.abandon()
