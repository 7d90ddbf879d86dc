"""`cursor show | set | reset`: what moves, what a run reads then, and that nothing moves without a yes."""

import io
import json
import os
import pty
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake

from s3_assets.embedded.server import EmbeddedServer
from s3_assets.incremental.cursor_edit import open_stream
from s3_assets.incremental.publishing import StreamMovedError
from s3_assets.object_listings import empty_listing
from s3_assets.registry.loading import load_registry
from s3_assets.tables.positions import FilesPosition
from tests.cli.conftest import Command

Land = Callable[..., None]
STREAM = "lake/orders/landing/orders"


@pytest.fixture
def options(s3_server: EmbeddedServer) -> dict[str, str]:
    return {
        "aws_endpoint_url": s3_server.endpoint_url, "aws_allow_http": "true", "aws_region": "us-east-1",
        "aws_access_key_id": "test", "aws_secret_access_key": "test",
    }  # fmt: skip


@pytest.fixture
def ids(bucket: str, options: dict[str, str]) -> Callable[[str], list[int]]:
    """The rows of a target as Polars and delta-rs alone read them."""

    def read(path: str) -> list[int]:
        return sorted(pl.read_delta(f"s3://{bucket}/{path}", storage_options=options)["id"])

    return read


def show(run: Command, name: str = "orders") -> dict[str, Any]:
    answer = run("cursor", "show", name, "--output", "json")
    assert (answer.code, answer.err) == (0, "")
    (found,) = json.loads(answer.out)
    return dict(found)


def test_show(run: Command, registry: Path, bucket: str, land: Land, options: dict[str, str]) -> None:
    assert show(run)["number"] is None
    assert "the next run reads from the beginning" in run("cursor", "show", "orders").out
    land("2026-01-05", 1)
    run("import", "orders")
    first = show(run)
    land("2026-01-06", 2)
    run("import", "orders")

    second = show(run, "lake/orders")  # by the table

    handle = DeltaTable(f"s3://{bucket}/lake/orders", storage_options=options)
    assert second["number"] == handle.transaction_version(STREAM)
    committed = datetime.fromtimestamp(handle.history(1)[0]["timestamp"] / 1000, UTC)
    assert datetime.fromisoformat(second["committed_at"]) == committed
    assert (second["previous"], second["earlier"]) == (first["number"], [first["number"]])
    assert (second["ledger_files"], second["told"], second["version"]) == (2, "2 files", "2")
    text = " ".join(run("cursor", "show", "orders").out.split())
    assert "landing/orders -> lake/orders" in text
    assert "position 2 files" in text


def test_reset_and_back(run: Command, registry: Path, land: Land, ids: Callable[[str], list[int]]) -> None:
    land("2026-01-05", 1)
    land("2026-01-06", 2)
    run("import", "orders")
    number = show(run)["number"]

    answer = run("cursor", "reset", "orders", "--yes")

    assert answer.code == 0
    said = " ".join(answer.err.split())
    assert "now the next run reads nothing: there is nothing new" in said
    assert "then the next run reads 2 of 2 files" in said
    assert "rows that the target has of them are appended a second time" in said
    found = show(run)
    assert (found["position"], found["at_beginning"], found["previous"]) == (None, True, number)
    assert "stands there already" in run("cursor", "reset", "orders", "--yes").err
    assert ids("lake/orders") == [1, 2]

    assert run("cursor", "set", "orders", "--number", number, "--yes").code == 0
    assert "nothing new" in run("import", "orders").out
    assert run("cursor", "reset", "orders", "--yes").code == 0
    assert "2 rows" in run("import", "orders").out
    assert ids("lake/orders") == [1, 1, 2, 2]
    # What a run has gone on from is kept, and nothing before it.
    gone = run("cursor", "set", "orders", "--number", number, "--yes")
    assert (gone.code, "has no earlier cursor" in gone.err) == (1, True)


def test_set_in_a_table_with_versions(
    run: Command, registry: Path, bucket: str, options: dict[str, str], ids: Callable[[str], list[int]]
) -> None:
    url = f"s3://{bucket}/landing/feed"
    for number in range(4):
        write_deltalake(url, pl.DataFrame({"id": [number]}), mode="append", storage_options=options)
    run("import", "feed")

    answer = run("cursor", "set", "feed", "--version", 1, "--yes", "--output", "json")

    assert (answer.code, json.loads(answer.out)["told"]) == (0, "version 1")
    assert "2 files are read again" in " ".join(answer.err.split())
    assert "version 1 -> version 3" in run("import", "feed").out
    assert ids("lake/feed") == [0, 1, 2, 2, 3, 3]
    assert "stands there already" in run("cursor", "set", "feed", "--version", 3, "--yes").err
    for wrong, message in (
        (["--version", 9], "version"),
        (["--last-path", "a"], "in a delta source a cursor stands at a version"),
        ([], "one position has to be named"),
        (["--version", 1, "--number", 2], "one position has to be named"),
    ):
        refused = run("cursor", "set", "feed", *wrong, "--yes")
        assert (refused.code, message in refused.err) == (1, True), refused.err


