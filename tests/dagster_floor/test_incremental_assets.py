"""Incremental inputs of partitioned assets, and change rows: what a run reads, and that it comes once.

Expected rows are computed from the written ones by Polars alone.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import dagster as dg
import deltalake
import polars as pl
import pytest

from s3_assets.registry import Registry
from tests.dagster_floor.conftest import Lake, key, user_asset
from tests.dagster_floor.pipeline import DAILY, START
from tests.support.extent import EVERYTHING

ONE, TWO, THREE = "2026-01-01", "2026-01-02", "2026-01-03"
ADDED = {"read_mode": "added"}
CHANGES = {"read_mode": "changes"}
FORMATS = ("delta", "iceberg", "parquet")


class Shop:
    """Sources in three formats that other libraries write, and a registry around them."""

    def __init__(self, lake: Lake) -> None:
        self.lake = lake
        self.written: dict[str, list[pl.DataFrame]] = {}

    def declare(self, assets: Sequence[dg.AssetsDefinition], **more: Any) -> None:
        daily = {"connection": "lake", "partitions": {"column": "date", "start": START}}
        tables = {
            "sources/delta": {**daily, "format": "delta", "path": "delta", "change_feed": True},
            "sources/iceberg": {**daily, "format": "iceberg", "warehouse_path": "iceberg"},
            "sources/parquet": {**daily, "format": "parquet", "path": "parquet"},
            "marts/delta": {**daily, "format": "delta", "path": "marts/delta"},
            "marts/iceberg": {**daily, "format": "iceberg", "warehouse_path": "marts/iceberg"},
            "marts/parquet": {**daily, "format": "parquet", "path": "marts/parquet"},
            **more,
        }
        declared = self.lake.registry.model_dump(mode="python", exclude_unset=True)
        registry = Registry.model_validate({"connections": declared["connections"], "tables": tables})
        self.lake.use(registry, assets)

    def add(self, format_: str, days: Sequence[str], first: int) -> None:
        """Append a row per day."""
        frame = pl.DataFrame(
            {"id": range(first, first + len(days)), "date": [date.fromisoformat(day) for day in days]},
            schema={"id": pl.Int64, "date": pl.Date},
        )
        self.written.setdefault(format_, []).append(frame)
        if format_ == "delta":
            deltalake.write_deltalake(
                self.lake.url("delta"),
                frame,
                mode="append",
                partition_by=["date"],
                configuration={"delta.enableChangeDataFeed": "true"},
                storage_options=self.lake.storage_options,
            )
        elif format_ == "iceberg":
            table = self.lake.registry.table("sources/iceberg")
            table.create(frame.schema)
            table.open().append(frame.to_arrow())  # type: ignore[attr-defined]
        else:
            for day, part in frame.group_by("date"):
                part.drop("date").write_parquet(
                    self.lake.url(f"parquet/date={day[0]}/{first}.parquet"),
                    storage_options=self.lake.storage_options,
                )

    def all(self, format_: str, *days: str) -> list[tuple[int, date]]:
        frame = pl.concat(self.written[format_])
        return sorted(frame.filter(pl.col("date").cast(pl.String).is_in(days)).rows())

    def found(self, format_: str) -> list[tuple[int, date]]:
        """The rows of the mart, as Polars reads a table of its format."""
        url, options = self.lake.url(f"marts/{format_}"), self.lake.storage_options
        if format_ == "delta":
            frame = pl.scan_delta(url, storage_options=options)
        elif format_ == "iceberg":
            frame = self.lake.registry.table("marts/iceberg").open().scan().to_polars().lazy()  # type: ignore[attr-defined]
        else:
            frame = pl.scan_parquet(
                f"{url}/date=*/*.parquet",
                hive_partitioning=True,
                try_parse_hive_dates=True,
                storage_options=options,
            )
        return sorted(frame.select("id", "date").collect().rows())


@pytest.fixture
def shop(lake: Lake) -> Shop:
    found = Shop(lake)
    found.declare([])
    return found


def mart(target: str, source: str, metadata: dict[str, Any] = ADDED, **options: Any) -> dg.AssetsDefinition:
    """Rows as they come, by day."""
    policy = dg.BackfillPolicy.single_run()

    @user_asset(
        f"marts/{target}",
        **{"partitions_def": DAILY, "backfill_policy": policy, **options},
        ins={"rows": dg.AssetIn(key(f"sources/{source}"), metadata=metadata)},
    )
    def found(rows: pl.LazyFrame) -> pl.LazyFrame:
        return rows

    return found


def written(result: dg.ExecuteInProcessResult, target: str) -> list[Any]:
    return [
        event.step_materialization_data.materialization.metadata["s3_assets/rows_written"].value
        for event in result.get_asset_materialization_events()
        if event.asset_key == key(f"marts/{target}")
    ]


@pytest.mark.parametrize(
    ("source", "target"), [("delta", "iceberg"), ("iceberg", "parquet"), ("parquet", "delta")]
)
def test_a_partition_reads_what_was_added_to_it(shop: Shop, source: str, target: str) -> None:
    shop.declare([mart(target, source)])
    shop.add(source, [ONE, ONE, TWO], 0)
    first = shop.lake.run(f"marts/{target}", partition=ONE)
    assert written(first, target) == [2]
    assert shop.found(target) == shop.all(source, ONE)
    shop.add(source, [ONE, THREE], 10)
    late = shop.lake.run(f"marts/{target}", partition=ONE)
    assert written(late, target) == [1]
    told = shop.lake.metadata(late, f"marts/{target}")
    assert told["s3_assets/partition_rows_written"] == 1
    assert "dagster/partition_row_count" not in told
    # The other days have cursors of their own, and read all that they have missed; then there is nothing new.
    for day in (TWO, THREE, TWO, ONE):
        shop.lake.run(f"marts/{target}", partition=day)
    assert shop.found(target) == shop.all(source, ONE, TWO, THREE)


@pytest.mark.parametrize("source", ["delta", "parquet"])
def test_a_range_reads_each_partition_from_its_own_cursor(shop: Shop, source: str) -> None:
    shop.declare([mart("delta", source)])
    shop.add(source, [ONE, TWO, THREE], 0)
    shop.lake.run("marts/delta", partition=TWO)
    shop.add(source, [ONE, TWO, THREE], 10)
    before = shop.lake.delta("marts/delta").version()
    for _ in range(2):
        shop.lake.run("marts/delta", span=(ONE, THREE))
    # One commit for the range, and none for a second run that finds nothing new.
    assert shop.lake.delta("marts/delta").version() == before + 1
    assert shop.found("delta") == shop.all(source, ONE, TWO, THREE)
    shop.add(source, [TWO], 20)
    shop.lake.run("marts/delta", partition=TWO)
    assert shop.found("delta") == shop.all(source, ONE, TWO, THREE)


def test_rows_outside_of_the_partition_are_refused(shop: Shop) -> None:
    @user_asset(
        "marts/delta",
        partitions_def=DAILY,
        ins={"rows": dg.AssetIn(key("sources/delta"), metadata=ADDED)},
    )
    def shifted(rows: pl.LazyFrame) -> pl.LazyFrame:
        return rows.with_columns(pl.col("date").dt.offset_by("1d"))

    shop.declare([shifted])
    shop.add("delta", [ONE], 0)
    error = shop.lake.failure("marts/delta", partition=ONE)

    assert error.cls_name == "RowsOutsideWindowError"
    assert shop.lake.rows("marts/delta").height == 0
    # Nothing was read: the cursor has not moved.
    shop.declare([mart("delta", "delta")])
    shop.lake.run("marts/delta", partition=ONE)
    assert shop.found("delta") == shop.all("delta", ONE)


def test_all_partitions_of_an_input_that_the_asset_chooses_from(shop: Shop) -> None:
    """A row that came late is looked for among all that were added, and kept where it belongs."""

    @user_asset(
        "marts/delta",
        partitions_def=DAILY,
        ins={"rows": dg.AssetIn(key("sources/delta"), metadata={**ADDED, "partitions": "all"})},
    )
    def chosen(context: dg.AssetExecutionContext, rows: pl.DataFrame) -> pl.DataFrame:
        seen.append(rows.height)
        return rows.filter(pl.col("date") == date.fromisoformat(context.partition_key))

    seen: list[int] = []
    shop.declare([chosen])
    shop.add("delta", [ONE, TWO], 0)
    for day in (ONE, TWO):
        shop.lake.run("marts/delta", partition=day)
    shop.add("delta", [ONE], 10)
    shop.lake.run("marts/delta", partition=ONE)

    assert seen == [2, 2, 1]
    assert shop.found("delta") == shop.all("delta", ONE, TWO)


def test_changes_of_a_partition_with_what_they_are(shop: Shop) -> None:
    """The rows of a change feed: inserted, updated before and after, deleted; with version and time."""

    @user_asset(
        "marts/delta",
        partitions_def=DAILY,
        ins={"rows": dg.AssetIn(key("sources/delta"), metadata=CHANGES)},
    )
    def journal(rows: pl.LazyFrame) -> pl.LazyFrame:
        return rows.rename(
            {"_change_type": "change", "_commit_version": "version", "_commit_timestamp": "time"}
        )

    shop.declare([journal])
    shop.add("delta", [ONE, ONE, TWO], 0)
    shop.lake.run("marts/delta", partition=ONE)
    source = shop.lake.delta("delta")
    source.update({"id": "100"}, predicate="id = 0")
    source.delete("id = 1 or id = 2")
    shop.lake.run("marts/delta", partition=ONE)
    found = shop.lake.rows("marts/delta")

    assert sorted(found.select("version", "change", "id").rows()) == [
        (0, "insert", 0),
        (0, "insert", 1),
        (1, "update_postimage", 100),
        (1, "update_preimage", 0),
        (2, "delete", 1),
    ]
    assert isinstance(found["time"][0], datetime)
    assert set(found["date"]) == {date(2026, 1, 1)}
    shop.lake.run("marts/delta", partition=TWO)
    later = shop.lake.rows("marts/delta").filter(pl.col("date") == date(2026, 1, 2))
    # Its first read begins with the rows as they are: there is none any more.
    assert later.height == 0


def test_changes_appended(shop: Shop) -> None:
    """Without partitions, under the names that the feed gives them."""
    shop.declare([mart("delta", "delta", CHANGES, partitions_def=None, backfill_policy=None)])
    shop.add("delta", [ONE, TWO], 0)
    shop.lake.run("marts/delta")
    shop.lake.delta("delta").delete("id = 1")
    shop.lake.run("marts/delta")
    found = shop.lake.rows("marts/delta").select("_commit_version", "_change_type", "id")

    assert sorted(found.rows()) == [(0, "insert", 0), (0, "insert", 1), (1, "delete", 1)]


def test_two_inputs_of_a_partition_are_committed_together(shop: Shop) -> None:
    """One of them with nothing new, and a failure between the two: each row comes once."""
    broken = [False]

    @user_asset(
        "marts/delta",
        partitions_def=DAILY,
        ins={name: dg.AssetIn(key(f"sources/{name}"), metadata=ADDED) for name in FORMATS},
    )
    def union(delta: pl.DataFrame, iceberg: pl.DataFrame, parquet: pl.DataFrame) -> pl.DataFrame:
        if broken[0]:
            raise OSError("as the test wants it")
        return pl.concat([delta, iceberg, parquet.select("id", "date")])

    shop.declare([union])
    for index, format_ in enumerate(FORMATS):
        shop.add(format_, [ONE, TWO], 10 * index)
    shop.lake.run("marts/delta", partition=ONE)
    shop.add("iceberg", [ONE], 100)
    broken[0] = True
    shop.lake.run("marts/delta", partition=ONE, fails=True)
    broken[0] = False
    shop.add("parquet", [ONE], 200)
    found = shop.lake.metadata(shop.lake.run("marts/delta", partition=ONE), "marts/delta")

    assert found["s3_assets/rows_written"] == 2
    assert "s3_assets/cursor_to/sources/iceberg" in found
    shop.lake.run("marts/delta", partition=TWO)
    expected = sorted(row for format_ in FORMATS for row in shop.all(format_, ONE, TWO))
    assert shop.found("delta") == expected


@pytest.mark.parametrize("target", FORMATS if EVERYTHING else FORMATS[:1])
def test_two_partitions_at_once(shop: Shop, target: str) -> None:
    """One commits while another is at work, on the state of the table that both began with."""
    inner: list[str | None] = [TWO]

    @user_asset(
        f"marts/{target}",
        partitions_def=DAILY,
        ins={"rows": dg.AssetIn(key("sources/delta"), metadata=ADDED)},
    )
    def slow(rows: pl.DataFrame) -> pl.DataFrame:
        day, inner[0] = inner[0], None
        if day is not None:
            shop.lake.run(f"marts/{target}", partition=day)
        return rows

    shop.declare([slow])
    for first in (0, 10):
        shop.add("delta", [ONE, TWO], first)
        inner[0] = TWO
        shop.lake.run(f"marts/{target}", partition=ONE)
        assert shop.found(target) == shop.all("delta", ONE, TWO)
    # The same partition: the later one has read what is there by now, and fails instead of doubling it.
    shop.add("delta", [ONE], 20)
    inner[0] = ONE
    assert shop.lake.failure(f"marts/{target}", partition=ONE).cls_name == "StreamMovedError"
    shop.lake.run(f"marts/{target}", partition=ONE)
    assert shop.found(target) == shop.all("delta", ONE, TWO)


def test_an_asset_that_gets_other_partitions_is_refused(shop: Shop) -> None:
    """Cursors of days and one of weeks would read the same rows."""
    weekly = dg.WeeklyPartitionsDefinition("2026-01-01", day_offset=4)
    shop.declare([mart("delta", "delta")])
    shop.add("delta", [ONE, TWO], 0)
    shop.lake.run("marts/delta", partition=ONE)
    for others in ({"partitions_def": weekly}, {"partitions_def": None, "backfill_policy": None}):
        shop.declare([mart("delta", "delta", **others)])
        partition = ONE if others["partitions_def"] else None
        error = shop.lake.failure("marts/delta", partition=partition)
        assert error.cls_name == "UnsupportedError"
        assert "the same rows would come again" in error.message
    assert shop.found("delta") == shop.all("delta", ONE)


def test_the_stream_of_a_partition_is_its_span(shop: Shop) -> None:
    """Whatever the key looks like: what other programs see in the target's log."""
    shop.declare([mart("delta", "delta")])
    shop.add("delta", [ONE], 0)
    shop.lake.run("marts/delta", partition=ONE)
    stream = "marts/delta/sources/delta@20260101T000000Z-20260102T000000Z"

    assert shop.lake.delta("marts/delta").transaction_version(stream) is not None
