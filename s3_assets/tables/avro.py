"""Folders of Avro files, read in place."""

from __future__ import annotations

import io
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from s3_assets.errors import DataFileBrokenError, S3AssetsError, SchemaMismatchError, UnsupportedError
from s3_assets.tables import schemas
from s3_assets.tables.avro_header import Header, read_header
from s3_assets.tables.avro_rows import read_rows
from s3_assets.tables.avro_types import polars_type
from s3_assets.tables.files import hive_folder
from s3_assets.tables.folder_table import FolderTable
from s3_assets.tables.parts import read_value
from s3_assets.tables.ranges import RangeReader
from s3_assets.tables.settings import AvroSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import polars as pl

# Most headers fit into the first; a schema of thousands of columns into one of the others.
_HEADER_BYTES = (64 * 1024, 1024 * 1024, 16 * 1024 * 1024)
# Two of them are held at a time.
_CHUNK_BYTES = 4 * 1024 * 1024


class AvroTable(FolderTable[AvroSettings]):
    """A folder of Avro files; folders named `column=value` are Hive partitions."""

    def read_schema(self, key: str) -> pl.Schema:
        """Return what the file's header says."""
        with self._explained(key):
            return _schema(self._header(key))

    def scan_files(self, chosen: pl.DataFrame, schema: pl.Schema, hive: pl.Schema) -> pl.LazyFrame:
        """Return the rows, file after file; only the columns that are asked for are decoded."""
        import polars as pl
        from polars.io.plugins import register_io_source

        _require_libraries(self.name)
        found = list(chosen.select("key", "size", "etag").iter_rows())

        def rows(
            columns: list[str] | None, predicate: pl.Expr | None, limit: int | None, _: int | None
        ) -> Iterator[pl.DataFrame]:
            asked = list(schema) if columns is None else columns
            wanted = pl.Schema({column: schema[column] for column in asked})
            for key, size, etag in found:
                if limit == 0:
                    return
                folders = self._folders(key, hive)
                if predicate is not None and _excludes(predicate, folders, schema):
                    continue
                for batch in self._batches(key, size, etag, schema, wanted, folders, limit):
                    if limit is not None:
                        limit -= batch.height
                    yield batch if predicate is None else batch.filter(predicate)

        return register_io_source(rows, schema=schema)

    def _batches(
        self,
        key: str,
        size: int,
        etag: str,
        schema: pl.Schema,
        wanted: pl.Schema,
        folders: Mapping[str, object],
        limit: int | None,
    ) -> Iterator[pl.DataFrame]:
        import polars as pl

        def fetch(start: int, end: int) -> bytes:
            return self.folder.objects.get_range(key, start, end, etag=etag)

        stream = RangeReader(fetch, size, chunk=_CHUNK_BYTES)
        with self._explained(key, stream), stream:
            buffered = io.BufferedReader(stream)
            header = read_header(buffered)
            buffered.detach()
            mine = pl.Schema({name: dtype for name, dtype in _schema(header).items() if name not in folders})
            self._fit(key, mine, schema)
            columns = [
                pl.lit(folders[column], dtype=dtype).alias(column)
                if column in folders
                else _conform(pl.col(column), mine[column], dtype).alias(column)
                if column in mine
                else pl.lit(None, dtype=dtype).alias(column)
                for column, dtype in wanted.items()
            ]
            for batch in read_rows(stream, header, [column for column in wanted if column in mine], limit):
                # First added, then chosen: a choice of constants alone would be one row.
                yield batch.with_columns(columns).select(list(wanted))

    def _header(self, key: str) -> Header:
        for length in _HEADER_BYTES:
            start = self.folder.objects.get_range(key, 0, length)
            try:
                return read_header(io.BytesIO(start))
            except EOFError:
                if len(start) < length:
                    break
        raise DataFileBrokenError("its header has no end")

    def _folders(self, key: str, hive: pl.Schema) -> dict[str, object]:
        """Return what the file's folders say of its rows."""
        segments = key.removeprefix(self.location.key).split("/")[:-1]
        found = dict(hive_folder(segment) for segment in segments)
        return {
            column: None if (text := found.get(column)) is None else read_value(text, dtype)
            for column, dtype in hive.items()
        }

    def _fit(self, key: str, mine: pl.Schema, schema: pl.Schema) -> None:
        """Refuse a file whose columns the table, as planned, does not hold."""
        import polars as pl

        url = f"s3://{self.location.bucket}/{key}"
        for column, dtype in mine.items():
            if column not in schema:
                raise SchemaMismatchError(
                    f"{url} has the column '{column}', which the table has not",
                    remedy="Give the table's columns in the registry, with this one among them.",
                    table=self.name,
                )
            wide = schema[column]
            if schemas.widens(dtype, wide):
                continue
            both = {"the table": pl.Schema({column: wide}), url: pl.Schema({column: dtype})}
            if schemas.merge(both, self.name)[column] != wide:
                raise SchemaMismatchError(
                    f"column '{column}' is {dtype} in {url} and only {wide} in the table",
                    remedy="Give the table's columns in the registry, with the wider type.",
                    table=self.name,
                )

    @contextmanager
    def _explained(self, key: str, stream: RangeReader | None = None) -> Iterator[None]:
        """Turn whatever a library says of a damaged file into an error that names the file."""
        url = f"s3://{self.location.bucket}/{key}"
        _require_libraries(self.name)
        try:
            yield
        except Exception as error:
            # Each codec's library fails with errors of its own.
            ours = stream.failure if stream is not None and stream.failure is not None else error
            if isinstance(ours, SchemaMismatchError):
                raise
            if isinstance(ours, S3AssetsError):
                raise ours.at(table=self.name, connection=self.connection.name, location=url) from None
            raise DataFileBrokenError(
                f"the file cannot be read to its end: {type(error).__name__}: {str(error)[:300]}",
                remedy="Write it anew, or remove it.",
                table=self.name,
                connection=self.connection.name,
                location=url,
            ) from error


