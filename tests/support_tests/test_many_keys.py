"""The pages of the server of many keys are those of servers that others wrote."""

from typing import Any
from uuid import uuid4

import boto3
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.extent import EVERYTHING
from tests.support.many_keys import ManyKeys

NAMES = st.text(st.sampled_from("ab0%+ é/="), min_size=1, max_size=6).filter(lambda key: key != "/")
LISTINGS = st.fixed_dictionaries({
    "Prefix": st.text(st.sampled_from("ab/é="), max_size=3),
    "Delimiter": st.sampled_from(["", "/"]),
    "StartAfter": st.text(st.sampled_from("ab0/é"), max_size=4),
    "MaxKeys": st.integers(1, 5),
})  # fmt: skip


def client(server: ManyKeys) -> Any:
    return boto3.session.Session().client(
        "s3",
        endpoint_url=server.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def pages(found: Any, bucket: str, asked: dict[str, Any]) -> list[Any]:
    listed = []
    token: dict[str, str] = {}
    while True:
        page = found.list_objects_v2(Bucket=bucket, **asked, **token)
        objects = [(each["Key"], each["Size"]) for each in page.get("Contents", ())]
        folders = [each["Prefix"] for each in page.get("CommonPrefixes", ())]
        listed.append((objects, folders, page["IsTruncated"]))
        if not page["IsTruncated"]:
            return listed
        token = {"ContinuationToken": page["NextContinuationToken"]}


def compare(reference: Any, examples: int) -> None:
    with ManyKeys() as many:
        ours = client(many)

        @settings(
            max_examples=examples,
            deadline=None,
            derandomize=True,
            suppress_health_check=[HealthCheck.too_slow],
        )
        @given(st.dictionaries(NAMES, st.integers(0, 9), min_size=1, max_size=14), LISTINGS)
        def same(objects: dict[str, int], asked: dict[str, Any]) -> None:
            bucket = f"many-{uuid4().hex[:12]}"
            many.fill(bucket, objects.items())
            reference.create_bucket(Bucket=bucket)
            for key, size in objects.items():
                reference.put_object(Bucket=bucket, Key=key, Body=bytes(size))

            told = {name: value for name, value in asked.items() if value != ""}

            assert pages(ours, bucket, told) == pages(reference, bucket, told)

        same()


def test_pages_of_the_embedded_server(s3_client: Any) -> None:
    compare(s3_client, 200 if EVERYTHING else 12)


@pytest.mark.skipif(not EVERYTHING, reason="the same on Ceph: EVERYTHING=1")
def test_pages_of_ceph(request: pytest.FixtureRequest) -> None:
    compare(request.getfixturevalue("rgw").client(), 100)


def test_objects_and_ranges() -> None:
    with ManyKeys() as many:
        many.fill("some", [("a b/é.txt", 0), ("zeros", 5)], {"a b/é.txt": b"0123456789"})
        found = client(many)

        def body(key: str, **asked: str) -> bytes:
            content: bytes = found.get_object(Bucket="some", Key=key, **asked)["Body"].read()
            return content

        assert body("a b/é.txt") == b"0123456789"
        assert body("a b/é.txt", Range="bytes=2-4") == b"234"
        assert body("a b/é.txt", Range="bytes=-3") == b"789"
        assert body("a b/é.txt", Range="bytes=8-99") == b"89"
        assert body("zeros") == bytes(5)
        assert found.head_object(Bucket="some", Key="zeros")["ContentLength"] == 5
        assert [each["Name"] for each in found.list_buckets()["Buckets"]] == ["some"]
        with pytest.raises(found.exceptions.NoSuchKey):
            body("nothing")
        assert many.requests() == {"GetObject": 6, "HeadObject": 1, "ListBuckets": 1}