@pytest.mark.parametrize("way", ["exact", "path_order", "modified_time"])
def test_set_in_a_folder(
    way: str,
    run: Command,
    registry: Path,
    land: Land,
    s3_client: Any,
    bucket: str,
    ids: Callable[[str], list[int]],
) -> None:
    registry.write_text(
        registry.read_text().replace(
            "    format: parquet\n", f"    format: parquet\n    incremental: {way}\n", 1
        )
    )
    for number in range(3):
        land(f"2026-01-0{5 + number}", number)
    run("import", "orders")
    if way == "modified_time":
        position = ["--modified", "2020-01-01"]
    else:
        position = ["--last-path", "date=2026-01-05/a.parquet"]

    assert run("cursor", "set", "orders", *position, "--yes").code == 0
    assert run("import", "orders").code == 0

    again = [0, 1, 2] if way == "modified_time" else [1, 2]
    assert ids("lake/orders") == sorted([0, 1, 2, *again])
    other = ["--last-path", "a"] if way == "modified_time" else ["--modified", "2020-01-01"]
    refused = run("cursor", "set", "orders", *other)
    assert refused.code == (2 if way == "exact" else 1)


def test_nothing_moves_without_a_yes(
    run: Command,
    registry: Path,
    land: Land,
    keys: Callable[[], list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    land("2026-01-05", 1)
    run("import", "orders")
    before = keys()

    refused = run("cursor", "reset", "orders")  # standard input is no terminal

    assert (refused.code, refused.out) == (2, "")
    assert "nothing was changed: there is nobody to ask; give --yes" in refused.err
    for typed, code in (("no\n", 1), ("yes\n", 0)):
        assert keys() == before
        person, terminal = pty.openpty()
        with os.fdopen(terminal) as standard_input:
            monkeypatch.setattr("sys.stdin", standard_input)
            os.write(person, typed.encode())
            assert run("cursor", "reset", "orders").code == code
        os.close(person)
    assert show(run)["at_beginning"]


def test_a_run_and_a_move_at_once(
    run: Command, registry: Path, land: Land, ids: Callable[[str], list[int]]
) -> None:
    """Whoever commits second finds the stream moved: nothing is read twice, nothing is skipped."""
    land("2026-01-05", 1)
    run("import", "orders")
    job = load_registry(registry).import_("orders")
    opened = open_stream(job.target, job.stream)
    land("2026-01-06", 2)
    run("import", "orders")

    with pytest.raises(StreamMovedError, match="another run has committed the stream"):
        opened.move(None)

    assert show(run)["told"] == "2 files"
    assert "nothing new" in run("import", "orders").out
    assert ids("lake/orders") == [1, 2]


def test_a_cursor_that_cannot_be_read(
    run: Command, registry: Path, land: Land, s3_client: Any, bucket: str, ids: Callable[[str], list[int]]
) -> None:
    land("2026-01-05", 1)
    run("import", "orders")
    key = f"lake/orders/_s3_assets/{STREAM.replace('/', '%2F')}/{show(run)['number']}.json"
    s3_client.put_object(Bucket=bucket, Key=key, Body=io.BytesIO(b'{"schema_version": 2, "previous": null}'))

    failed = run("import", "orders")
    assert failed.code == 1
    assert "s3-assets cursor reset" in failed.err
    assert "cannot be read" in show(run)["told"]
    assert run("cursor", "reset", "orders", "--yes").code == 0
    assert run("import", "orders").code == 0
    assert ids("lake/orders") == [1, 1]


def test_of_several_sources_and_unknown_names(run: Command, registry: Path, land: Land) -> None:
    land("2026-01-05", 1)
    run("import", "orders")
    found = load_registry(registry)
    target = found.table("lake/orders")
    open_stream(target, "lake/orders/landing/feed").move(None)
    # That of one partition of an asset.
    day = "landing/orders@20260105T000000Z-20260106T000000Z"
    open_stream(target, f"lake/orders/{day}").move(FilesPosition(empty_listing()))

    shown = json.loads(run("cursor", "show", "lake/orders", "-o", "json").out)
    assert sorted(each["source"] for each in shown) == ["landing/feed", "landing/orders", day]
    moved = run("cursor", "reset", "lake/orders", "--source", day, "--yes")
    assert (moved.code, "then the next run reads 1 of 1 files" in " ".join(moved.err.split())) == (0, True)
    assert "nothing new" in run("import", "orders").out
    for arguments, message in (
        (["reset", "lake/orders"], "has 3 streams, from landing/orders, landing/feed, landing/orders@"),
        (["reset", "lake/orders", "--source", "x"], "has no stream from 'x'"),
        (["show", "ordrs"], "there is no import, no table and no export 'ordrs'; did you mean 'orders'?"),
        (["reset", "feed"], "and a cursor is kept in the table itself: there is no Delta table"),
        (["reset", "feed"], "Run `s3-assets import feed` once: it reads from the beginning as it is."),
        (
            ["set", "feed", "--last-path", "x"],
            "the columns of its rows and none of them; set the cursor",
        ),
        (["reset", "landing/orders"], "nothing is read into 'landing/orders' with a cursor"),
    ):
        answer = run("cursor", *arguments)
        assert (answer.code, message in answer.err) == (1, True), answer.err
