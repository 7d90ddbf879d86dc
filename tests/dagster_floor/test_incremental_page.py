"""docs/dagster-incremental.md: its registry is loaded, its assets are run."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import dagster as dg
import deltalake
import polars as pl

from s3_assets.registry.loading import parse_registry
from s3_assets.registry.models import WatchSettings
from tests.dagster_floor.conftest import Lake, blocks

PAGE = (Path(__file__).parents[2] / "docs" / "dagster-incremental.md").read_text(encoding="utf-8")
DAYS = [date(2026, 1, 5), date(2026, 1, 6)]


def order(lake: Lake, days: Sequence[date], first: int) -> None:
    frame = pl.DataFrame({"day": days, "order": range(first, first + len(days)), "amount": 10.0})
    deltalake.write_deltalake(
        lake.url("shop/orders"),
        frame,
        mode="append",
        partition_by=["day"],
        configuration={"delta.enableChangeDataFeed": "true"},
        storage_options=lake.storage_options,
    )


def refund(lake: Lake, day: date, number: int) -> None:
    frame = pl.DataFrame(
        {"order": [number], "amount": [4.0]}, schema={"order": pl.Int64, "amount": pl.Float64}
    )
    frame.write_parquet(
        lake.url(f"shop/refunds/day={day}/{number}.parquet"), storage_options=lake.storage_options
    )


def test_the_assets_run_as_the_page_says(lake: Lake) -> None:
    lake.follow(PAGE)
    order(lake, DAYS, 0)
    for day in DAYS:
        refund(lake, day, 0)
    cursor = tick(lake, None, ["marts/ledger 2026-01-05", "marts/ledger 2026-01-06"])
    cursor = tick(lake, cursor, ["marts/totals 2026-01-05", "marts/totals 2026-01-06"])
    # A late order starts its day of the ledger, and the ledger's commit that day of the totals.
    order(lake, DAYS[:1], 10)
    cursor = tick(lake, cursor, ["marts/ledger 2026-01-05"])
    cursor = tick(lake, cursor, ["marts/totals 2026-01-05"])
    tick(lake, cursor, [])
    assert sorted(lake.rows("marts/totals").rows()) == [(DAYS[0], 16.0), (DAYS[1], 6.0)]

    lake.run("marts/journal")
    lake.delta("shop/orders").delete("amount = 10 and day = '2026-01-06'")
    lake.run("marts/journal")
    found = lake.rows("marts/journal").select("version", "what", "order")
    assert sorted(found.rows()) == [(1, "insert", 0), (1, "insert", 1), (1, "insert", 10), (2, "delete", 1)]


def tick(lake: Lake, cursor: str | None, expected: list[str]) -> str | None:
    """Look, run what is asked for, and return the cursor for the next look."""
    (sensor,) = lake.definitions.sensors or ()
    assert isinstance(sensor, dg.SensorDefinition)
    context = dg.build_sensor_context(instance=lake.instance, cursor=cursor, definitions=lake.definitions)
    found = sensor.evaluate_tick(context)
    names = []
    for request in found.run_requests or ():
        (asset,) = request.asset_selection or ()
        name = "/".join(asset.path)
        names.append(f"{name} {request.partition_key}")
        lake.run(name, partition=request.partition_key)
    assert names == expected
    return found.cursor


def test_the_page_names_the_settings_and_their_defaults() -> None:
    (text,) = blocks(PAGE, "yaml")
    watch = parse_registry(text, Path("s3_assets.yaml"), {}).watch
    named = {"every_seconds", "max_runs_per_tick", "on_untold"}

    assert watch.model_dump(include=named) == WatchSettings().model_dump(include=named)
