"""Schemas: which changes are safe, and how a frame is brought into a table's columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from s3_assets.errors import SchemaMismatchError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import polars as pl

_INTEGER_BITS = {
    "Int8": 7,
    "Int16": 15,
    "Int32": 31,
    "Int64": 63,
    "Int128": 127,
    "UInt8": 8,
    "UInt16": 16,
    "UInt32": 32,
    "UInt64": 64,
}
# The widest integers that a float keeps exactly.
_FLOAT_BITS = {"Float32": 24, "Float64": 53}


@dataclass(frozen=True)
class Fit:
    """How a frame fits a table: casts that lose nothing, columns only the frame has, columns it lacks."""

    casts: Mapping[str, pl.DataType]
    added: Mapping[str, pl.DataType]
    missing: Mapping[str, pl.DataType]


def fit(frame: pl.Schema, table: pl.Schema, name: str) -> Fit:
    """Compare a frame's columns with a table's; raises `SchemaMismatchError` for a type that would lose values."""
    casts = {}
    for column, dtype in table.items():
        if column not in frame or frame[column] == dtype:
            continue
        if not widens(frame[column], dtype):
            raise SchemaMismatchError(
                f"column '{column}' is {frame[column]} in the rows to write and {dtype} in the table",
                remedy=f"Cast it to {dtype} first, or give the table a wider type.",
                table=name,
            )
        casts[column] = dtype
    return Fit(
        casts,
        {column: dtype for column, dtype in frame.items() if column not in table},
        {column: dtype for column, dtype in table.items() if column not in frame},
    )


def apply(frame: pl.LazyFrame, fitting: Fit, order: Iterable[str]) -> pl.LazyFrame:
    """Bring the frame into the table's columns, types and order."""
    import polars as pl

    return frame.with_columns(
        *[pl.col(column).cast(dtype) for column, dtype in fitting.casts.items()],
        *[pl.lit(None, dtype=dtype).alias(column) for column, dtype in fitting.missing.items()],
    ).select(list(order))


def widens(narrow: pl.DataType, wide: pl.DataType) -> bool:
    """Tell whether every value of `narrow` is kept by a cast to `wide`."""
    import polars as pl

    if narrow == wide or narrow == pl.Null:
        return True
    if narrow.is_integer() and str(wide) in {**_INTEGER_BITS, **_FLOAT_BITS}:
        if narrow.is_signed_integer() and wide.is_unsigned_integer():
            return False
        return _INTEGER_BITS[str(narrow)] <= {**_INTEGER_BITS, **_FLOAT_BITS}[str(wide)]
    if narrow.is_float() and wide.is_float():
        return str(narrow) == "Float32"
    if isinstance(narrow, pl.Datetime) and isinstance(wide, pl.Datetime):
        # Delta knows microseconds only: nanoseconds below are cut, as every Delta writer does.
        return (narrow.time_zone is None) == (wide.time_zone is None)
    if isinstance(narrow, pl.Decimal) and isinstance(wide, pl.Decimal):
        whole = (narrow.precision or 0) - narrow.scale <= (wide.precision or 0) - wide.scale
        return whole and narrow.scale <= wide.scale
    if isinstance(narrow, pl.Categorical | pl.Enum) and wide == pl.String:
        return True
    if isinstance(narrow, pl.List | pl.Array) and isinstance(wide, pl.List):
        return widens(_inner(narrow), _inner(wide))
    if isinstance(narrow, pl.Struct) and isinstance(wide, pl.Struct):
        fields = {field.name: field.dtype for field in wide.fields}
        return [field.name for field in narrow.fields] == list(fields) and all(
            widens(_instance(field.dtype), _instance(fields[field.name])) for field in narrow.fields
        )
    return False


def merge(schemas: Mapping[str, pl.Schema], table: str) -> pl.Schema:
    """Merge the schemas of several files, by name of the file: columns are joined, types widened.

    Raises `SchemaMismatchError` that names the column and both files.
    """
    import polars as pl

    merged: dict[str, pl.DataType] = {}
    seen_in: dict[str, str] = {}
    for file, schema in schemas.items():
        for column, dtype in schema.items():
            before = merged.get(column)
            if before is None or widens(before, dtype):
                merged[column] = dtype
                seen_in[column] = file
            elif not widens(dtype, before):
                raise SchemaMismatchError(
                    f"column '{column}' is {before} in {seen_in[column]} and {dtype} in {file}",
                    remedy="Rewrite one of the files, or give the table's columns in the registry.",
                    table=table,
                )
    return pl.Schema(merged)


def parse_types(columns: Mapping[str, str], table: str) -> pl.Schema:
    """Read the types of a schema that is given as text, such as `int64`, `string`, `timestamp[us, UTC]`."""
    import polars as pl

    return pl.Schema({column: _parse(text, column, table) for column, text in columns.items()})


def _parse(text: str, column: str, table: str) -> pl.DataType:
    import polars as pl

    plain: dict[str, pl.DataType] = {
        "boolean": pl.Boolean(),
        "int8": pl.Int8(),
        "int16": pl.Int16(),
        "int32": pl.Int32(),
        "int64": pl.Int64(),
        "uint8": pl.UInt8(),
        "uint16": pl.UInt16(),
        "uint32": pl.UInt32(),
        "uint64": pl.UInt64(),
        "float32": pl.Float32(),
        "float64": pl.Float64(),
        "string": pl.String(),
        "binary": pl.Binary(),
        "date": pl.Date(),
        "time": pl.Time(),
        "timestamp": pl.Datetime("us", "UTC"),
        "timestamp_ntz": pl.Datetime("us"),
    }
    name, _, rest = text.strip().partition("[")
    arguments = [part.strip() for part in rest.rstrip("]").split(",")] if rest else []
    lowered = name.strip().lower()
    if not arguments and lowered in plain:
        return plain[lowered]
    if lowered == "decimal" and len(arguments) == 2 and all(part.isdigit() for part in arguments):  # noqa: PLR2004 - precision and scale
        return pl.Decimal(int(arguments[0]), int(arguments[1]))
    if lowered == "list" and arguments:
        return pl.List(_parse(rest[: rest.rindex("]")], column, table))
    raise SchemaMismatchError(
        f"column '{column}' has the unknown type '{text}'",
        remedy=f"Use one of {', '.join(plain)}, decimal[precision, scale], list[type].",
        table=table,
    )


def _inner(dtype: pl.DataType) -> pl.DataType:
    return _instance(dtype.inner)  # type: ignore[attr-defined]  # only lists and arrays come here


def _instance(dtype: pl.DataType | type[pl.DataType]) -> pl.DataType:
    return dtype() if isinstance(dtype, type) else dtype
