"""Polars' types as Delta's (Delta Transaction Log Protocol, "Primitive Types")."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.errors import SchemaMismatchError
from s3_assets.tables.schemas import instance

if TYPE_CHECKING:
    import polars as pl
    from deltalake import Schema as DeltaSchema


def storable(schema: pl.Schema, table: str) -> pl.Schema:
    """Return the schema in types that Delta has: unsigned integers widened, categories as strings.

    Raises `SchemaMismatchError` for a type that has no counterpart, such as a duration.
    """
    import polars as pl

    return pl.Schema({column: _storable(dtype, column, table) for column, dtype in schema.items()})


def to_delta(schema: pl.Schema) -> DeltaSchema:
    """Return the Delta schema of storable columns."""
    import polars as pl
    from deltalake import Schema as DeltaSchema

    return DeltaSchema.from_arrow(pl.DataFrame(schema=schema).to_arrow().schema)


def _storable(dtype: pl.DataType, column: str, table: str) -> pl.DataType:
    import polars as pl

    if isinstance(dtype, pl.List | pl.Array):
        return pl.List(_storable(instance(dtype.inner), column, table))
    if isinstance(dtype, pl.Struct):
        return pl.Struct(
            {field.name: _storable(instance(field.dtype), column, table) for field in dtype.fields}
        )
    stored = _storable_value(dtype)
    if stored is None:
        raise SchemaMismatchError(
            f"column '{column}' is {dtype}, and Delta has no such type",
            remedy="Cast it first, for example to a string or an integer.",
            table=table,
        )
    return stored


def _storable_value(dtype: pl.DataType) -> pl.DataType | None:
    """Return what a type without inner types is stored as, if Delta can store it."""
    import polars as pl

    unsigned: dict[pl.DataType, pl.DataType] = {
        pl.UInt8(): pl.Int16(),
        pl.UInt16(): pl.Int32(),
        pl.UInt32(): pl.Int64(),
    }
    if dtype in unsigned:
        return unsigned[dtype]
    if dtype == pl.UInt64:
        return pl.Decimal(20, 0)
    if isinstance(dtype, pl.Categorical | pl.Enum):
        return pl.String()
    if isinstance(dtype, pl.Datetime):
        return pl.Datetime("us", "UTC" if dtype.time_zone else None)
    without = (pl.Time, pl.Duration, pl.Null, pl.Object, pl.Int128, pl.UInt128, pl.Unknown)
    return None if isinstance(dtype, without) else dtype
