"""Polars' types as Iceberg's and back (Iceberg Table Spec, "Schemas and Data Types")."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from s3_assets.errors import SchemaMismatchError, UnsupportedError
from s3_assets.tables.schemas import instance

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl
    from pyiceberg.schema import Schema
    from pyiceberg.types import IcebergType, NestedField


def storable(schema: pl.Schema, table: str) -> pl.Schema:
    """Return the schema in types that Iceberg has: short and unsigned integers widened, categories as text.

    Times keep microseconds: what is finer is cut, as every Iceberg writer does. Raises `SchemaMismatchError`
    for a type that has no counterpart, such as a duration.
    """
    import polars as pl

    return pl.Schema({column: _storable(dtype, column, table) for column, dtype in schema.items()})


def to_iceberg(schema: pl.Schema) -> Schema:
    """Return the Iceberg schema of storable columns: all optional, with fresh field ids."""
    from pyiceberg.schema import Schema, assign_fresh_schema_ids

    numbers = count(1)

    def next_number() -> int:
        return next(numbers)

    fields = [_field(name, dtype, next_number) for name, dtype in schema.items()]
    # The specification's order of ids: the columns first, then what is inside them.
    return assign_fresh_schema_ids(Schema(*fields))


def from_iceberg(schema: Schema, table: str) -> pl.Schema:
    """Return the columns as they are read: a uuid and a fixed are binary, a map is a map.

    Raises `UnsupportedError` that names a column whose type nobody here can read.
    """
    import polars as pl
    from pyiceberg.io.pyarrow import schema_to_pyarrow
    from pyiceberg.schema import Schema

    found: dict[str, pl.DataType] = {}
    for field in schema.fields:
        try:
            found.update(pl.Schema(schema_to_pyarrow(Schema(field))))
        except (NotImplementedError, TypeError, ValueError, pl.exceptions.PolarsError) as error:
            raise UnsupportedError(
                f"column '{field.name}' is of Iceberg's type {field.field_type}, which cannot be read",
                remedy="Read a view or a copy of the table without it.",
                table=table,
            ) from error
    return pl.Schema(found)


def _storable(dtype: pl.DataType, column: str, table: str) -> pl.DataType:
    import polars as pl

    if isinstance(dtype, pl.List | pl.Array):
        return pl.List(_storable(instance(dtype.inner), column, table))
    if isinstance(dtype, pl.Map):
        return pl.Map(
            _storable(instance(dtype.key), column, table), _storable(instance(dtype.value), column, table)
        )
    if isinstance(dtype, pl.Struct):
        return pl.Struct(
            {field.name: _storable(instance(field.dtype), column, table) for field in dtype.fields}
        )
    stored = _storable_value(dtype)
    if stored is None:
        raise SchemaMismatchError(
            f"column '{column}' is {dtype}, and Iceberg has no such type",
            remedy="Cast it first, for example to a string or an integer.",
            table=table,
        )
    return stored


def _storable_value(dtype: pl.DataType) -> pl.DataType | None:
    """Return what a type without inner types is stored as, if Iceberg can store it."""
    import polars as pl

    widened: dict[pl.DataType, pl.DataType] = {
        pl.Int8(): pl.Int32(),
        pl.Int16(): pl.Int32(),
        pl.UInt8(): pl.Int32(),
        pl.UInt16(): pl.Int32(),
        pl.UInt32(): pl.Int64(),
        pl.UInt64(): pl.Decimal(20, 0),
    }
    if dtype in widened:
        return widened[dtype]
    if isinstance(dtype, pl.Categorical | pl.Enum):
        return pl.String()
    if isinstance(dtype, pl.Datetime):
        return pl.Datetime("us", "UTC" if dtype.time_zone else None)
    same = (
        pl.Boolean,
        pl.Int32,
        pl.Int64,
        pl.Float32,
        pl.Float64,
        pl.Decimal,
        pl.Date,
        pl.Time,
        pl.String,
        pl.Binary,
    )
    return dtype if isinstance(dtype, same) else None


def _field(name: str, dtype: pl.DataType, next_number: Callable[[], int]) -> NestedField:
    from pyiceberg.types import NestedField

    return NestedField(next_number(), name, _type(dtype, next_number), required=False)


def _type(dtype: pl.DataType, next_number: Callable[[], int]) -> IcebergType:
    import polars as pl
    from pyiceberg import types

    if isinstance(dtype, pl.Struct):
        return types.StructType(
            *[_field(field.name, instance(field.dtype), next_number) for field in dtype.fields]
        )
    if isinstance(dtype, pl.List):
        inner = _type(instance(dtype.inner), next_number)
        return types.ListType(next_number(), inner, element_required=False)
    if isinstance(dtype, pl.Map):
        key, value = (_type(instance(each), next_number) for each in (dtype.key, dtype.value))
        return types.MapType(next_number(), key, next_number(), value, value_required=False)
    if isinstance(dtype, pl.Decimal):
        return types.DecimalType(dtype.precision, dtype.scale)
    if isinstance(dtype, pl.Datetime):
        return types.TimestamptzType() if dtype.time_zone else types.TimestampType()
    plain: dict[pl.DataType, IcebergType] = {
        pl.Boolean(): types.BooleanType(),
        pl.Int32(): types.IntegerType(),
        pl.Int64(): types.LongType(),
        pl.Float32(): types.FloatType(),
        pl.Float64(): types.DoubleType(),
        pl.Date(): types.DateType(),
        pl.Time(): types.TimeType(),
        pl.String(): types.StringType(),
        pl.Binary(): types.BinaryType(),
    }
    return plain[dtype]
