"""What the children of the zygote do: one run of an import, in a mode and with filters and placement."""

from datetime import date
from typing import Any

from s3_assets.movement.filters import Filters
from s3_assets.movement.imports import Import, ImportMode
from s3_assets.movement.placement import Placement
from s3_assets.tables.open import open_table
from s3_assets.tables.settings import DeltaSettings, ParquetSettings, Partitions
from tests.incremental import iceberg_work, work

ZONE = "Asia/Tokyo"
SETTINGS: dict[str, Any] = {"delta": DeltaSettings, "parquet": ParquetSettings}
FILTERS: dict[str, Any] = {
    "drop": ["junk"],
    "digest": ["email"],
    "rename": {"id": "number"},
    "cast": {"price": "decimal[8, 2]"},
}


def replace_on_new_data(
    endpoint: str, bucket: str, source_bucket: str, format_: str, prefix: str | None, target: str
) -> dict[str, Any]:
    """Replace all rows if the source has changed; a table without a prefix is Iceberg's."""
    here = work.connection(endpoint, bucket)
    table: Any = (
        iceberg_work.table(here, None, flat=True) if prefix is None else work.target(here, prefix, target)
    )
    source = work.source(format_, work.connection(endpoint, source_bucket))
    done = Import("orders", source, table, ImportMode.REPLACE_ON_NEW_DATA)
    return work.describe(done.run())


def append_filtered(
    endpoint: str, bucket: str, source_bucket: str, prefix: str, target: str
) -> dict[str, Any]:
    """Append new files' rows behind every kind of filter, each on the day of its moment in Tokyo."""
    days = Partitions(column="day", start=date(2026, 1, 1), timezone=ZONE)
    settings = SETTINGS[target](connection="s3", path=prefix, partitions=days)
    done = Import(
        "orders",
        work.source("parquet", work.connection(endpoint, source_bucket)),
        open_table("sales", settings, work.connection(endpoint, bucket)),
        ImportMode.APPEND,
        Filters.model_validate(FILTERS),
        Placement.model_validate({"column": "at", "unit": "seconds"}),
    )
    return work.describe(done.run())
