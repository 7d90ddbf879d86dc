"""Files of one table that disagree about its columns: what is joined, what refused, and by which file."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from s3_assets.errors import SchemaMismatchError
from s3_assets.tables.schemas import join_types, merge

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from s3_assets.tables.settings import TypedSettings


@dataclass(frozen=True)
class Policy:
    """What becomes of columns that a file lacks, that only it has, and that have another type in it."""

    fails_on_missing: bool = False
    ignores_extra: bool = False
    fails_on_wider: bool = False

    @classmethod
    def of(cls, settings: TypedSettings) -> Policy:
        """Return what a table's settings say."""
        return cls(
            settings.on_missing_column == "fail",
            settings.on_extra_column == "ignore",
            settings.on_wider_type == "fail",
        )

    def join(self, schemas: Mapping[str, pl.Schema], table: str) -> pl.Schema:
        """Merge the schemas of files, by their names: every column of any, each with the type that holds all.

        Raises `SchemaMismatchError` that names the column, both types and both files.
        """
        merged = merge(schemas, table)
        first: dict[str, str] = {}
        for file, schema in schemas.items():
            for column, dtype in schema.items():
                other = first.setdefault(column, file)
                if self.fails_on_wider and schemas[other][column] != dtype:
                    raise _types(column, schemas[other][column], other, dtype, file, table)
        for file, schema in schemas.items() if self.fails_on_missing else ():
            for column in merged:
                if column not in schema:
                    raise _missing(column, file, f"{first[column]} has", table)
        return merged

    def fit(
        self,
        file: str,
        columns: Mapping[str, pl.DataType],
        table: pl.Schema,
        name: str,
        told_by: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Raise `SchemaMismatchError` if a file's columns do not fit those of the table.

        `table` is without the columns that no file has; `told_by` says which file has one of its types.
        """
        for column, dtype in columns.items():
            if column not in table:
                if self.ignores_extra:
                    continue
                raise SchemaMismatchError(
                    f"{file} has the column '{column}' ({dtype}), which the table has not",
                    remedy="Add it to the columns in the registry, or set on_extra_column to 'ignore'.",
                    table=name,
                )
            wide = table[column]
            if dtype != wide and (self.fails_on_wider or not holds(wide, dtype)):
                who = f"the table, as in {told_by[column]}" if column in told_by else "the table"
                raise SchemaMismatchError(
                    f"column '{column}' is {dtype} in {file} and only {wide} in {who}",
                    remedy="Give the table's columns in the registry, with the wider type.",
                    table=name,
                )
        for column in table if self.fails_on_missing else ():
            if column not in columns:
                raise _missing(column, file, "the table has", name)


def holds(wide: pl.DataType, narrow: pl.DataType) -> bool:
    """Tell whether a column of the table can take a file's values as they are."""
    return join_types(narrow, wide) == wide


def _types(
    column: str, one: pl.DataType, file: str, other: pl.DataType, another: str, table: str
) -> SchemaMismatchError:
    return SchemaMismatchError(
        f"column '{column}' is {one} in {file} and {other} in {another}",
        remedy="Rewrite one of the files, or give the table's columns in the registry, with the wider type.",
        table=table,
    )


def _missing(column: str, file: str, who: str, table: str) -> SchemaMismatchError:
    return SchemaMismatchError(
        f"{file} lacks the column '{column}', which {who}",
        remedy="Rewrite the file, or set on_missing_column to 'null'.",
        table=table,
    )
