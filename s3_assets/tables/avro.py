"""Folders of Avro files."""

from __future__ import annotations

import io
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, ClassVar

from s3_assets.broken_files import broken_files_told
from s3_assets.errors import DataFileBrokenError, S3AssetsError, SchemaMismatchError, UnsupportedError
from s3_assets.tables.avro_fit import schema_of
from s3_assets.tables.avro_header import Header, read_header
from s3_assets.tables.avro_scan import AvroScan
from s3_assets.tables.avro_writer import AvroEncoding
from s3_assets.tables.described import ColumnNote, Described
from s3_assets.tables.disagreements import Policy
from s3_assets.tables.file_columns import kept, values_by_key
from s3_assets.tables.folder_table import FolderTable
from s3_assets.tables.settings import AvroSettings
from s3_assets.tables.table import Capability, Writer

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

# Most headers fit into the first; a schema of thousands of columns into one of the last.
_HEADER_BYTES = (8 * 1024, 64 * 1024, 1024 * 1024, 16 * 1024 * 1024)
_MENDED = "Write it anew, or remove it."


class AvroTable(FolderTable[AvroSettings]):
    """A folder of Avro files; folders named `column=value` are Hive partitions."""

    capabilities: ClassVar[frozenset[Capability]] = frozenset(
        {Capability.READ_ADDED, Capability.WRITE_WINDOW, Capability.TRANSACTIONS}
    )

    def writer(self) -> Writer:
        """Open the folder for one write."""
        _require_libraries(self.name)
        suffix = next(iter(self.settings.suffixes), ".avro")
        from s3_assets.tables.folder_writer import FolderWriter

        return FolderWriter(self, AvroEncoding(self.settings.codec, suffix))

    def create(self, schema: pl.Schema) -> None:
        """Do nothing: a folder exists as soon as it has a file."""

    def join_schemas(self, schemas: dict[str, pl.Schema], table: str) -> pl.Schema:
        """Merge the schemas of several files, as the table's settings say."""
        return Policy.of(self.settings).join(schemas, table)

    def read_schema(self, key: str) -> pl.Schema:
        """Return what the file's header says."""
        with self._explained(key):
            return schema_of(self._header(key))

    def read_described(self, key: str) -> Described:
        """Return what the file's header says, the fields' docs among it."""
        with self._explained(key):
            header = self._header(key)
            columns = schema_of(header)
        # Columns of our own files have names of their own, in the order of the fields.
        notes = {
            column: ColumnNote(header.docs.get(name), member.may_be_null)
            for column, (name, member) in zip(columns, header.rows.members, strict=True)
        }
        return Described(columns, notes)

    def scan_files(self, chosen: pl.DataFrame, schema: pl.Schema, hive: pl.Schema) -> pl.LazyFrame:
        """Return the rows, file after file; only the columns that are asked for are decoded."""
        import polars as pl
        from polars.io.plugins import register_io_source

        del hive
        _require_libraries(self.name)
        values = values_by_key(chosen)
        policy = Policy.of(self.settings)

        def rows(
            columns: list[str] | None, predicate: pl.Expr | None, limit: int | None, _: int | None
        ) -> Iterator[pl.DataFrame]:
            asked = list(schema) if columns is None else columns
            wanted = pl.Schema({column: schema[column] for column in asked})
            files = list(kept(chosen, predicate).select("key", "size", "etag").iter_rows())
            scan = AvroScan(self.folder.objects, schema, wanted, values.__getitem__, policy, self._explained)
            for frame in scan.frames(files, limit):
                yield frame if predicate is None else frame.filter(predicate)

        return register_io_source(rows, schema=schema)

    def _header(self, key: str) -> Header:
        for length in _HEADER_BYTES:
            start = self.folder.objects.get_range(key, 0, length)
            try:
                return read_header(io.BytesIO(start))
            except EOFError:
                if len(start) < length:
                    break
        raise DataFileBrokenError("its header has no end")

    @contextmanager
    def _explained(self, key: str) -> Iterator[None]:
        """Turn whatever a library says of a damaged file into an error that names the file."""
        url = self.folder.objects.url(key)
        _require_libraries(self.name)
        try:
            with broken_files_told():
                yield
        except S3AssetsError as error:
            if isinstance(error, DataFileBrokenError) and not error.remedy:
                error.remedy = _MENDED
            # Disagreements name the files themselves.
            place = None if isinstance(error, SchemaMismatchError) else url
            raise error.at(table=self.name, connection=self.connection.name, location=place) from None
        except Exception as error:
            # Each codec's library fails with errors of its own.
            raise DataFileBrokenError(
                f"the file cannot be read to its end: {type(error).__name__}: {str(error)[:300]}",
                remedy=_MENDED,
                table=self.name,
                connection=self.connection.name,
                location=url,
            ) from error


def _require_libraries(table: str) -> None:
    if not all(find_spec(library) for library in ("fastavro", "polars_avro")):
        raise UnsupportedError(
            "Avro is read and written by two libraries that are not installed",
            remedy="Install s3-assets[avro].",
            table=table,
        )
