"""`plan`: what the next run would read; it is then run, and reads exactly that."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake

from s3_assets.embedded.server import EmbeddedServer
from tests.cli.conftest import Command

TABLE = "  lake/photos: { connection: lake, path: inventory/, format: delta }\n"
Land = Callable[..., None]
Keys = Callable[[], list[str]]


@pytest.fixture
def options(s3_server: EmbeddedServer) -> dict[str, str]:
    return {
        "aws_endpoint_url": s3_server.endpoint_url, "aws_allow_http": "true", "aws_region": "us-east-1",
        "aws_access_key_id": "test", "aws_secret_access_key": "test",
    }  # fmt: skip


def told(run: Command, *arguments: object) -> dict[str, Any]:
    answer = run("plan", *arguments, "--output", "json")
    assert (answer.code, answer.err) == (0, "")
    return dict(json.loads(answer.out))


def test_of_new_files(
    run: Command, registry: Path, land: Land, keys: Keys, s3_client: Any, bucket: str
) -> None:
    land("2026-01-05", 1, 2)
    before = keys()

    first = told(run, "orders")

    assert keys() == before
    assert (first["target_missing"], first["cursor"], first["nothing_new"]) == (True, None, False)
    assert (first["files"], first["total_files"], first["read_mode"]) == (1, 1, "added")
    run("import", "orders")
    land("2026-01-06", 3)
    before = keys()
    size = s3_client.head_object(Bucket=bucket, Key="landing/orders/date=2026-01-06/a.parquet")[
        "ContentLength"
    ]
    second = told(run, "lake/orders")  # by the table that it writes
    assert (second["cursor"], second["until"]) == ("1 file", "1 file")
    assert (second["files"], second["total_files"], second["bytes"]) == (1, 2, size)
    assert second["rows"] is None  # a listing tells none
    text = [" ".join(line.split()) for line in run("plan", "orders").out.splitlines()]
    assert text[0] == "plan of orders: landing/orders -> lake/orders"
    assert f"read 1 of 2 files, {size} B of {second['total_bytes'] / 1000:.1f} kB" in text
    assert keys() == before
    run("import", "orders")
    assert told(run, "orders")["nothing_new"]
    assert "nothing: there is nothing new" in run("plan", "orders").out
    # A deleted file is told of, and read again by nobody.
    s3_client.delete_object(Bucket=bucket, Key="landing/orders/date=2026-01-05/a.parquet")
    assert any("gone" in note for note in told(run, "orders")["notes"])


def test_of_new_commits(run: Command, registry: Path, bucket: str, options: dict[str, str]) -> None:
    url = f"s3://{bucket}/landing/feed"
    frame = pl.DataFrame({"id": range(10)})
    write_deltalake(url, frame, storage_options=options)
    assert told(run, "feed")["rows"] == 10
    run("import", "feed")
    for _ in range(2):
        write_deltalake(url, frame, mode="append", storage_options=options)

    found = told(run, "feed")

    assert (found["cursor"], found["until"], found["files"], found["rows"]) == (
        "version 0",
        "version 2",
        2,
        20,
    )
    added = pl.DataFrame(DeltaTable(url, storage_options=options).get_add_actions())
    assert found["bytes"] == added["size_bytes"].sum() * 2 // 3
    assert "20 rows" in run("import", "feed").out
    # What would stop the run stops the plan.
    write_deltalake(url, frame, mode="overwrite", storage_options=options)
    answer, failed = run("plan", "feed"), run("import", "feed")
    assert (answer.code, answer.out) == (1, "")
    assert answer.err == failed.err


def test_of_changed_partitions(run: Command, registry: Path, bucket: str, options: dict[str, str]) -> None:
    text = registry.read_text()
    text = text.replace("landing/feed, format: delta }", "landing/feed, format: delta, partitions: *daily }")
    registry.write_text(text)
    url = f"s3://{bucket}/landing/feed"
    for day in (5, 6, 8):
        frame = pl.DataFrame({"id": [day], "date": [date(2026, 1, day)]})
        write_deltalake(url, frame, mode="append", partition_by=["date"], storage_options=options)
        if day == 5:
            run("import", "feed")

    assert told(run, "feed")["partitions"] == [
        [f"2026-01-0{day}T00:00:00+00:00", f"2026-01-0{day + 1}T00:00:00+00:00"] for day in (6, 8)
    ]
    assert "changed 2026-01-06T00:00:00+00:00 to" in " ".join(run("plan", "feed").out.split())


def test_of_partitions_that_are_replaced(run: Command, registry: Path, land: Land, keys: Keys) -> None:
    for index, day in enumerate(("2026-01-05", "2026-01-06", "2026-01-07")):
        land(day, index)
    before = keys()

    assert told(run, "days")["files"] == 3
    assert told(run, "days", "--partition", "2026-01-06")["files"] == 1
    found = told(run, "days", "--from", "2026-01-06", "--to", "2026-01-07")
    assert (found["files"], found["mode"], found["cursor"]) == (2, "replace", None)
    assert keys() == before
    refused = run("plan", "orders", "--partition", "2026-01-06")
    assert (refused.code, "appends what is new" in refused.err) == (1, True)


def test_of_the_other_modes(
    run: Command, registry: Path, bucket: str, land: Land, options: dict[str, str], keys: Keys
) -> None:
    imports = """
  fresh: { source: landing/orders, target: lake/fresh, mode: replace_on_new_data }
  fed: { source: landing/feed, target: lake/fed, mode: mirror, key: [id] }
  compared: { source: landing/orders, target: lake/compared, mode: mirror, key: [id] }
  batches: { source: landing/orders, target: lake/batches, batch: { files: 1 }, max_batches: 2 }
