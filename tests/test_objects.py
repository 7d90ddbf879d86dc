"""Raw objects, looked at with boto3."""

from typing import Any

import pytest

from s3_assets.connection import AccessKeyAuth, S3Connection
from s3_assets.embedded.server import EmbeddedServer
from s3_assets.errors import BucketMissingError, ObjectMissingError
from s3_assets.objects import Objects

ODD = ["a b", "é", "100%", "x=y", "a+b", "q?r", "#1", "日本", "%2F", "a:b", "_x", ".y"]


@pytest.fixture
def objects(s3_server: EmbeddedServer, bucket: str) -> Objects:
    return objects_of(s3_server, bucket)


def objects_of(server: EmbeddedServer, bucket: str) -> Objects:
    auth = AccessKeyAuth(access_key_id="test", secret_access_key="test")
    return Objects(
        S3Connection(
            name="lake", url=f"s3://{bucket}/", endpoint=server.endpoint_url, region="us-east-1", auth=auth
        )
    )


def put(client: Any, bucket: str, *keys: str) -> None:
    for key in keys:
        client.put_object(Bucket=bucket, Key=key, Body=key.encode())


def keys_of(client: Any, bucket: str) -> list[str]:
    return [item["Key"] for item in client.list_objects_v2(Bucket=bucket).get("Contents", ())]


def test_list(objects: Objects, s3_client: Any, bucket: str) -> None:
    put(s3_client, bucket, "f/a", "f/b", "f/sub/c", "foo/d")
    head = s3_client.head_object(Bucket=bucket, Key="f/b")

    listed = list(objects.list_objects("f/"))

    assert [item.key for item in listed] == ["f/a", "f/b", "f/sub/c"]
    assert listed[1].size == head["ContentLength"]
    assert listed[1].etag == head["ETag"]
    assert abs((listed[1].modified - head["LastModified"]).total_seconds()) < 1
    assert [item.key for item in objects.list_objects("f/", start_after="f/a")] == ["f/b", "f/sub/c"]
    assert objects.list_frame("f/").drop("storage_class").rows() == [tuple(item) for item in listed]
    assert objects.list_frame("nothing/").is_empty()
    assert objects.list_frame("f/").schema == objects.list_frame("nothing/").schema


def test_list_from_any_prefix_and_with_storage_classes(objects: Objects, s3_client: Any, bucket: str) -> None:
    put(s3_client, bucket, "f/a1", "f/a2", "f/a3", "f/b1")
    s3_client.put_object(Bucket=bucket, Key="f/a4", Body=b"4", StorageClass="GLACIER")

    found = objects.list_frame("f/a", start_after="f/a1")

    assert found["key"].to_list() == ["f/a2", "f/a3", "f/a4"]
    assert found["storage_class"].to_list() == ["STANDARD", "STANDARD", "GLACIER"]


def test_list_data_whatever_obstore_makes_of_the_keys(objects: Objects, s3_client: Any, bucket: str) -> None:
    plain = ["f/a-1", 'f/a b+%2F"&', "f/z"]
    put(s3_client, bucket, *plain, "fa")
    s3_client.put_object(Bucket=bucket, Key="f/a/", Body=b"")
    s3_client.put_object(Bucket=bucket, Key="f/empty", Body=b"")
    listed = objects.list_frame("f/")

    def data(prefix: str, start_after: str | None = None) -> list[str]:
        return objects.list_data(prefix, start_after)["key"].to_list()

    found = objects.list_data("f/")
    assert sorted(found["key"]) == sorted(plain)
    told = ("key", "size", "etag", "modified")
    assert found.select(told).equals(listed.filter(listed["key"].is_in(plain)).select(told))
    assert found.schema == listed.schema
    assert data("f/", "f/a-1") == ["f/z"]
    assert data("f") == [*sorted(plain), "fa"], "no folder"
    assert data("") == [*sorted(plain), "fa"]
    assert data("nothing/") == []
    # As obstore has them, these would be a second `f/z`, an error, and one more.
    s3_client.put_object(Bucket=bucket, Key="f/z-", Body=b"1")
    s3_client.put_object(Bucket=bucket, Key="f/z/", Body=b"1")
    assert data("f/") == [*sorted(plain), "f/z-", "f/z/"]
    s3_client.put_object(Bucket=bucket, Key="g//x", Body=b"1")
    s3_client.put_object(Bucket=bucket, Key="g/../x", Body=b"1")
    assert data("g/") == ["g/../x", "g//x"]


def test_list_more_than_a_page(objects: Objects) -> None:
    """A thousand keys come in one answer of the server."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: objects.put(f"many/{number:04d}", b""), range(1005)))

    assert len(list(objects.list_objects("many/"))) == 1005
    assert objects.list_frame("many/").height == 1005
    assert objects.delete(item.key for item in objects.list_objects("many/")) == 1005
    assert objects.list_frame("many/").is_empty()


def test_list_folders(objects: Objects, s3_client: Any, bucket: str) -> None:
    put(s3_client, bucket, "f/a", "f/x/1", "f/y/2", "f/y/z/3")

    folders, found = objects.list_folders("f/")

    assert folders == ["f/x/", "f/y/"]
    assert [item.key for item in found] == ["f/a"]


@pytest.mark.parametrize("name", ODD)
def test_odd_names(objects: Objects, s3_client: Any, bucket: str, name: str) -> None:
    objects.put(f"odd/{name}", b"1")

    assert keys_of(s3_client, bucket) == [f"odd/{name}"]
    assert objects.get(f"odd/{name}") == b"1"
    assert objects.exists(f"odd/{name}")
    assert [item.key for item in objects.list_objects("odd/")] == [f"odd/{name}"]
    assert objects.list_frame("odd/")["key"].to_list() == [f"odd/{name}"]
    objects.copy([(f"odd/{name}", f"copy/{name}")])
    objects.delete([f"odd/{name}"])
    assert keys_of(s3_client, bucket) == [f"copy/{name}"]


def test_put_if_absent(objects: Objects) -> None:
    assert objects.put_if_absent("key", b"first")
    assert not objects.put_if_absent("key", b"second")
    assert objects.get("key") == b"first"


def test_tail(objects: Objects) -> None:
    objects.put("key", b"0123456789")

    assert objects.get_tail("key", size=10, length=3) == b"789"
    assert objects.get_tail("key", size=10, length=30) == b"0123456789"


def test_what_is_missing(objects: Objects, s3_server: EmbeddedServer) -> None:
    with pytest.raises(ObjectMissingError, match=r"connection 'lake', s3://.*/nothing"):
        objects.get("nothing")
    with pytest.raises(ObjectMissingError):
        objects.copy([("nothing", "else")])
    assert not objects.exists("nothing")
    assert objects.delete(["nothing"]) == 1
    with pytest.raises(BucketMissingError):
        list(objects_of(s3_server, "no-such-bucket").list_objects(""))
    with pytest.raises(BucketMissingError):
        objects_of(s3_server, "no-such-bucket").put("key", b"1")
