"""Polars' types as Avro stores them, and back: what a file says of its columns beside its Avro schema.

| Polars | Avro |
|---|---|
| Int8, Int16, UInt8, UInt16; UInt32; UInt64 | int; long; decimal of 20 digits |
| Float16 | float |
| Duration | long, a number of its units |
| Time | time-micros: finer times are refused |
| Datetime with any zone | timestamp-millis, -micros or -nanos, which are of UTC |
| Categorical, Enum | string |
| Array | array |
| Null | boolean, each of them null |
| all others | their own: see `avro_types` |

Other readers see these. So that ours gives the very types back, the header carries the columns in Arrow's
spelling under a key of its own, which the specification leaves to writers.
"""

from __future__ import annotations

import base64
import re
from itertools import count
from typing import TYPE_CHECKING, Any

from s3_assets.errors import SchemaMismatchError
from s3_assets.tables.leaves import within
from s3_assets.tables.schemas import instance

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import polars as pl

KEY = "s3_assets.arrow_schema"
"""The header's entry with the columns: an Arrow IPC schema message, in base64 as readers take it for text."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_UNITS = {"ms": "millis", "us": "micros", "ns": "nanos"}


def stored(dtype: pl.DataType) -> pl.DataType:
    """Return the type that the values are written as; its fields have names that Avro can have."""
    import polars as pl

    if isinstance(dtype, pl.Struct):
        names = spelled(field.name for field in dtype.fields)
        return pl.Struct(
            {name: stored(instance(each.dtype)) for name, each in zip(names, dtype.fields, strict=True)}
        )
    if isinstance(dtype, pl.List | pl.Array):
        return pl.List(stored(instance(dtype.inner)))
    if isinstance(dtype, pl.Duration):
        return pl.Int64()
    if isinstance(dtype, pl.Datetime) and dtype.time_zone:
        return pl.Datetime(dtype.time_unit, "UTC")
    if isinstance(dtype, pl.Categorical | pl.Enum):
        return pl.String()
    others: dict[str, pl.DataType] = {
        "Int8": pl.Int32(),
        "Int16": pl.Int32(),
        "UInt8": pl.Int32(),
        "UInt16": pl.Int32(),
        "UInt32": pl.Int64(),
        "UInt64": pl.Decimal(20, 0),
        "Float16": pl.Float32(),
        # Of a union of nulls alone, readers differ about what is stored.
        "Null": pl.Boolean(),
    }
    return others.get(str(dtype), dtype)


def refuse(columns: pl.Schema) -> None:
    """Raise `SchemaMismatchError` for a column that Avro has no type for."""
    for column, dtype in columns.items():
        found = next((each for each in within(dtype) if not _has_type(each)), None)
        if found is None:
            continue
        whole = f"{dtype}" if found == dtype else f"{dtype}, with {found} inside,"
        raise SchemaMismatchError(
            f"column '{column}' is {whole} for which Avro has no type",
            remedy="Cast it to a type such as Decimal(38, 0) or String, or choose format: parquet.",
        )


def _has_type(dtype: pl.DataType) -> bool:
    import polars as pl

    if isinstance(dtype, pl.Struct):
        return bool(dtype.fields)
    if isinstance(dtype, pl.List | pl.Array):
        return True  # what is inside is looked at by itself
    return stored(dtype) != dtype or isinstance(
        dtype,
        pl.Boolean
        | pl.Int32
        | pl.Int64
        | pl.Float32
        | pl.Float64
        | pl.String
        | pl.Binary
        | pl.Date
        | pl.Time
        | pl.Datetime
        | pl.Decimal,
    )


def spelled(names: Iterable[str]) -> list[str]:
    """Return the names as Avro can have them: letters, digits and underscores; equal ones get a number."""
    found: list[str] = []
    for name in names:
        plain = name
        if not _NAME.fullmatch(name):
            # As Iceberg spells them in its manifests.
            plain = "".join(each if _NAME.fullmatch(f"_{each}") else f"_x{ord(each):X}" for each in name)
            plain = plain if _NAME.fullmatch(plain) else f"_{plain}"
        found.append(next(each for each in _numbered(plain) if each not in found))
    return found


def _numbered(name: str) -> Iterator[str]:
    yield name
    for number in count(2):
        yield f"{name}_{number}"


def json_schema(columns: pl.Schema) -> dict[str, Any]:
    """Return the Avro schema of columns of stored types, each of which may be null."""
    return _record("row", columns.items(), count(1))


def _record(name: str, fields: Iterable[tuple[str, Any]], numbers: Iterator[int]) -> dict[str, Any]:
    return {
        "type": "record",
        "name": name,
        "fields": [
            {"name": each, "type": ["null", _json(instance(dtype), numbers)]} for each, dtype in fields
        ],
    }


def _optional(dtype: Any, numbers: Iterator[int]) -> list[Any]:  # noqa: ANN401 - a type or its class
    return ["null", _json(instance(dtype), numbers)]


def _json(dtype: pl.DataType, numbers: Iterator[int]) -> Any:  # noqa: ANN401 - JSON
    import polars as pl

    if isinstance(dtype, pl.Struct):
        # Every record of a file has a name of its own.
        fields = ((each.name, each.dtype) for each in dtype.fields)
        return _record(f"record_{next(numbers)}", fields, numbers)
    if isinstance(dtype, pl.List):
        return {"type": "array", "items": _optional(dtype.inner, numbers)}
    if isinstance(dtype, pl.Decimal):
        return {
            "type": "bytes",
            "logicalType": "decimal",
            "precision": dtype.precision,
            "scale": dtype.scale,
        }
    if isinstance(dtype, pl.Datetime):
        local = "" if dtype.time_zone else "local-"
        return {"type": "long", "logicalType": f"{local}timestamp-{_UNITS[dtype.time_unit]}"}
    plain: dict[str, Any] = {
        "Boolean": "boolean",
        "Int32": "int",
        "Int64": "long",
        "Float32": "float",
        "Float64": "double",
        "String": "string",
        "Binary": "bytes",
        "Date": {"type": "int", "logicalType": "date"},
        "Time": {"type": "long", "logicalType": "time-micros"},
    }
    return plain[str(dtype)]


def to_message(columns: pl.Schema) -> bytes:
    """Return the columns as the header's entry."""
    return base64.b64encode(columns.to_frame().to_arrow().schema.serialize().to_pybytes())


