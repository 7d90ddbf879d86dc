"""Folders of Parquet files."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from s3_assets.connection.adapters import polars as adapter
from s3_assets.connection.diagnosis import diagnosed
from s3_assets.errors import SchemaMismatchError
from s3_assets.tables.folder_table import FolderTable
from s3_assets.tables.folder_writer import FolderWriter
from s3_assets.tables.settings import ParquetSettings
from s3_assets.tables.table import Capability, Writer

if TYPE_CHECKING:
    import polars as pl


class ParquetTable(FolderTable[ParquetSettings]):
    """A folder of Parquet files; folders named `column=value` are Hive partitions."""

    capabilities: ClassVar[frozenset[Capability]] = frozenset(
        {Capability.READ_ADDED, Capability.WRITE_WINDOW}
    )

    def writer(self) -> Writer:
        """Open the folder for one write."""
        return FolderWriter(self)

    def create(self, schema: pl.Schema) -> None:
        """Do nothing: a folder exists as soon as it has a file."""

    def scan_files(self, chosen: pl.DataFrame, schema: pl.Schema, hive: pl.Schema) -> pl.LazyFrame:
        """Return the rows of the files; projection and predicates reach them."""
        import polars as pl

        bucket = self.location.bucket
        return pl.scan_parquet(
            [f"s3://{bucket}/{key}" for key in chosen["key"]],
            glob=False,
            hive_partitioning=bool(hive),
            hive_schema=hive or None,
            schema={column: dtype for column, dtype in schema.items() if column not in hive},
            missing_columns="insert",
            extra_columns="raise",
            cast_options=pl.ScanCastOptions(
                integer_cast=["upcast", "allow-float"],
                float_cast="upcast",
                datetime_cast=[
                    "nanosecond-downcast",
                    "microsecond-upcast",
                    "millisecond-upcast",
                    "convert-timezone",
                ],
                missing_struct_fields="insert",
                categorical_to_string="allow",
            ),
            **adapter.options(self.connection),
        ).select(list(schema))

    def read_schema(self, key: str) -> pl.Schema:
        """Return what the file's footer says."""
        import polars as pl

        url = f"s3://{self.location.bucket}/{key}"
        try:
            with diagnosed(self.connection, url, OSError):
                return pl.scan_parquet(
                    url, glob=False, hive_partitioning=False, **adapter.options(self.connection)
                ).collect_schema()
        except pl.exceptions.ComputeError as error:
            raise SchemaMismatchError(
                f"{url} is not a Parquet file: {error}",
                remedy="Remove the file, or name the suffixes of the data files.",
                table=self.name,
            ) from error
