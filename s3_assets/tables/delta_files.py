"""Data files of a Delta table, read as they lie: partition values come from their folders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.connection.adapters import polars as adapter
from s3_assets.tables.delta_paths import addresses

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import polars as pl

    from s3_assets.connection.settings import S3Connection
    from s3_assets.location import Location


def scan_files(
    connection: S3Connection,
    root: Location,
    columns: pl.Schema,
    partition_columns: Sequence[str],
    paths: Iterable[str],
) -> pl.LazyFrame:
    """Return the rows of the files, lazily, in these columns.

    Paths lie below the table's root, or are URLs. Raises `SettingError` for a file in another bucket.
    """
    import polars as pl

    folders = {column: columns[column] for column in partition_columns}
    return pl.scan_parquet(
        addresses(connection, root, paths),
        glob=False,
        hive_partitioning=bool(folders),
        hive_schema=folders or None,
        schema={column: dtype for column, dtype in columns.items() if column not in folders},
        missing_columns="insert",
        extra_columns="ignore",
        cast_options=pl.ScanCastOptions(
            integer_cast="upcast",
            float_cast="upcast",
            datetime_cast=["nanosecond-downcast", "millisecond-upcast", "convert-timezone"],
            missing_struct_fields="insert",
            extra_struct_fields="ignore",
            categorical_to_string="allow",
        ),
        **adapter.options(connection),
    ).select(list(columns))
