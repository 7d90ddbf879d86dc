"""The rows of chosen files of an Iceberg table, read by Polars.

`pl.scan_iceberg` finds columns by field id, fills what files lack, applies position deletes and deletion
vectors, and skips files by their bounds; but it plans for itself, and knows neither equality deletes nor a
choice of files. It is given a table here whose planning has been done.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from s3_assets.connection.adapters import polars as parquet_adapter
from s3_assets.connection.adapters import polars_iceberg as polars_adapter
from s3_assets.tables.iceberg_open import files_connection

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl
    from pyiceberg.manifest import DataFile
    from pyiceberg.schema import Schema
    from pyiceberg.table import FileScanTask
    from pyiceberg.table import Table as Handle

    from s3_assets.tables.iceberg import IcebergTable

_PLANNER = "POLARS_ICEBERG_PLANNER"


@dataclass(frozen=True)
class Scanner:
    """An open table, to scan files of it."""

    table: IcebergTable
    handle: Handle

    def scan(self, schema: Schema, files: Mapping[DataFile, frozenset[DataFile]]) -> pl.LazyFrame:
        """Return the rows of the files, lazily and in their order, in the columns of the schema.

        With each data file come the delete files that are applied as it is read: position deletes of it alone,
        or its deletion vector.
        """
        import polars as pl
        from pyiceberg.table import FileScanTask

        _plan_without_plugin()
        tasks = [FileScanTask(file, set(deletes)) for file, deletes in files.items()]
        chosen = _chosen_table()(self.handle, schema, tasks)
        options = polars_adapter.scan_options(files_connection(self.handle, self.table))
        return pl.scan_iceberg(chosen, storage_options=options)

    def scan_plain(self, path: str) -> pl.LazyFrame:
        """Return the rows of one Parquet file of the table, lazily, in its own columns."""
        import polars as pl

        options = parquet_adapter.options(files_connection(self.handle, self.table))
        return pl.scan_parquet(path, glob=False, hive_partitioning=False, **options)


def _plan_without_plugin() -> None:
    """Tell Polars, for as long as the process lives, not to warn that it knows another planner to install.

    That planner cannot read with files of ours, and gives way by itself where it is installed.
    """
    os.environ.setdefault(_PLANNER, "pyiceberg")


@cache
def _chosen_table() -> Any:  # noqa: ANN401 - a class
    """Return the class of a table whose scans are the files that were chosen, when PyIceberg is loaded."""
    from pyiceberg.table import DataScan, Table

    from s3_assets.tables.iceberg_pruning import Pruning

    class ChosenScan(DataScan):
        """A scan of files that were chosen before; a predicate leaves out those whose partition cannot match."""

        def __init__(self, chosen: Sequence[FileScanTask], **fields: Any) -> None:
            super().__init__(**fields)
            self.chosen = chosen

        def update(self, **overrides: Any) -> ChosenScan:
            names = ("table_metadata", "io", "row_filter", "selected_fields", "limit")
            fields = {name: getattr(self, name) for name in names}
            return ChosenScan(self.chosen, **{**fields, **overrides})

        def plan_files(self) -> list[FileScanTask]:
            metadata = self.table_metadata
            pruning = Pruning(metadata.schema(), metadata.specs(), self.row_filter)
            return [task for task in self.chosen if pruning.keeps(task.file)]

    class ChosenTable(Table):
        """A table of chosen files, in the columns of one schema."""

        def __init__(self, handle: Handle, schema: Schema, chosen: Sequence[FileScanTask]) -> None:
            metadata = handle.metadata.model_copy(
                update={"schemas": [schema], "current_schema_id": schema.schema_id}
            )
            # Polars would load the whole table from here after pickling: no choice of files survives that.
            nowhere = f"{handle.metadata_location}: a choice of files cannot be pickled"
            super().__init__(handle.name(), metadata, nowhere, handle.io, handle.catalog)
            self._chosen = chosen

        def scan(self, **fields: Any) -> ChosenScan:
            fields.pop("snapshot_id", None)
            return ChosenScan(self._chosen, table_metadata=self.metadata, io=self.io, **fields)

    return ChosenTable
