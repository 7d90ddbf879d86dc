"""A registry with one of each kind, and the user's assets beside it."""

import warnings
from pathlib import Path

import dagster as dg
import polars as pl
import pyarrow as pa

from s3_assets.registry import Registry

START = "2026-01-01"
DAILY = dg.DailyPartitionsDefinition(START)


def registry(endpoint: str, bucket: str, **more: object) -> Registry:
    """Sources landing/*, targets lake/*, tables of user assets marts/*."""
    daily = {"column": "date", "start": START}
    delta = {"connection": "lake", "format": "delta"}
    return Registry.model_validate(
        {
            "connections": {
                "lake": {
                    "url": f"s3://{bucket}/base/",
                    "endpoint": endpoint,
                    "region": "us-east-1",
                    "auth": {
                        "type": "access_key",
                        "access_key_id": "test",
                        "secret_access_key": "not-for-your-eyes",
                    },
                }
            },
            "tables": {
                "landing/orders": {
                    "connection": "lake",
                    "format": "parquet",
                    "path": "landing/orders",
                    "partitions": daily,
                },
                "landing/payments": {**delta, "path": "landing/payments"},
                "lake/orders": {**delta, "path": "lake/orders", "partitions": daily, "change_feed": True},
                "lake/payments": {**delta, "path": "lake/payments", "partitions": daily},
                "lake/orders_by_day": {**delta, "path": "lake/orders_by_day", "partitions": daily},
                "marts/totals": {**delta, "path": "marts/totals", "partitions": daily},
                "marts/files": {
                    "connection": "lake",
                    "format": "parquet",
                    "path": "marts/files",
                    "partitions": daily,
                },
                "marts/history": {**delta, "path": "marts/history"},
                "marts/whole": {**delta, "path": "marts/whole"},
            },
            "imports": {
                "orders": {"source": "landing/orders", "target": "lake/orders"},
                "payments": {"source": "landing/payments", "target": "lake/payments"},
                "orders_by_day": {
                    "source": "landing/orders",
                    "target": "lake/orders_by_day",
                    "mode": "replace",
                },
            },
            **more,
        }
    )


def _totals(orders: pl.LazyFrame) -> pl.LazyFrame:
    """Lazy in, lazy out."""
    return orders.group_by("date").agg(pl.len().alias("orders"), pl.col("amount").sum())


with warnings.catch_warnings():
    # Dagster calls backfill policies beta; here it is the user who has chosen one.
    warnings.simplefilter("ignore", dg.BetaWarning)
    totals = dg.asset(
        key=["marts", "totals"],
        partitions_def=DAILY,
        backfill_policy=dg.BackfillPolicy.single_run(),
        ins={"orders": dg.AssetIn(["lake", "orders"])},
    )(_totals)


@dg.asset(key=["marts", "files"], partitions_def=DAILY, ins={"totals": dg.AssetIn(["marts", "totals"])})
def files(totals: pl.DataFrame) -> pa.Table:
    """A frame in, an Arrow table out, as Parquet files."""
    return totals.with_columns(pl.col("orders") * 2).to_arrow()


@dg.asset(
    key=["marts", "history"], ins={"orders": dg.AssetIn(["lake", "orders"], metadata={"read_mode": "added"})}
)
def history(orders: pa.Table) -> pl.DataFrame:
    """What was added, appended."""
    return pl.DataFrame(orders).select("id", "date")


@dg.asset(key=["marts", "whole"], ins={"orders": dg.AssetIn(["lake", "orders"])})
def whole(orders: pl.LazyFrame) -> pl.LazyFrame:
    """A table without partitions, replaced by each run."""
    return orders.select(pl.len().alias("rows"))


ASSETS = [totals, files, history, whole]
HERE = Path(__file__)
