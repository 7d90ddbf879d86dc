"""The footer of a Parquet file, fetched alone: two small requests at most."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from s3_assets.broken_files import broken_files_told
from s3_assets.errors import DataFileBrokenError
from s3_assets.tables.described import ColumnNote, Described

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from s3_assets.objects import Objects

# Most footers fit into it; a larger one is fetched by a second request.
_TAIL = 8 * 1024
# Its length and the magic bytes (Apache Parquet Format, "File format").
_END = 8
# A footer tells of columns and row groups: the largest ones of real tables have some tens of megabytes.
_LARGEST = 256 * 1024 * 1024
_MAGIC = b"PAR1"
# Spark and Delta write the first, pandas and others the second, Avro's and Iceberg's word is the third.
_DESCRIPTIONS = (b"comment", b"description", b"doc")


def read_footer_schema(objects: Objects, key: str) -> pl.Schema:
    """Return a file's columns; raises `DataFileBrokenError` if it is no Parquet file."""
    return _schema(read_footer(objects, key))


def read_footer_described(objects: Objects, key: str) -> Described:
    """Return a file's columns with what Arrow's metadata of each says; raises `DataFileBrokenError`."""
    import pyarrow as pa
    from pyarrow import parquet

    footer = read_footer(objects, key)
    columns = _schema(footer)
    try:
        fields = parquet.read_schema(io.BytesIO(footer))
    except (pa.ArrowException, OSError):
        # Polars reads some that Arrow does not: a description is not worth an error.
        return Described(columns, {})
    notes = {each.name: ColumnNote(_description(each.metadata or {}), bool(each.nullable)) for each in fields}
    return Described(columns, notes)


def _description(metadata: Mapping[bytes, bytes]) -> str | None:
    found = next((metadata[name] for name in _DESCRIPTIONS if metadata.get(name)), None)
    return found.decode(errors="replace") if found is not None else None


def read_footer(objects: Objects, key: str) -> bytes:
    """Return the file without its rows: what a reader of its footer looks at."""
    tail = objects.get_end(key, _TAIL)
    if tail[-len(_MAGIC) :] != _MAGIC:
        raise DataFileBrokenError("it does not end as a Parquet file does")
    length = int.from_bytes(tail[-_END : -len(_MAGIC)], "little") + _END
    if length > _LARGEST:
        raise DataFileBrokenError(f"it says that its footer has {length - _END:,} bytes")
    if length > len(tail):
        tail = objects.get_end(key, length)
    # The magic bytes at the start are what its reader looks at besides the footer.
    return _MAGIC + tail[-length:]


def _schema(footer: bytes) -> pl.Schema:
    import polars as pl

    try:
        with broken_files_told():
            return pl.Schema(pl.read_parquet_schema(io.BytesIO(footer)))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataFileBrokenError(f"its footer cannot be read: {error}") from error
