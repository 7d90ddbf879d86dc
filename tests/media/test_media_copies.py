"""Copies of a media set's objects: on the server and through this process, and whose they are."""

from collections.abc import Callable
from typing import Any

import pytest

from s3_assets.errors import KeyTakenError
from s3_assets.media.copies import SET, SOURCE_ETAG
from s3_assets.media.media_set import MediaSet
from tests.media import media_work
from tests.media.media_ground import GONE, SOURCE, MediaGround
from tests.support.proxy import RequestProxy

Maker = Callable[..., MediaSet]
COPIES = media_work.COPIES


@pytest.fixture(params=["on the server", "streamed"])
def make(request: pytest.FixtureRequest, ground: MediaGround, proxy: RequestProxy) -> Maker:
    """Make a media set that copies; through the proxy, the same server is another one."""
    endpoint = ground.endpoint if request.param == "on the server" else proxy.endpoint

    def made(on_deleted: str = "keep", **settings: Any) -> MediaSet:
        return media_work.media_set(
            ground.endpoint,
            ground.bucket,
            ground.source,
            "parquet",
            copies_endpoint=endpoint,
            on_deleted_copies=on_deleted,
            **settings,
        )

    return made


def test_copies_follow_their_objects(ground: MediaGround, make: Maker) -> None:
    first = make().run()

    assert (first.counts.copied, first.counts.copied_bytes) == (5, first.bytes)
    assert ground.copies() == ground.expected_copies()
    copied_to = dict(ground.inventory("parquet").select("key", "copied_to").iter_rows())
    assert copied_to[f"{SOURCE}a/one.png"] == f"s3://{ground.bucket}/{COPIES}a/one.png"
    assert None not in copied_to.values()
    head = ground.client.head_object(Bucket=ground.bucket, Key=f"{COPIES}a/ü und x.gif")
    source = ground.client.head_object(Bucket=ground.source, Key=f"{SOURCE}a/ü und x.gif")
    assert (head["CacheControl"], head["Metadata"][SET]) == ("max-age=60", media_work.NAME)
    assert head["Metadata"][SOURCE_ETAG] == source["ETag"].strip('"')

    ground.change()
    second = make().run()

    assert second.counts.copied == 3
    kept = ground.copies()
    assert kept.pop(GONE)
    assert kept == ground.expected_copies()
    assert ground.present("parquet") == ground.full_look()
    assert ground.uploads() == []


def test_copies_are_deleted_with_their_objects(ground: MediaGround, make: Maker) -> None:
    make("delete").run()
    ground.change()
    found = make("delete").run()

    assert found.counts.copies_deleted == 1
    assert ground.copies() == ground.expected_copies()
    copied_to = dict(ground.inventory("parquet").select("key", "copied_to").iter_rows())
    assert copied_to[SOURCE + GONE] is None


def test_what_is_copied_is_not_copied_again(ground: MediaGround, make: Maker) -> None:
    make().run()
    again = make().run(look_again=True)

    assert (again.counts.copied, again.counts.already_copied) == (0, 5)


def test_the_object_of_somebody_else_is_not_touched(ground: MediaGround, make: Maker) -> None:
    ground.client.put_object(Bucket=ground.bucket, Key=f"{COPIES}a/two.jpg", Body=b"mine")

    with pytest.raises(KeyTakenError, match="this media set did not put it there") as caught:
        make().run()
    assert caught.value.location == f"s3://{ground.bucket}/{COPIES}a/two.jpg"
    assert ground.copies()["a/two.jpg"][0] == b"mine"

    ground.delete("a/two.jpg")
    make("delete").run()
    assert ground.copies()["a/two.jpg"][0] == b"mine"


def test_copies_that_are_asked_for_later(ground: MediaGround, make: Maker) -> None:
    media_work.media_set(ground.endpoint, ground.bucket, ground.source, "parquet").run()
    found = make().run()

    assert found.counts.copied == 5
    assert ground.copies() == ground.expected_copies()
    assert make().run().nothing_new


def test_an_upload_that_a_run_left_is_aborted_and_no_other(ground: MediaGround, make: Maker) -> None:
    for key in (f"{COPIES}a/one.png", f"{COPIES}_s3_assets/theirs", "elsewhere"):
        ground.client.create_multipart_upload(Bucket=ground.bucket, Key=key)
    make().run()

    assert sorted(ground.uploads()) == [f"{COPIES}_s3_assets/theirs", "elsewhere"]


def test_a_large_object_goes_in_parts(ground: MediaGround, proxy: RequestProxy) -> None:
    body = bytes(range(256)) * 40_000
    ground.put({"large.bin": {"Body": body}})
    proxy.reset()
    media_work.media_set(
        ground.endpoint, ground.bucket, ground.source, "parquet", copies_endpoint=proxy.endpoint
    ).run()

    parts = [each for each in proxy.requests() if each.method == "PUT" and "partNumber" in each.path]
    assert len(parts) > 1
    assert ground.copies()["large.bin"][0] == body
