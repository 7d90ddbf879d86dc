"""Assets of a user's own, one on each import of the registry in `backfill_ground`."""

import os

import dagster as dg
import polars as pl

from benchmarks.backfill_ground import COUNT, FIRST, LAST

HOURLY = dg.HourlyPartitionsDefinition(f"{FIRST:%Y-%m-%d-%H:%M}", end_date=os.environ[LAST])


def _mart(number: int) -> dg.AssetsDefinition:
    def mart(events: pl.LazyFrame) -> pl.LazyFrame:
        return events.with_columns(amount=pl.col("amount") * 2)

    return dg.asset(
        key=["marts", f"m{number:02}"],
        partitions_def=HOURLY,
        backfill_policy=dg.BackfillPolicy.single_run(),
        ins={"events": dg.AssetIn(["lake", f"t{number:02}"])},
        pool="lake",
    )(mart)


MARTS = [_mart(number) for number in range(int(os.environ[COUNT]))]
