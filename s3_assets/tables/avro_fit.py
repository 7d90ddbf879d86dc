"""The columns of one Avro file as the columns of the table.

A column that a file lacks is null in its rows, whatever default the schema of another file gives, and an
alias renames nothing: which files are read together must not change the rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.tables import schemas
from s3_assets.tables.avro_stored import convert, from_message
from s3_assets.tables.avro_types import polars_type

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import polars as pl

    from s3_assets.tables.avro_header import Header


def schema_of(header: Header) -> pl.Schema:
    """Return the file's columns; of our own files those that were written, whatever they are stored as."""
    import polars as pl

    stored = pl.Schema({name: polars_type(member) for name, member in header.rows.members})
    return from_message(header.told, stored) if header.told else stored


def restored(header: Header, columns: Collection[str]) -> dict[str, pl.Expr]:
    """Return what makes these columns of a file of its decoded fields, by the fields' names."""
    import polars as pl

    return {
        field: convert(pl.col(field), polars_type(member), dtype).alias(column)
        for (field, member), (column, dtype) in zip(
            header.rows.members, schema_of(header).items(), strict=True
        )
        if column in columns
    }


def expressions(
    mine: Mapping[str, pl.DataType], wanted: Mapping[str, pl.DataType], folders: Mapping[str, object]
) -> list[pl.Expr]:
    """Return what makes the wanted columns of a file's own and of what its folders say."""
    import polars as pl

    return [
        pl.lit(folders[column], dtype=dtype).alias(column)
        if column in folders
        else schemas.conform(pl.col(column), mine[column], dtype).alias(column)
        if column in mine
        else pl.lit(None, dtype=dtype).alias(column)
        for column, dtype in wanted.items()
    ]
