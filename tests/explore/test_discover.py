"""What a discovery finds in a bucket of all layouts and traps, how it names it, and what it costs."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from s3_assets.embedded.server import EmbeddedServer
from s3_assets.explore.discover import Discovery, Found, discover
from tests.explore import bucket_of_all
from tests.tables.formats import Place


def fill(place: Place, objects: dict[str, bytes]) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(
            pool.map(
                lambda key: place.client.put_object(Bucket=place.bucket, Key=key, Body=objects[key]), objects
            )
        )


@pytest.fixture(scope="module")
def full(s3_server: EmbeddedServer, s3_client: Any) -> Place:
    bucket = f"all-{uuid4().hex[:12]}"
    s3_client.create_bucket(Bucket=bucket)
    place = Place(s3_server, s3_client, bucket)
    fill(place, bucket_of_all.objects())
    return place


@pytest.fixture(scope="module")
def found(full: Place) -> Discovery:
    return discover(full.connection())


def kind(each: Found) -> str:
    return "media" if each.kind == "media" else str(each.guess.settings["format"])


def test_everything_is_found_once(found: Discovery, full: Place) -> None:
    places: dict[str, list[str]] = {}

    assert {folder: " ".join(sorted(kinds)) for folder, kinds in places.items()} == bucket_of_all.WANTED
