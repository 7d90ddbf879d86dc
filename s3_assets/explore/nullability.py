"""Which columns may be null, where a format says it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from s3_assets.tables.avro import AvroTable
from s3_assets.tables.avro_header import read_header
from s3_assets.tables.delta import DeltaTable
from s3_assets.tables.parquet import ParquetTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from s3_assets.tables.avro_types import AvroType
    from s3_assets.tables.table import Table

_FOOTER = 64 * 1024
_HEADER = 1024 * 1024


def nullable(table: Table[Any], keys: Sequence[str]) -> dict[str, bool]:
    """Return whether columns may be null, where it is known: as the log or the first file says it."""
    if isinstance(table, DeltaTable):
        return {field.name: bool(field.nullable) for field in table.open().schema().fields}
    if isinstance(table, ParquetTable) and keys:
        return _of_footer(table, keys[0])
    if isinstance(table, AvroTable) and keys:
        return _of_header(table, keys[0])
    return {}


def _of_footer(table: ParquetTable, key: str) -> dict[str, bool]:
    from pyarrow import parquet

    objects = table.folder.objects
    with objects.seekable(key, objects.head(key).size, _FOOTER) as file:
        return {field.name: bool(field.nullable) for field in parquet.read_schema(file)}


def _of_header(table: AvroTable, key: str) -> dict[str, bool]:
    start = table.folder.objects.get_range(key, 0, _HEADER)
    try:
        header = read_header(io.BytesIO(start))
    except EOFError:
        return {}
    return {name: _may_be_null(kind) for name, kind in header.rows.members}


def _may_be_null(kind: AvroType) -> bool:
    branches = [member for _, member in kind.members] if kind.kind == "union" else [kind]
    return any(branch.kind == "null" for branch in branches)
