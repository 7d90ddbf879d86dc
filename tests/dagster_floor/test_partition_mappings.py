"""Partition mappings: the partitions that an input is mapped to are read, and no file of another."""

import warnings
from datetime import date
from typing import Any
from urllib.parse import unquote

import dagster as dg
import deltalake
import polars as pl
import pytest

from s3_assets.registry import Registry
from tests.dagster_floor.conftest import Lake, key, user_asset
from tests.support.extent import EVERYTHING
from tests.support.proxy import RequestProxy

DAYS = dg.DailyPartitionsDefinition("2026-01-30", end_date="2026-02-03")
SOME = (
    "two with a gap between them",
    "a month of days",
    "static to static",
    "one dimension of two",
    "both dimensions, and the day before",
    "not all combinations",
)
FEBRUARY = dg.DailyPartitionsDefinition("2026-01-30", end_date="2026-03-01")
REGIONS = dg.StaticPartitionsDefinition(["eu", "us", "asia"])
BOTH = dg.MultiPartitionsDefinition({"day": DAYS, "region": REGIONS})
SPELT = dg.StaticPartitionsDefinition(["Europe", "Elsewhere"])
SALES = [
    (date(2026, month, day), region)
    for month, day in ((1, 30), (1, 31), (2, 1), (2, 2))
    for region in ("eu", "us", "asia")
]


def of(*days: int, regions: str = "eu us asia") -> list[tuple[date, str]]:
    """The sales of some days, by the number of the day, in some regions."""
    return [(day, region) for day, region in SALES if day.day in days and region in regions.split()]


def mapping(
    consumer: Any, how: Any, run: str | None, expected: list[tuple[date, str]], upstream: Any, name: str
) -> Any:
    return pytest.param(upstream, consumer, how, run, expected, id=name)


def mapped() -> list[Any]:
    return [
        mapping(
            DAYS,
            dg.TimeWindowPartitionMapping(start_offset=-1),
            "2026-02-01",
            of(31, 1),
            DAYS,
            "yesterday too",
        ),
        mapping(None, dg.LastPartitionMapping(), None, of(2), DAYS, "the last"),
        mapping(DAYS, dg.AllPartitionMapping(), "2026-02-01", of(30, 31, 1, 2), DAYS, "all"),
        mapping(
            None,
            dg.SpecificPartitionsPartitionMapping(["2026-01-30", "2026-02-02"]),
            None,
            of(30, 2),
            DAYS,
            "two with a gap between them",
        ),
        mapping(
            dg.MonthlyPartitionsDefinition("2026-01-01"),
            None,
            "2026-02-01",
            of(1, 2),
            FEBRUARY,
            "a month of days",
        ),
        mapping(None, None, None, SALES, DAYS, "without partitions"),
        mapping(
            SPELT,
            dg.StaticPartitionMapping({"eu": "Europe", "us": "Elsewhere", "asia": "Elsewhere"}),
            "Elsewhere",
            of(30, 31, 1, 2, regions="us asia"),
            REGIONS,
            "static to static",
        ),
        mapping(REGIONS, None, "us", of(30, 31, 1, 2, regions="us"), REGIONS, "the same key"),
        mapping(
            REGIONS,
            dg.MultiToSingleDimensionPartitionMapping("region"),
            "us",
            of(30, 31, 1, 2, regions="us"),
            BOTH,
            "one dimension of two",
        ),
        mapping(
            BOTH,
            dg.MultiPartitionMapping(
                {
                    "day": dg.DimensionPartitionMapping(
                        "day", dg.TimeWindowPartitionMapping(start_offset=-1)
                    ),
                    "region": dg.DimensionPartitionMapping("region", dg.IdentityPartitionMapping()),
                }
            ),
            "2026-02-01|eu",
            of(31, 1, regions="eu"),
            BOTH,
            "both dimensions, and the day before",
        ),
        mapping(
            None,
            dg.SpecificPartitionsPartitionMapping(["2026-01-30|eu", "2026-02-02|us"]),
            None,
            [(date(2026, 1, 30), "eu"), (date(2026, 2, 2), "us")],
            BOTH,
            "not all combinations",
        ),
        mapping(
            BOTH,
            dg.MultiToSingleDimensionPartitionMapping("day"),
            "2026-01-31|us",
            of(31),
            DAYS,
            "to one dimension",
        ),
    ]


with warnings.catch_warnings():
    # Some mappings are beta in Dagster; here it is the user who has chosen them.
    warnings.simplefilter("ignore", dg.BetaWarning)
    MAPPED = mapped()


@pytest.mark.parametrize(
    ("upstream", "consumer", "how", "run", "expected"),
    [each for each in MAPPED if EVERYTHING or each.id in SOME],
)
def test_what_is_mapped_is_read(
    counted: tuple[Lake, RequestProxy],
    upstream: Any,
    consumer: Any,
    how: Any,
    run: str | None,
    expected: list[tuple[date, str]],
) -> None:
    lake, proxy = counted
    seen: list[tuple[date, str]] = []

    @user_asset("marts/sales", partitions_def=upstream)
    def sales() -> None:
        """Somebody else writes it."""

    @user_asset(
        "marts/reader",
        partitions_def=consumer,
        ins={"found": dg.AssetIn(key("marts/sales"), partition_mapping=how)},
    )
    def reader(found: pl.DataFrame) -> None:
        seen.extend(found.rows())

    declare(lake, [sales, reader])
    deltalake.write_deltalake(
        lake.url("marts/sales"),
        pl.DataFrame(SALES, schema={"date": pl.Date, "region": pl.String}, orient="row").with_columns(n=1),
        partition_by=["date", "region"],
        storage_options=lake.storage_options,
    )
    proxy.reset()

    lake.run("marts/reader", partition=run)

    assert sorted(row[:2] for row in seen) == sorted(expected)
    opened = {unquote(request.path) for request in proxy.requests() if request.path.endswith(".parquet")}
    assert len(opened) == len(expected)
    assert all(any(f"date={day}/region={region}/" in path for day, region in expected) for path in opened)


def declare(lake: Lake, assets: list[dg.AssetsDefinition]) -> None:
    table = {
        "connection": "lake",
        "format": "delta",
        "path": "marts/sales",
        "partitions": {"column": "date", "start": "2026-01-01"},
        "partition_columns": "region",
    }
    connections = lake.registry.model_dump(mode="python", exclude_unset=True)["connections"]
    lake.use(Registry.model_validate({"connections": connections, "tables": {"marts/sales": table}}), assets)
