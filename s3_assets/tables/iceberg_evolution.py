"""How an Iceberg table's columns follow the rows (Iceberg Table Spec, "Schema Evolution")."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.tables.iceberg_types import storable, to_iceberg

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl
    from pyiceberg.table import Transaction


def wider(table: pl.Schema, rows: pl.Schema, name: str) -> dict[str, pl.DataType]:
    """Return the columns that may take the rows' wider type: int to long, float to double, more digits."""
    import polars as pl

    numbers = {column: dtype for column, dtype in rows.items() if column in table and dtype.is_numeric()}
    stored = storable(pl.Schema(numbers), name)
    return {column: dtype for column, dtype in stored.items() if _promotes(table[column], dtype)}


def change(transaction: Transaction, table: pl.Schema, columns: Mapping[str, pl.DataType], name: str) -> None:
    """Stage these columns: those that the table has get their new type, the others are added, nullable."""
    import polars as pl

    update = transaction.update_schema()
    for field in to_iceberg(storable(pl.Schema(columns), name)).fields:
        # As tuples: a dot in a name leads nowhere.
        if field.name in table:
            update.update_column((field.name,), field_type=field.field_type)
        else:
            update.add_column((field.name,), field.field_type)
    update.commit()


def _promotes(narrow: pl.DataType, wide: pl.DataType) -> bool:
    import polars as pl

    if isinstance(narrow, pl.Decimal) and isinstance(wide, pl.Decimal):
        return narrow.scale == wide.scale and narrow.precision < wide.precision
    return (narrow, wide) in {(pl.Int32(), pl.Int64()), (pl.Float32(), pl.Float64())}
