"""Schemas: which changes are safe, and how a frame is brought into a table's columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from s3_assets.errors import SchemaMismatchError
from s3_assets.tables.type_names import KNOWN, parse_type

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import polars as pl
    from polars.datatypes import DataTypeClass

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
_MOST_DIGITS = 38


@dataclass(frozen=True)
class Fit:
    """How a frame fits a table: casts that lose nothing, columns only the frame has, columns it lacks."""

    casts: Mapping[str, pl.DataType]
    added: Mapping[str, pl.DataType]
    missing: Mapping[str, pl.DataType]


def fit(frame: pl.Schema, table: pl.Schema, name: str) -> Fit:
    """Compare a frame's columns with a table's.

    Raises `SchemaMismatchError` for a type that would lose values.
    """
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

    if narrow in (wide, pl.Null()):
        return True
    if narrow.is_nested() or wide.is_nested():
        return _widens_nested(narrow, wide)
    if narrow.is_decimal() or wide.is_decimal():
        return _widens_decimal(narrow, wide)
    if narrow.is_numeric():
        return _widens_number(narrow, wide)
    if isinstance(narrow, pl.Datetime) and isinstance(wide, pl.Datetime):
        # Delta knows microseconds only: nanoseconds below are cut, as every Delta writer does.
        return (narrow.time_zone is None) == (wide.time_zone is None)
    return isinstance(narrow, pl.Categorical | pl.Enum) and wide == pl.String


def _widens_number(narrow: pl.DataType, wide: pl.DataType) -> bool:
    if narrow.is_float():
        return str(narrow) == "Float32" and str(wide) == "Float64"
    if narrow.is_signed_integer() and wide.is_unsigned_integer():
        return False
    kept = {**_INTEGER_BITS, **_FLOAT_BITS}
    return str(narrow) in kept and kept[str(narrow)] <= kept.get(str(wide), 0)


def _widens_decimal(narrow: pl.DataType, wide: pl.DataType) -> bool:
    import polars as pl

    if not isinstance(wide, pl.Decimal):
        return False
    room = wide.precision - wide.scale
    if isinstance(narrow, pl.Decimal):
        return narrow.precision - narrow.scale <= room and narrow.scale <= wide.scale
    # Every value of so many bits has its digits before the point.
    return narrow.is_integer() and len(str(2 ** _INTEGER_BITS[str(narrow)])) <= room


def _widens_nested(narrow: pl.DataType, wide: pl.DataType) -> bool:
    import polars as pl

    if isinstance(narrow, pl.List | pl.Array) and isinstance(wide, pl.List):
        return widens(instance(narrow.inner), instance(wide.inner))
    if isinstance(narrow, pl.Struct) and isinstance(wide, pl.Struct):
        fields = {field.name: field.dtype for field in wide.fields}
        return [field.name for field in narrow.fields] == list(fields) and all(
            widens(instance(field.dtype), instance(fields[field.name])) for field in narrow.fields
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
            joined = join_types(merged[column], dtype) if column in merged else dtype
            if joined is None:
                raise SchemaMismatchError(
                    f"column '{column}' is {merged[column]} in {seen_in[column]} and {dtype} in {file}",
                    remedy="Rewrite one of the files, or give the table's columns in the registry.",
                    table=table,
                )
            if merged.get(column) != joined:
                merged[column], seen_in[column] = joined, file
    return pl.Schema(merged)


def join_types(  # noqa: PLR0911 - one return for each kind of type
    one: pl.DataType, other: pl.DataType
) -> pl.DataType | None:
    """Return the type that keeps the values of both, if there is one."""
    import polars as pl

    if isinstance(one, pl.Decimal) and isinstance(other, pl.Decimal):
        scale = max(one.scale, other.scale)
        precision = scale + max(one.precision - one.scale, other.precision - other.scale)
        return pl.Decimal(precision, scale) if precision <= _MOST_DIGITS else None
    if isinstance(one, pl.Datetime) and isinstance(other, pl.Datetime) and widens(one, other):
        # The finer unit: a time outside its years fails when it is read, where the coarser one would cut.
        return min(one, other, key=lambda dtype: ("ns", "us", "ms").index(dtype.time_unit))
    if isinstance(one, pl.Struct) and isinstance(other, pl.Struct):
        fields = {field.name: instance(field.dtype) for field in one.fields}
        for field in other.fields:
            mine = fields.get(field.name)
            joined = join_types(mine, instance(field.dtype)) if mine else instance(field.dtype)
            if joined is None:
                return None
            fields[field.name] = joined
        return pl.Struct(fields)
    if isinstance(one, pl.List) and isinstance(other, pl.List):
        inner = join_types(instance(one.inner), instance(other.inner))
        return pl.List(inner) if inner else None
    if isinstance(one, pl.Enum) and isinstance(other, pl.Enum) and one != other:
        # One of them knows symbols that the other does not: text keeps both.
        return pl.String()
    if widens(one, other):
        return other
    return one if widens(other, one) else None


def conform(column: pl.Expr, have: pl.DataType, want: pl.DataType) -> pl.Expr:
    """Cast to a type that holds every value; fields that a file's records lack are null."""
    import polars as pl

    if have == want:
        return column
    if isinstance(have, pl.Struct) and isinstance(want, pl.Struct):
        mine = {field.name: instance(field.dtype) for field in have.fields}
        fields = [
            conform(column.struct.field(field.name), mine[field.name], instance(field.dtype)).alias(
                field.name
            )
            if field.name in mine
            else pl.lit(None, dtype=field.dtype).alias(field.name)
            for field in want.fields
        ]
        return pl.when(column.is_not_null()).then(pl.struct(fields))
    if isinstance(have, pl.List) and isinstance(want, pl.List):
        return column.list.eval(conform(pl.element(), instance(have.inner), instance(want.inner)))
    return column.cast(want)


def parse_types(columns: Mapping[str, str], table: str) -> pl.Schema:
    """Read the types of a schema that is given as text, such as `int64`, `string`, `timestamp[us, UTC]`."""
    import polars as pl

    return pl.Schema({column: _parse(text, column, table) for column, text in columns.items()})


def _parse(text: str, column: str, table: str) -> pl.DataType:
    try:
        return parse_type(text)
    except ValueError:
        raise SchemaMismatchError(
            f"column '{column}' has the unknown type '{text}'", remedy=f"Use one of {KNOWN}.", table=table
        ) from None


def instance(dtype: pl.DataType | DataTypeClass) -> pl.DataType:
    """Return a type, where Polars also lets a class without parameters stand for it."""
    made: pl.DataType = dtype() if isinstance(dtype, type) else dtype
    return made
