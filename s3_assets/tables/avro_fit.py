"""The columns of one Avro file as the columns of the table.

A column that a file lacks is null in its rows, whatever default the schema of another file gives, and an
alias renames nothing: which files are read together must not change the rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.errors import SchemaMismatchError
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
    mine: Mapping[str, pl.DataType],
    table: pl.Schema,
    wanted: Mapping[str, pl.DataType],
    folders: Mapping[str, object],
    url: str,
) -> list[pl.Expr]:
    """Return what makes the wanted columns of a file's own and of what its folders say.

    Raises `SchemaMismatchError` if the file has a column that the table, as planned, does not hold.
    """
    import polars as pl

    _fit(mine, table, url)
    return [
        pl.lit(folders[column], dtype=dtype).alias(column)
        if column in folders
        else _conform(pl.col(column), mine[column], dtype).alias(column)
        if column in mine
        else pl.lit(None, dtype=dtype).alias(column)
        for column, dtype in wanted.items()
    ]


def _fit(mine: Mapping[str, pl.DataType], table: pl.Schema, url: str) -> None:
    import polars as pl

    for column, dtype in mine.items():
        if column not in table:
            raise SchemaMismatchError(
                f"{url} has the column '{column}', which the table has not",
                remedy="Give the table's columns in the registry, with this one among them.",
            )
        wide = table[column]
        if schemas.widens(dtype, wide):
            continue
        both = {"the table": pl.Schema({column: wide}), url: pl.Schema({column: dtype})}
        if schemas.merge(both, "")[column] != wide:
            raise SchemaMismatchError(
                f"column '{column}' is {dtype} in {url} and only {wide} in the table",
                remedy="Give the table's columns in the registry, with the wider type.",
            )


def excludes(predicate: pl.Expr, folders: Mapping[str, object], schema: pl.Schema) -> bool:
    """Tell whether the folders alone rule out every row of a file."""
    import polars as pl

    named = predicate.meta.root_names()
    if not named or not all(name in folders for name in named):
        return False
    row = pl.DataFrame(
        {name: [folders[name]] for name in named}, schema={name: schema[name] for name in named}
    )
    return row.filter(predicate).is_empty()


def _conform(column: pl.Expr, have: pl.DataType, want: pl.DataType) -> pl.Expr:
    """Cast to a type that holds every value; fields that a file's records lack are null."""
    import polars as pl

    if have == want:
        return column
    if isinstance(have, pl.Struct) and isinstance(want, pl.Struct):
        mine = {field.name: schemas.instance(field.dtype) for field in have.fields}
        fields = [
            _conform(column.struct.field(field.name), mine[field.name], schemas.instance(field.dtype)).alias(
                field.name
            )
            if field.name in mine
            else pl.lit(None, dtype=field.dtype).alias(field.name)
            for field in want.fields
        ]
        return pl.when(column.is_not_null()).then(pl.struct(fields))
    if isinstance(have, pl.List) and isinstance(want, pl.List):
        return column.list.eval(
            _conform(pl.element(), schemas.instance(have.inner), schemas.instance(want.inner))
        )
    return column.cast(want)
