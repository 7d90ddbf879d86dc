"""Polars' types as Delta's (Delta Transaction Log Protocol, "Primitive Types")."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.errors import SchemaMismatchError

if TYPE_CHECKING:
    import polars as pl
    from deltalake import Schema as DeltaSchema

_WIDENED = {"UInt8": "Int16", "UInt16": "Int32", "UInt32": "Int64"}


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

    if str(dtype) in _WIDENED:
        return getattr(pl, _WIDENED[str(dtype)])()  # type: ignore[no-any-return]  # a class of polars by its name
    if dtype == pl.UInt64:
        return pl.Decimal(20, 0)
    if isinstance(dtype, pl.Categorical | pl.Enum):
        return pl.String()
    if isinstance(dtype, pl.Datetime):
        return pl.Datetime("us", "UTC" if dtype.time_zone else None)
    if isinstance(dtype, pl.List | pl.Array):
        return pl.List(_storable(_instance(dtype.inner), column, table))
    if isinstance(dtype, pl.Struct):
        return pl.Struct(
            {field.name: _storable(_instance(field.dtype), column, table) for field in dtype.fields}
        )
    if dtype in {pl.Time, pl.Duration, pl.Null, pl.Object, pl.Int128}:
        raise SchemaMismatchError(
            f"column '{column}' is {dtype}, and Delta has no such type",
            remedy="Cast it first, for example to a string or an integer.",
            table=table,
        )
    return dtype


def _instance(dtype: pl.DataType | type[pl.DataType]) -> pl.DataType:
    return dtype() if isinstance(dtype, type) else dtype
