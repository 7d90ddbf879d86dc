"""Catch-ups in commits of a chosen size: each row once, whoever writes in between and wherever one stops."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import polars as pl
import pytest

from s3_assets.embedded.server import EmbeddedServer
from s3_assets.incremental.append import append_new
from s3_assets.incremental.batches import append_in_batches, batches
from s3_assets.progress import Progress
from s3_assets.tables.positions import Limit
from tests.incremental import work
from tests.incremental.versioned_ground import Tables

STREAM = work.STREAM


@pytest.fixture
def tables(s3_server: EmbeddedServer, s3_client: Any) -> Tables:
    return Tables(s3_server.endpoint_url, s3_client)


def test_a_first_load_and_a_catch_up_in_batches(tables: Tables) -> None:
    tables.write(*range(1, 6))
    tables.write(6)
    shown: list[str] = []
    progress = Progress("orders", shown.append)

    first = append_in_batches(
        tables.target, STREAM, tables.source, limit=Limit(files=2), max_batches=2, progress=progress
    )

    assert (first.rows, first.commits, first.plan.files, first.plan.more) == (4, 2, 4, True)
    assert "2 batches were read (max_batches), and there is more" in first.notes[-1]
    assert shown[0].startswith("orders: 2 rows, 1 file")
    assert shown[0].endswith("1 commits, more to come")
    # Others write into both tables in between.
    tables.write(7, 8, 9)
    tables.write_target(100)

    rest = append_in_batches(tables.target, STREAM, tables.source, limit=Limit(files=2))

    assert tables.rows() == [*range(1, 10), 100]
    assert (rest.rows, rest.commits, rest.plan.more) == (5, 3, False)
    assert rest.since == first.until
    assert rest.written is not None
    assert rest.written.commit.rows == 5
    assert sum(rest.written.commit.partition_rows.values()) == 5
    assert append_in_batches(tables.target, STREAM, tables.source, limit=Limit(files=2)).nothing_new


def test_a_run_that_ends_amid_its_batches_is_gone_on_with(tables: Tables) -> None:
    for number in range(6):
        tables.write(number)
    refuse = {"rows": 2}

    def stops(frame: pl.LazyFrame) -> pl.LazyFrame:
        if refuse["rows"] == 0:
            raise RuntimeError("stopped")
        refuse["rows"] -= 1
        return frame

    with pytest.raises(RuntimeError, match="stopped"):
        append_in_batches(tables.target, STREAM, tables.source, limit=Limit(files=2), transform=stops)
    assert len(tables.rows()) == 4

    for each in batches(tables.target, STREAM, tables.source, limit=Limit(files=1)):
        assert each.commits == 1
    assert tables.rows() == list(range(6))


def test_two_runs_at_once(tables: Tables) -> None:
    tables.write(*range(6))

    def run() -> int:
        return append_in_batches(tables.target, STREAM, tables.source, limit=Limit(files=2)).rows

    with ThreadPoolExecutor(2) as pool:
        running = [pool.submit(run) for _ in range(2)]
        counts = [each.result() for each in running]

    assert tables.rows() == list(range(6))
    assert sum(counts) == 6


def test_versions_without_rows_are_not_looked_at_for_ever(tables: Tables) -> None:
    tables.write(1)
    append_new(tables.target, STREAM, tables.source)
    for number in range(10):
        tables.source_handle().alter.set_table_properties(
            {"delta.logRetentionDuration": f"interval {number + 9} days"}
        )

    moved = append_new(tables.target, STREAM, tables.source)

    assert moved.nothing_new
    assert moved.until is not None
    assert moved.until.describe() == {"version": 10, "table_id": tables.source_handle().metadata().id}
    # Another run begins there, even if the log before it is gone.
    tables.source_handle().create_checkpoint()
    tables.forget_log(10)
    tables.write(2)
    assert append_new(tables.target, STREAM, tables.source).rows == 1
    assert tables.rows() == [1, 2]
