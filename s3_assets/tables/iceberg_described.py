"""What an Iceberg table's metadata says of its columns (Iceberg Table Spec, "Schemas", "Partitioning")."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.tables.described import PARTITION, ColumnNote, Described
from s3_assets.tables.iceberg_types import from_iceberg

if TYPE_CHECKING:
    from pyiceberg.table import Table as Handle

_WHOLE = "identity"
_GONE = "void"


def described(handle: Handle, table: str) -> Described:
    """Return the current columns with their docs, and by which transforms they tell the partition of a row.

    Raises `UnsupportedError` that names a column whose type nobody here can read.
    """
    schema = handle.schema()
    demands: dict[int, list[str]] = {}
    for field in handle.spec().fields:
        transform = str(field.transform)
        if transform != _GONE:
            told = PARTITION if transform == _WHOLE else f"{PARTITION}, by {transform}"
            demands.setdefault(field.source_id, []).append(told)
    for number in schema.identifier_field_ids:
        demands.setdefault(number, []).append("identifier")
    notes = {
        field.name: ColumnNote(field.doc or None, not field.required, tuple(demands.get(field.field_id, ())))
        for field in schema.fields
    }
    return Described(from_iceberg(schema, table), notes)
