"""Folders of Parquet files."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

from s3_assets.errors import DataFileBrokenError, SchemaMismatchError
from s3_assets.tables import footer_bounds
from s3_assets.tables.disagreements import Policy
from s3_assets.tables.files import hive_columns
from s3_assets.tables.folder_table import FolderTable
from s3_assets.tables.inference import Inferred
from s3_assets.tables.parquet_footer import read_footer_described, read_footer_schema
from s3_assets.tables.parquet_scan import ParquetScan
from s3_assets.tables.reading import Reading
from s3_assets.tables.settings import ParquetSettings
from s3_assets.tables.table import Capability, Writer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date, datetime

    import polars as pl

    from s3_assets.tables.described import Described

# One small request for each; of more files than these the reader finds out on its way.
_MOST_FOOTERS = 2_000


class ParquetTable(FolderTable[ParquetSettings]):
    """A folder of Parquet files; folders named `column=value` are Hive partitions."""

    capabilities: ClassVar[frozenset[Capability]] = frozenset(
        {Capability.READ_ADDED, Capability.WRITE_WINDOW, Capability.TRANSACTIONS}
    )

    def writer(self) -> Writer:
        """Open the folder for one write."""
        from s3_assets.tables.folder_writer import FolderWriter

        return FolderWriter(self)

    def create(self, schema: pl.Schema) -> None:
        """Do nothing: a folder exists as soon as it has a file."""

    def join_schemas(self, schemas: dict[str, pl.Schema], table: str) -> pl.Schema:
        """Merge the schemas of several files, as the table's settings say."""
        return Policy.of(self.settings).join(schemas, table)

    def newest(self, listed: pl.DataFrame, column: str) -> date | datetime | None:
        """Return the largest value of a date or timestamp column: one small request for each file."""
        return footer_bounds.newest(self.folder.objects, listed["key"].to_list(), column)

    def scan_files(self, chosen: pl.DataFrame, schema: pl.Schema, hive: pl.Schema) -> pl.LazyFrame:
        """Return the rows of the files; projection and predicates reach them."""
        return self.scan_inferred(chosen, Inferred(schema), hive, Reading())

    def scan_inferred(
        self, chosen: pl.DataFrame, inferred: Inferred, hive: pl.Schema, reading: Reading
    ) -> pl.LazyFrame:
        """Return the rows of the files; those that were not looked at may turn out not to fit."""
        del reading
        scan = self._scan(chosen, inferred, hive)
        return scan.native() if inferred.alike and scan.known(inferred.files) else scan.guarded()

    def scan_whole(
        self, chosen: pl.DataFrame, inferred: Inferred, hive: pl.Schema, reading: Reading
    ) -> pl.LazyFrame:
        """Return the rows of the files, once the footers of those that were not looked at have been read."""
        if chosen.height > _MOST_FOOTERS or not (inferred.alike or not inferred.files):
            return self.scan_inferred(chosen, inferred, hive, reading)
        return self._scan(chosen, inferred, hive).checked(inferred.files)

    def _scan(self, chosen: pl.DataFrame, inferred: Inferred, hive: pl.Schema) -> ParquetScan:
        import polars as pl

        partitions = self.settings.partitions
        names = {
            *self.settings.reader_columns,
            *([partitions.column] if partitions and partitions.folders else []),
        }
        return ParquetScan(
            self.name,
            self.connection,
            chosen,
            inferred.schema,
            _in_folders(chosen, self.location.key, {each: hive[each] for each in hive if each not in names}),
            pl.Schema({name: dtype for name, dtype in hive.items() if name in names}),
            Policy.of(self.settings),
            self.read_schema,
            inferred.told_by,
        )

    def read_schema(self, key: str) -> pl.Schema:
        """Return what the file's footer says."""
        with self._explained(key):
            return read_footer_schema(self.folder.objects, key)

    def read_described(self, key: str) -> Described:
        """Return what the file's footer says, descriptions among it."""
        with self._explained(key):
            return read_footer_described(self.folder.objects, key)

    @contextmanager
    def _explained(self, key: str) -> Iterator[None]:
        try:
            yield
        except DataFileBrokenError as error:
            url = self.folder.objects.url(key)
            raise SchemaMismatchError(
                f"{url} is not a Parquet file: {error.found}",
                remedy="Remove the file, or name the suffixes of the data files.",
                table=self.name,
                connection=self.connection.name,
            ) from error


def _in_folders(chosen: pl.DataFrame, root: str, hive: Mapping[str, pl.DataType]) -> pl.Schema:
    """Return all columns that Hive folders tell, as Polars wants them: those also that nobody reads."""
    import polars as pl

    if not hive:
        return pl.Schema()
    found = dict.fromkeys(hive_columns(chosen["key"], root), pl.String())
    return pl.Schema({**found, **hive})