"""
    tables = "".join(
        f"  lake/{name}: {{ connection: lake, path: lake/{name}, format: delta }}\n"
        for name in ("fresh", "fed", "compared", "batches")
    )
    text = registry.read_text().replace("imports:\n", f"{tables}imports:\n")
    registry.write_text(text.rstrip() + imports)
    url = f"s3://{bucket}/landing/feed"
    feed = {"delta.enableChangeDataFeed": "true"}
    write_deltalake(url, pl.DataFrame({"id": [1, 2, 3]}), configuration=feed, storage_options=options)
    land("2026-01-05", 1, 2)
    land("2026-01-06", 3)
    names = ("fresh", "fed", "compared")
    for name in names:
        assert told(run, name)["files"] == (1 if name == "fed" else 2)
        assert run("import", name).code == 0
        assert told(run, name)["nothing_new"], name
    land("2026-01-07", 4)
    DeltaTable(url, storage_options=options).delete("id = 2")
    before = keys()

    plans = {name: told(run, name) for name in (*names, "batches")}

    assert keys() == before
    assert {name: each["read_mode"] for name, each in plans.items()} == {
        "fresh": "current", "fed": "changes", "compared": "current", "batches": "added",
    }  # fmt: skip
    assert plans["compared"]["notes"] == ["all rows are compared with those of the target"]
    assert plans["batches"]["notes"] == [
        "each commit takes 1 file at most (batch), at most 2 of them in one run (max_batches)"
    ]
    for name in names:
        outcome = " ".join(run("import", name).out.split())
        assert f"read {plans[name]['files']}" in outcome, name
        assert told(run, name)["nothing_new"], name
    for name, message in (("fresh", "a state of the whole source"), ("compared", "is a mirror")):
        refused = run("cursor", "set", name, "--modified", "2026-01-01", "--yes")
        assert (refused.code, message in refused.err) == (1, True), refused.err
    said = " ".join(run("cursor", "reset", "fed", "--yes").err.split())
    assert "no row comes twice" in said
    assert run("import", "fed").code == 0
    rows = pl.read_delta(f"s3://{bucket}/lake/fed", storage_options=options)["id"]
    assert sorted(rows) == [1, 3]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ordrs", "there is no import 'ordrs'; did you mean 'orders'?"),
        ("landing/orders", "no import writes the table 'landing/orders'"),
    ],
)
def test_errors(name: str, message: str, run: Command, registry: Path) -> None:
    answer = run("plan", name)

    assert (answer.code, answer.out) == (1, "")
    assert message in answer.err


@pytest.mark.parametrize("name", ["photos", "lake/photos"], ids=["set", "table"])
def test_a_media_set_has_no_plan(name: str, run: Command, registry: Path) -> None:
    photos = "{ connection: lake, path: photos/, extensions: [jpg], target: lake/photos }"
    text = registry.read_text().replace("tables:\n", "tables:\n" + TABLE, 1)
    registry.write_text(f"{text}media:\n  photos: {photos}\n")

    answer = run("plan", name)

    assert (answer.code, answer.out) == (1, "")
    assert f"'{name}' is of a media set, and plans are of imports and exports" in answer.err
    assert "Run it with `s3-assets media`" in answer.err
