"""Iceberg as Dagster runs it: imports, and a user's partitions through the IO manager."""

from datetime import date
from typing import Any

import dagster as dg
import polars as pl

from s3_assets.builder import build_definitions
from s3_assets.registry import Registry
from tests.dagster_floor import pipeline
from tests.dagster_floor.conftest import Lake


@dg.asset(
    key=["marts", "iceberg"],
    partitions_def=pipeline.DAILY,
    ins={"orders": dg.AssetIn(["lake", "iceberg"])},
)
def counts(orders: pl.LazyFrame) -> pl.LazyFrame:
    """The orders of a day."""
    return orders.group_by("date").agg(pl.len().alias("orders"))


def registry(lake: Lake) -> Registry:
    settings = lake.registry.model_dump(mode="python", exclude_unset=True)
    daily = {"column": "date", "start": pipeline.START}
    iceberg: dict[str, Any] = {"connection": "lake", "format": "iceberg", "partitions": daily}
    tables = {
        "landing/orders": settings["tables"]["landing/orders"],
        "lake/iceberg": {**iceberg, "warehouse_path": "lake/iceberg"},
        "marts/iceberg": {**iceberg, "warehouse_path": "marts/iceberg"},
    }
    imports = {"orders": {"source": "landing/orders", "target": "lake/iceberg"}}
    return Registry.model_validate({**settings, "tables": tables, "imports": imports})


def test_an_import_and_partitions(lake: Lake) -> None:
    lake.registry = registry(lake)
    lake.definitions = build_definitions(lake.registry, [counts])

    first = lake.metadata(lake.run("lake/iceberg"), "lake/iceberg")
    assert first["s3_assets/rows_written"] == 300
    again = lake.metadata(lake.run("lake/iceberg"), "lake/iceberg")
    assert again["s3_assets/rows_written"] == 0
    for _ in range(2):
        lake.run("marts/iceberg", partition="2026-01-02")
    second = lake.metadata(lake.run("marts/iceberg", partition="2026-01-03"), "marts/iceberg")

    assert second["dagster/partition_row_count"] == 1
    found = pl.scan_iceberg(newest(lake, "marts/iceberg"), storage_options=files(lake)).collect()
    assert sorted(found.select("date", "orders").rows()) == [(date(2026, 1, day), 100) for day in (2, 3)]


def files(lake: Lake) -> dict[str, str]:
    return {
        "s3.endpoint": lake.endpoint,
        "s3.access-key-id": "test",
        "s3.secret-access-key": "test",
        "s3.region": "us-east-1",
    }


def newest(lake: Lake, name: str) -> str:
    """The newest metadata of a table without a catalog."""
    listing = lake.client.list_objects_v2(Bucket=lake.bucket, Prefix=f"base/{name}/metadata/v")
    keys = [item["Key"] for item in listing["Contents"] if item["Key"].endswith(".metadata.json")]
    return f"s3://{lake.bucket}/{max(keys, key=lambda key: int(key.rpartition('/v')[2].partition('.')[0]))}"
