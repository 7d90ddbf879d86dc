"""What the children of the zygote do: one run of a partition of an asset with two incremental inputs."""

import warnings
from typing import Any

import dagster as dg
import polars as pl

from s3_assets.builder import build_definitions
from s3_assets.registry import Registry

START = "2026-01-01"
TARGET = "marts/union"
ADDED = {"read_mode": "added"}

with warnings.catch_warnings():
    # Dagster calls backfill policies beta.
    warnings.simplefilter("ignore", dg.BetaWarning)

    @dg.asset(
        key=TARGET.split("/"),
        partitions_def=dg.DailyPartitionsDefinition(START),
        backfill_policy=dg.BackfillPolicy.single_run(),
        ins={
            "files": dg.AssetIn(["sources", "files"], metadata=ADDED),
            "delta": dg.AssetIn(["sources", "delta"], metadata=ADDED),
        },
    )
    def union(files: pl.LazyFrame, delta: pl.LazyFrame) -> pl.LazyFrame:
        """Rows of both, as they come."""
        return pl.concat([each.select("id", "date") for each in (files, delta)])


def run(endpoint: str, bucket: str, prefix: str, format_: str, days: list[str]) -> dict[str, Any]:
    """Run the asset for a range of days, and say how many rows it wrote."""
    daily = {"connection": "lake", "partitions": {"column": "date", "start": START}}
    registry = Registry.model_validate(
        {
            "connections": {
                "lake": {
                    "url": f"s3://{bucket}/",
                    "endpoint": endpoint,
                    "region": "us-east-1",
                    "auth": {"type": "access_key", "access_key_id": "test", "secret_access_key": "test"},
                }
            },
            "tables": {
                "sources/files": {**daily, "format": "parquet", "path": "sources/files"},
                "sources/delta": {**daily, "format": "delta", "path": "sources/delta"},
                TARGET: {**daily, "format": format_, "path": prefix},
            },
        }
    )
    job = build_definitions(registry, [union]).resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(
            instance=instance,
            asset_selection=[dg.AssetKey(TARGET.split("/"))],
            tags={
                "dagster/asset_partition_range_start": days[0],
                "dagster/asset_partition_range_end": days[-1],
            },
        )
    (first, *_) = result.get_asset_materialization_events()
    return {"rows": first.step_materialization_data.materialization.metadata["s3_assets/rows_written"].value}