def from_message(message: bytes, found: pl.Schema) -> pl.Schema:
    """Return the columns of such an entry, if they are stored as what was found in the file: else that."""
    import polars as pl
    import pyarrow as pa

    try:
        arrow = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(message)))
        told = pl.DataFrame(arrow.empty_table()).schema
    except (pa.ArrowException, ValueError, OSError):
        return found
    names = spelled(told)
    as_stored = pl.Schema({name: stored(dtype) for name, dtype in zip(names, told.values(), strict=True)})
    return told if as_stored == found else found


def convert(column: pl.Expr, have: pl.DataType, want: pl.DataType) -> pl.Expr:
    """Cast between a type and what it is stored as, either way; fields of structs go by their position."""
    import polars as pl

    if have == want:
        return column
    if isinstance(have, pl.Struct) and isinstance(want, pl.Struct):
        fields = [
            convert(column.struct.field(mine.name), instance(mine.dtype), instance(other.dtype)).alias(
                other.name
            )
            for mine, other in zip(have.fields, want.fields, strict=True)
        ]
        return pl.when(column.is_not_null()).then(pl.struct(fields))
    if isinstance(have, pl.Array):
        column = column.arr.to_list()
    if isinstance(have, pl.List | pl.Array) and isinstance(want, pl.List | pl.Array):
        mine, other = instance(have.inner), instance(want.inner)
        items = column if mine == other else column.list.eval(convert(pl.element(), mine, other))
        return items.cast(want) if isinstance(want, pl.Array) else items
    return column.cast(want)