def _require_libraries(table: str) -> None:
    if not all(find_spec(library) for library in ("fastavro", "polars_avro")):
        raise UnsupportedError(
            "Avro is read by two libraries that are not installed",
            remedy="Install s3-assets[avro].",
            table=table,
        )


def _schema(header: Header) -> pl.Schema:
    import polars as pl

    return pl.Schema({name: polars_type(member) for name, member in header.rows.members})


def _excludes(predicate: pl.Expr, folders: Mapping[str, object], schema: pl.Schema) -> bool:
    """Tell whether the folders alone rule out every row of a file."""
    import polars as pl

    named = predicate.meta.root_names()
    if not named or not all(name in folders for name in named):
        return False
    row = pl.DataFrame(
        {name: [folders[name]] for name in named}, schema={name: schema[name] for name in named}
    )
    return row.filter(predicate).is_empty()


def _conform(column: pl.Expr, have: pl.DataType, want: pl.DataType) -> pl.Expr:
    """Cast to a type that holds every value; fields that a file's records lack are null."""
    import polars as pl

    if have == want:
        return column
    if isinstance(have, pl.Struct) and isinstance(want, pl.Struct):
        mine = {field.name: schemas.instance(field.dtype) for field in have.fields}
        fields = [
            _conform(column.struct.field(field.name), mine[field.name], schemas.instance(field.dtype)).alias(
                field.name
            )
            if field.name in mine
            else pl.lit(None, dtype=field.dtype).alias(field.name)
            for field in want.fields
        ]
        return pl.when(column.is_not_null()).then(pl.struct(fields))
    if isinstance(have, pl.List) and isinstance(want, pl.List):
        return column.list.eval(
            _conform(pl.element(), schemas.instance(have.inner), schemas.instance(want.inner))
        )
    return column.cast(want)
