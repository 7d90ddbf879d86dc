"""Which columns may be null, where a format says it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from s3_assets.objects import Objects
    from s3_assets.tables.avro_types import AvroType
    from s3_assets.tables.table import Table

_FOOTER = 64 * 1024
_HEADER = 1024 * 1024


def nullable(table: Table[Any], keys: Sequence[str]) -> dict[str, bool]:
    """Return whether columns may be null, where it is known: as the log or the first file says it."""
    from s3_assets.objects import Objects

    kind = table.settings.format
    if kind == "delta":
        return {field.name: bool(field.nullable) for field in table.open().schema().fields}  # type: ignore[attr-defined]  # what that format's table has
    if kind == "iceberg":
        return {field.name: not field.required for field in table.open().schema().fields}  # type: ignore[attr-defined]  # as above
    if not keys:
        return {}
    objects = Objects(table.connection)
    if kind == "parquet":
        return _of_footer(objects, keys[0])
    return _of_header(objects, keys[0]) if kind == "avro" else {}


def _of_footer(objects: Objects, key: str) -> dict[str, bool]:
    from pyarrow import parquet

    with objects.seekable(key, objects.head(key).size, _FOOTER) as file:
        return {field.name: bool(field.nullable) for field in parquet.read_schema(file)}


def _of_header(objects: Objects, key: str) -> dict[str, bool]:
    from s3_assets.tables.avro_header import read_header

    try:
        header = read_header(io.BytesIO(objects.get_range(key, 0, _HEADER)))
    except EOFError:
        return {}
    return {name: _may_be_null(kind) for name, kind in header.rows.members}


def _may_be_null(kind: AvroType) -> bool:
    branches = [member for _, member in kind.members] if kind.kind == "union" else [kind]
    return any(branch.kind == "null" for branch in branches)
