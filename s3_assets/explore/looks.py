"""A look at a table: its columns, and its first rows, as a read would have them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from s3_assets.broken_files import broken_files_told
from s3_assets.connection.diagnosis import diagnosed
from s3_assets.errors import SchemaMismatchError
from s3_assets.explore.findings import FIRST_FILES
from s3_assets.tables.files import hive_columns
from s3_assets.tables.folder_table import FolderTable
from s3_assets.tables.naming import naming

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import polars as pl

    from s3_assets.objects import ObjectInfo
    from s3_assets.tables.table import Plan, Table


class Look(NamedTuple):
    """Some rows, and what was said while they were read."""

    rows: pl.DataFrame
    notes: tuple[str, ...]


class Columns(NamedTuple):
    """The columns of a table, those of its folders, those that may be null, and who told it."""

    schema: pl.Schema
    partitions: frozenset[str]
    nullable: dict[str, bool]
    """Of the columns of which the format says it."""
    files: tuple[str, ...]


def first_rows(
    table: Table[Any],
    rows: int,
    columns: Sequence[str] | None = None,
    *,
    transform: Callable[[pl.LazyFrame], pl.LazyFrame] | None = None,
    known: Sequence[ObjectInfo] = (),
) -> Look:
    """Read the first rows, behind `transform`; of a folder only the first ten files are listed and looked at.

    Nothing is listed if these are `known`. Raises `SchemaMismatchError` for a column that is not there.
    """
    with naming(table):
        return _first_rows(table, rows, columns, transform, known)


def _first_rows(
    table: Table[Any],
    rows: int,
    columns: Sequence[str] | None,
    transform: Callable[[pl.LazyFrame], pl.LazyFrame] | None,
    known: Sequence[ObjectInfo],
) -> Look:
    import polars as pl

    plan = beginning(_harmless(table), known)
    frame = plan.frame if transform is None else transform(plan.frame)
    if columns is not None:
        schema = frame.collect_schema()
        missing = [column for column in columns if column not in schema]
        if missing:
            raise SchemaMismatchError(
                f"there is no column '{missing[0]}'",
                remedy=f"Name some of {', '.join(schema)}.",
                table=table.name,
            )
        frame = frame.select(columns)
    place = table.location.url
    with (
        diagnosed(table.connection, place, OSError, pl.exceptions.ComputeError),
        broken_files_told(),
    ):
        found = frame.head(rows).collect(engine="streaming")
    return Look(found, plan.remarks)


def beginning(table: Table[Any], known: Sequence[ObjectInfo] = ()) -> Plan:
    """Plan a read whose cost does not grow with the table; `known` are its first files, if they are."""
    return table.beginning(FIRST_FILES, known) if isinstance(table, FolderTable) else table.plan()


def _harmless(table: Table[Any]) -> Table[Any]:
    """Return the table as one that a look leaves as it was: bad rows are left out, and kept nowhere."""
    if getattr(table.settings, "on_bad_row", None) != "quarantine":
        return table
    return type(table)(table.name, table.settings.model_copy(update={"on_bad_row": "skip"}), table.connection)


def columns_of(table: Table[Any], *, bounded: bool, known: Sequence[ObjectInfo] = ()) -> Columns:
    """Return the table's columns; `bounded` looks at the first files alone, else as many as a read does.

    Nothing is listed for that if the first files are `known`.
    """
    with naming(table):
        return _columns_of(table, bounded=bounded, known=known)


def _columns_of(table: Table[Any], *, bounded: bool, known: Sequence[ObjectInfo]) -> Columns:
    from s3_assets.explore.nullability import nullable

    plan = beginning(table, known) if bounded else table.plan()
    schema = plan.frame.collect_schema()
    told = plan.schema_files or ()
    folders = _partition_columns(table, told) & set(schema)
    root = f"s3://{table.location.bucket}/"
    return Columns(schema, frozenset(folders), nullable(table, told), tuple(f"{root}{key}" for key in told))


def _partition_columns(table: Table[Any], keys: Sequence[str]) -> set[str]:
    if table.settings.format == "delta":
        from s3_assets.explore import delta

        return delta.partition_columns(table)
    if table.settings.format == "iceberg":
        from s3_assets.explore import iceberg

        return iceberg.partition_columns(table)
    found = set(hive_columns(keys, table.location.key))
    declared = table.settings.partitions
    return found | ({declared.column} if declared is not None else set())
