"""The rows of chosen files of an Iceberg table, read by Polars.

`pl.scan_iceberg` finds columns by field id, fills what files lack, applies position deletes and deletion
vectors, and skips files by their bounds; but it plans for itself, and knows neither equality deletes nor a
choice of files. It is given a table here whose planning has been done.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from s3_assets.connection.adapters import polars as parquet_adapter
from s3_assets.connection.adapters import polars_iceberg as polars_adapter
from s3_assets.errors import SettingError
from s3_assets.tables.iceberg_open import files_connection

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl
    from pyiceberg.expressions import BooleanExpression
    from pyiceberg.manifest import DataFile
    from pyiceberg.schema import Schema
    from pyiceberg.table import FileScanTask
    from pyiceberg.table import Table as Handle
    from pyiceberg.typedef import Properties

    from s3_assets.connection.settings import S3Connection
    from s3_assets.tables.iceberg import IcebergTable

_PLANNER = "POLARS_ICEBERG_PLANNER"


@dataclass(frozen=True)
class Scanner:
    """An open table, to scan files of it."""

    table: IcebergTable
    handle: Handle

    @cached_property
    def connection(self) -> S3Connection:
        """The connection that reaches the table's files."""
        return files_connection(self.handle, self.table)

    def scan(self, schema: Schema, files: Sequence[tuple[DataFile, frozenset[DataFile]]]) -> pl.LazyFrame:
        """Return the rows of the files, lazily and in their order, in the columns of the schema.

        With each data file come the delete files that are applied as it is read: position deletes of it
        alone, or its deletion vector. Raises `SettingError` for a file in another bucket.
        """
        import polars as pl
        from pyiceberg.table import FileScanTask

        _plan_without_plugin()
        for file, deletes in files:
            self._refuse_elsewhere(file, *deletes)
        tasks = [FileScanTask(file, set(deletes)) for file, deletes in files]
        chosen = _chosen_table()(self.handle, schema, tasks)
        return pl.scan_iceberg(chosen, storage_options=polars_adapter.scan_options(self.connection))

    def scan_plain(self, file: DataFile) -> pl.LazyFrame:
        """Return the rows of one file, lazily, in its own columns."""
        import polars as pl

        self._refuse_elsewhere(file)
        options = parquet_adapter.options(self.connection)
        return pl.scan_parquet(file.file_path, glob=False, hive_partitioning=False, **options)

    def _refuse_elsewhere(self, *files: DataFile) -> None:
        """Refuse a file that Polars would look for with the wrong connection, or on the local disk."""
        bucket = self.connection.location.bucket
        for file in files:
            if not file.file_path.startswith((f"s3://{bucket}/", f"s3a://{bucket}/")):
                raise SettingError(
                    f"the table has a file that is not in the bucket of its connection: {file.file_path}",
                    remedy=f"Copy the table, so that all its files are at s3://{bucket}/.",
                    connection=self.table.connection.name,
                    table=self.table.name,
                    location=self.handle.location(),
                )


def at_once(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Return the frame as one that is computed before rows are joined with it.

    Otherwise Polars reads, and keeps, the rows of the other side while this one is still being computed.
    """
    import polars as pl

    return pl.defer(lambda: frame.collect(engine="streaming"), schema=frame.collect_schema())


def _plan_without_plugin() -> None:
    """Tell Polars, for as long as the process lives, not to warn that it knows another planner to install.

    That planner cannot read with files of ours, and gives way by itself where it is installed.
    """
    os.environ.setdefault(_PLANNER, "pyiceberg")


@cache
def _chosen_table() -> Any:  # noqa: ANN401 - a class
    """Return the class of a table whose scans are the files that were chosen, when PyIceberg is loaded."""
    from pyiceberg.table import ALWAYS_TRUE, DataScan, Table
    from pyiceberg.typedef import EMPTY_DICT

    from s3_assets.tables.iceberg_pruning import Pruning

    class ChosenScan(DataScan):
        """A scan of files that were chosen before, but for those whose partition excludes the filter."""

        chosen: Sequence[FileScanTask] = ()

        def update(self, **overrides: Any) -> ChosenScan:  # noqa: ANN401 - PyIceberg's fields
            copy = super().update(**overrides)
            copy.chosen = self.chosen
            return copy

        def plan_files(self) -> list[FileScanTask]:
            metadata = self.table_metadata
            pruning = Pruning(metadata.schema(), metadata.specs(), self.row_filter)
            return [task for task in self.chosen if pruning.keeps(task.file)]

    class ChosenTable(Table):
        """A table of chosen files, in the columns of one schema."""

        def __init__(self, handle: Handle, schema: Schema, chosen: Sequence[FileScanTask]) -> None:
            others = [each for each in handle.metadata.schemas if each.schema_id != schema.schema_id]
            metadata = handle.metadata.model_copy(
                update={"schemas": [schema, *others], "current_schema_id": schema.schema_id}
            )
            # Polars would load the whole table from here after pickling: no choice of files survives that.
            nowhere = "no metadata: a choice of files of an Iceberg table cannot be pickled"
            super().__init__(handle.name(), metadata, nowhere, handle.io, handle.catalog)
            self._chosen = chosen

        def scan(
            self,
            row_filter: str | BooleanExpression = ALWAYS_TRUE,
            selected_fields: tuple[str, ...] = ("*",),
            case_sensitive: bool = True,
            snapshot_id: int | None = None,
            options: Properties = EMPTY_DICT,
            limit: int | None = None,
        ) -> ChosenScan:
            del snapshot_id
            scan = ChosenScan(
                self.metadata, self.io, row_filter, selected_fields, case_sensitive, None, options, limit
            )
            scan.chosen = self._chosen
            return scan

    return ChosenTable
