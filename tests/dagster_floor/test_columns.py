"""Partitions of every length and every kind of column, written and read through Dagster."""

from datetime import date, timedelta
from typing import Any

import dagster as dg
import polars as pl
import pytest

from s3_assets.partitions import partitions_definition
from s3_assets.tables.settings import Partitions
from tests.dagster_floor.conftest import Lake, key, user_asset

# Name, every, time zone, the type of the column, and how the start of a partition is written in it.
CASES: dict[str, tuple[str, str, Any, Any]] = {
    "days as dates": ("day", "UTC", pl.Date, lambda start: start.date()),
    "days as text": ("day", "UTC", pl.String, lambda start: start.strftime("%Y-%m-%d")),
    "days as numbers": ("day", "UTC", pl.Int64, lambda start: int(start.strftime("%Y%m%d"))),
    "days as timestamps without a zone": (
        "day",
        "Europe/Berlin",
        pl.Datetime("us"),
        lambda start: start.replace(tzinfo=None) + timedelta(hours=22),
    ),
    "days as timestamps with a zone": (
        "day",
        "Europe/Berlin",
        pl.Datetime("us", "UTC"),
        lambda start: start + timedelta(hours=22),
    ),
    "hours as timestamps with a zone": (
        "hour",
        "Europe/Berlin",
        pl.Datetime("us", "UTC"),
        lambda start: start + timedelta(minutes=59),
    ),
    "hours as timestamps without a zone": (
        "hour",
        "UTC",
        pl.Datetime("us"),
        lambda start: start.replace(tzinfo=None) + timedelta(minutes=59),
    ),
    "hours as text": ("hour", "UTC", pl.String, lambda start: start.strftime("%Y-%m-%d-%H:%M")),
    "weeks as dates": ("week", "UTC", pl.Date, lambda start: start.date() + timedelta(days=6)),
    "months as dates": ("month", "UTC", pl.Date, lambda start: start.date() + timedelta(days=27)),
}


@pytest.mark.parametrize("format_", ["delta", "parquet"])
@pytest.mark.parametrize("case", CASES)
def test_one_partition_is_replaced_and_read_and_no_other(lake: Lake, case: str, format_: str) -> None:
    every, zone, dtype, write = CASES[case]
    # On the last Sunday of March the clocks of Berlin go forward.
    start = "2026-03-29" if zone != "UTC" else "2026-03-01"
    partitions = {"column": "at", "every": every, "start": start, "timezone": zone}
    definition = partitions_definition(Partitions.model_validate(partitions))
    keys = definition.get_partition_keys()[:4]
    round_ = [1]

    @user_asset("marts/source", partitions_def=definition, backfill_policy=dg.BackfillPolicy.single_run())
    def source(context: dg.AssetExecutionContext) -> pl.DataFrame:
        values = [
            write(definition.time_window_for_partition_key(each).start) for each in context.partition_keys
        ]
        return pl.DataFrame({"at": values, "round": round_ * len(values)}, schema_overrides={"at": dtype})

    @user_asset(
        "marts/copy",
        partitions_def=definition,
        backfill_policy=dg.BackfillPolicy.single_run(),
        ins={"rows": dg.AssetIn(key("marts/source"))},
    )
    def copy(rows: pl.LazyFrame) -> pl.LazyFrame:
        return rows

    tables = {name: {"partitions": partitions, "format": format_} for name in ("marts/source", "marts/copy")}
    lake.extend(tables, [source, copy])
    lake.run("marts/source", span=(keys[0], keys[3]))
    round_[0] = 2
    lake.run("marts/source", partition=keys[1])
    result = lake.run("marts/copy", span=(keys[1], keys[2]))

    rows = lake.registry.table("marts/source").scan().sort("at").collect()
    assert rows["round"].to_list() == [1, 2, 1, 1]
    copied = lake.registry.table("marts/copy").scan().sort("at").collect()
    assert copied["round"].to_list() == [2, 1]
    assert copied["at"].to_list() == rows["at"].to_list()[1:3]
    found = lake.materializations(result, "marts/copy")
    assert list(found) == keys[1:3]


def test_the_day_on_which_the_clock_goes_forward(lake: Lake) -> None:
    days = dg.DailyPartitionsDefinition("2026-03-28", timezone="Europe/Berlin")

    @user_asset("marts/hours", partitions_def=days)
    def hours(context: dg.AssetExecutionContext) -> pl.DataFrame:
        window = context.partition_time_window
        every = pl.datetime_range(window.start, window.end, "1h", closed="left", eager=True)
        return pl.DataFrame({"at": every.dt.convert_time_zone("UTC")})

    table = {"partitions": {"column": "at", "start": "2026-03-28", "timezone": "Europe/Berlin"}}
    lake.extend({"marts/hours": table}, [hours])
    for day in ("2026-03-28", "2026-03-29", "2026-03-30", "2026-03-29"):
        lake.run("marts/hours", partition=day)

    counted = (
        lake.rows("marts/hours")
        .group_by(pl.col("at").dt.convert_time_zone("Europe/Berlin").dt.date().alias("day"))
        .len()
        .sort("day")
    )
    assert counted.rows() == [(date(2026, 3, 28), 24), (date(2026, 3, 29), 23), (date(2026, 3, 30), 24)]
