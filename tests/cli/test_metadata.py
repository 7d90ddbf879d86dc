"""`metadata`: what a table tells of itself, and the registry as OpenMetadata has it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from deltalake import DeltaTable as Handle
from deltalake import Field, Schema, write_deltalake
from deltalake.schema import PrimitiveType

from s3_assets.embedded.server import EmbeddedServer
from tests.cli.conftest import Command


@pytest.fixture
def feed(s3_server: EmbeddedServer, bucket: str) -> str:
    """A Delta table with words on a column, a property, and two commits of rows."""
    options = {
        "aws_endpoint_url": s3_server.endpoint_url,
        "aws_access_key_id": "test",
        "aws_secret_access_key": "test",
        "aws_region": "us-east-1",
        "aws_allow_http": "true",
    }
    url = f"s3://{bucket}/landing/feed"
    whole = Field("id", PrimitiveType("long"), nullable=False, metadata={"comment": "of the payment"})
    Handle.create(
        url,
        Schema([whole]),
        storage_options=options,
        configuration={"delta.enableChangeDataFeed": "true"},
        description="Payments.",
    )
    for ids in ([1, 2], [3]):
        rows = pl.DataFrame({"id": ids}).to_arrow()
        write_deltalake(url, rows, mode="append", storage_options=options)
    return url


def test_of_a_table_with_a_log(run: Command, registry: Path, feed: str) -> None:
    by_name = run("metadata", "show", "landing/feed", "--commits", 2, "--output", "json")
    by_url = run("metadata", "show", f"{feed}/", "--commits", 2, "--output", "json")
    shown = run("metadata", "show", "landing/feed")

    assert by_name.code == by_url.code == 0, by_name.err + by_url.err
    told = json.loads(by_name.out)
    assert (told["format"], told["version"], told["rows"], told["files"]) == ("delta", "2", 3, 2)
    (column,) = told["columns"]
    assert column["description"] == "of the payment"
    assert (column["name"], column["type"], column["nullable"]) == ("id", "int64", False)
    assert told["properties"]["delta.enableChangeDataFeed"] == "true"
    assert told["properties"]["description"] == "Payments."
    assert [(each["version"], each["rows"]) for each in told["commits"]] == [("2", 1), ("1", 2)]
    assert (told["written_by"], told["read_by"]) == ([], ["feed"])
    same = ("version", "rows", "columns", "properties", "commits")
    assert {name: json.loads(by_url.out)[name] for name in same} == {name: told[name] for name in same}
    assert "3 rows in 2 files" in shown.out
    assert "of the payment" in shown.out


def test_of_a_folder_and_of_a_table_that_is_not_there_yet(
    run: Command, registry: Path, land: Callable[..., None]
) -> None:
    land("2026-01-05", 1, 2)
    land("2026-01-07", 3)

    folder = json.loads(run("metadata", "show", "landing/orders", "--output", "json").out)
    target = json.loads(run("metadata", "show", "lake/orders", "--output", "json").out)
    shown = run("metadata", "show", "lake/orders")

    assert (folder["files"], folder["rows"], folder["commits"]) == (2, None, [])
    assert folder["description"] == "As they come."
    assert folder["partitions"] == {
        "column": "date",
        "every": "day",
        "timezone": "UTC",
        "start": "2026-01-05T00:00:00+00:00",
        "end": "2026-01-08T00:00:00+00:00",
        "number": 2,
        "untold": [],
    }
    assert [each["name"] for each in folder["columns"]] == ["id", "name", "date"]
    assert (target["exists"], target["written_by"]) == (False, ["orders"])
    assert "there is nothing yet" in shown.out


def test_the_manifest_goes_where_it_is_wanted(
    run: Command, registry: Path, s3_client: Any, bucket: str, tmp_path: Path
) -> None:
    printed = run("metadata", "openmetadata")
    saved = run("metadata", "openmetadata", tmp_path / "manifest.json", "--output", "json")
    put = run("metadata", "openmetadata", f"s3://{bucket}/")
    again = run("metadata", "openmetadata", f"s3://{bucket}/openmetadata.json", "--output", "json")

    assert [each.code for each in (printed, saved, put, again)] == [0, 0, 0, 0], put.err + again.err
    there = s3_client.get_object(Bucket=bucket, Key="openmetadata.json")["Body"].read().decode()
    assert printed.out == there == (tmp_path / "manifest.json").read_text()
    paths = [each["dataPath"] for each in json.loads(there)["entries"]]
    assert paths == ["lake/days", "lake/feed", "lake/orders", "landing/feed", "landing/orders"]
    assert f"s3://{bucket}/openmetadata.json: 5 entries written" in put.out
    assert (json.loads(saved.out)["written"], json.loads(again.out)["written"]) == (True, False)
    # What is lost on the way is said.
    assert "'lake/feed' is delta" in printed.err
    assert any("'lake/feed' is delta" in each for each in json.loads(saved.out)["lost"])


def test_another_manifest_is_left_as_it_is(
    run: Command, registry: Path, s3_client: Any, bucket: str, tmp_path: Path
) -> None:
    mine = b'{"entries": []}'
    s3_client.put_object(Bucket=bucket, Key="openmetadata.json", Body=mine)
    (tmp_path / "mine.json").write_bytes(mine)
    places = (f"s3://{bucket}/", str(tmp_path / "mine.json"))

    def there() -> list[bytes]:
        found: bytes = s3_client.get_object(Bucket=bucket, Key="openmetadata.json")["Body"].read()
        return [found, (tmp_path / "mine.json").read_bytes()]

    refused = [run("metadata", "openmetadata", each) for each in places]

    assert [each.code for each in refused] == [1, 1]
    assert all("another manifest is there already" in each.err for each in refused)
    assert there() == [mine, mine]
    assert [run("metadata", "openmetadata", each, "--replace").code for each in places] == [0, 0]
    assert mine not in there()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["s3://{bucket}/below/"], "in a bucket's root"),
        (["s3://another/"], "no connection of the registry reaches s3://another/"),
        (["--connection", "lak"], "there is no connection 'lak'"),
        (["nowhere/manifest.json"], "cannot be"),
    ],
)
def test_what_cannot_be_written(
    run: Command, registry: Path, bucket: str, arguments: list[str], told: str
) -> None:
    answer = run("metadata", "openmetadata", *(each.format(bucket=bucket) for each in arguments))

    assert answer.code == 1
    assert told in answer.err
    assert "Traceback" not in answer.err
