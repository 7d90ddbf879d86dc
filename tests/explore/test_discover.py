"""What a discovery finds in a bucket of all layouts and traps, how it names it, and what it costs."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from pydantic import TypeAdapter

from s3_assets.embedded.server import EmbeddedServer
from s3_assets.explore.discover import Discovery, Found, discover
from s3_assets.tables.any_settings import AnyTableSettings
from tests.explore import bucket_of_all
from tests.tables.formats import Place


def fill(place: Place, objects: dict[str, bytes]) -> None:
    def put(key: str) -> None:
        place.client.put_object(Bucket=place.bucket, Key=key, Body=objects[key])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, objects))


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
    for each in found.found:
        places.setdefault(each.url.removeprefix(f"s3://{full.bucket}/"), []).append(kind(each))

    assert {folder: " ".join(sorted(kinds)) for folder, kinds in places.items()} == bucket_of_all.WANTED


def test_each_file_is_read_by_one_entry(found: Discovery) -> None:
    readers = {
        key: [each.name for each in found.found if reads(each, key)]
        for key, body in bucket_of_all.objects().items()
        if body
    }

    assert [key for key, names in readers.items() if len(names) > 1] == []
    unread = {key.partition("/")[0] for key, names in readers.items() if not names}
    # What is no data, and the one table that the manifest excludes.
    assert unread == {"raw", "landing", "docs", "code", "_s3_assets", ".trash", "openmetadata.json", "told"}
    assert [
        key for key, names in readers.items() if not names and key.startswith(("raw", "landing", "told"))
    ] == [
        "raw/clicks/date=2026-01-01/.part-0.parquet.crc",
        "raw/clicks/date=2026-01-02/_SUCCESS",
        "raw/clicks/_temporary/0/part-9.parquet",
        "landing/orders/readme.md",
        "told/deep/old/lines.jsonl",
    ]


def test_numbered_folders_are_one_table_if_their_columns_agree(place: Place) -> None:
    alike = {f"alike/batch_{number}/a.csv": bucket_of_all.PEOPLE for number in range(8)}
    bodies = (bucket_of_all.PEOPLE, bucket_of_all.PRICES)
    fill(place, alike | {f"tables/t{number}/a.csv": bodies[number % 2] for number in range(8)})

    found = discover(place.connection())

    tables = [f"tables/t{number}" for number in range(8)]
    assert [(each.name, each.guess.path) for each in found.found] == [
        ("alike", "alike/"),
        *((each, f"{each}/") for each in tables),
    ]


def reads(each: Found, key: str) -> bool:
    """Tell, by the settings alone, whether the entry reads a file."""
    settings = each.guess.settings
    folder = str(settings.get("warehouse_path") or settings["path"])
    path = key.removeprefix(folder)
    if not key.startswith(folder):
        return False
    if each.kind == "media":
        return path.endswith(tuple(settings["extensions"]))
    if settings["format"] in {"delta", "iceberg"}:
        return True
    hidden = any(segment.startswith((".", "_")) for segment in path.split("/"))
    endings = {"csv": (".csv",), "jsonl": (".jsonl", ".jsonl.gz"), "parquet": (".parquet",)}
    return (
        not hidden
        and path.endswith(endings[settings["format"]])
        and re.search(str(settings.get("path_regex", "")), path) is not None
    )


def test_names_partitions_and_evidence(found: Discovery) -> None:
    settings: Any = TypeAdapter(AnyTableSettings)
    told = {each.name: each for each in found.found}

    assert len(told) == len(found.found)
    assert {
        "lake/events",
        "db/trips",
        "raw/clicks",
        "landing/mixed_parquet",
        "dumps/people",
        "many/one",
    } <= set(told)
    partitions = {
        name: each.guess.settings.get("partitions", {}).get("column") for name, each in told.items()
    }
    assert {name: column for name, column in partitions.items() if column} == {
        "lake/events": "birthday",
        "raw/clicks": "date",
        "clicks/date_2026_01_07": "birthday",
        "raw/usage": "month",
        "told/sales": "day",
        # Told by folders of dates, which are no column of the files.
        "logs": "date",
        "snapshots/people": "date",
        "snapshots/prices": "date",
    }
    assert "29 folders" in told["raw/clicks"].evidence
    assert "date=2026-01-07/ inside is a table of its own" in told["raw/clicks"].evidence
    assert all(each.evidence for each in found.found)
    for each in found.found:
        if each.kind == "table":
            settings.validate_python({"connection": "lake", **each.guess.settings})
    assert not found.unlooked
    assert any("line 27" in each for each in found.remarks)
    # One request for each folder that holds something, and three for each table's files.
    assert found.requests < 130
