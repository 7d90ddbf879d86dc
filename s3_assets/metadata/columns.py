"""The columns of a table as Dagster shows them: types as a registry writes them, descriptions, demands."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import dagster as dg

from s3_assets.tables.described import ColumnNote, Described, with_partitions
from s3_assets.tables.settings import FolderSettings
from s3_assets.windows import Every

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from s3_assets.tables.settings import TableSettings

_NOTHING = ColumnNote()
_OF_READERS = {"_file_name": "string", "_file_path": "string", "_file_modified": "timestamp"}


def column_schema(described: Described | pl.Schema, settings: TableSettings | None = None) -> dg.TableSchema:
    """Return the columns; what `settings` say of one goes before what the table says of it."""
    from s3_assets.tables.type_names import type_name

    told = described if isinstance(described, Described) else Described(described, {})
    notes = dict(told.notes)
    if (
        settings is not None
        and settings.partitions is not None
        and settings.partitions.column in told.columns
    ):
        notes = with_partitions(notes, [settings.partitions.column])
    types = {name: type_name(dtype) for name, dtype in told.columns.items()}
    return _schema(types, notes, settings, told.demands)


def declared_schema(settings: TableSettings) -> dg.TableSchema | None:
    """Return the columns as far as the registry alone says them: None if it says no types.

    Nothing is read, and no engine is imported.
    """
    if not isinstance(settings, FolderSettings) or settings.columns is None:
        return None
    types = dict(settings.columns)
    partitions = settings.partitions
    if partitions is not None and partitions.folders is not None:
        types.setdefault(partitions.column, "timestamp" if partitions.every is Every.HOUR else "date")
    types |= {name: _OF_READERS[name] for name in settings.reader_columns}
    folders = [partitions.column] if partitions is not None and partitions.column in types else []
    # What the table says of its columns is not known here, and is not to be overruled by a guess.
    return _schema(types, with_partitions({}, folders), settings)


def _schema(
    types: Mapping[str, str],
    notes: Mapping[str, ColumnNote],
    settings: TableSettings | None,
    demands: tuple[str, ...] = (),
) -> dg.TableSchema:
    descriptions = settings.column_descriptions if settings is not None else {}
    columns = []
    for name, type_ in types.items():
        note = notes.get(name, _NOTHING)
        description = descriptions.get(name) or note.description
        columns.append(_column(name, type_, description, note.nullable, note.demands))
    return dg.TableSchema(columns, dg.TableConstraints(other=list(demands)) if demands else None)


@lru_cache(maxsize=10_000)
def _column(
    name: str,
    type_: str,
    description: str | None,
    nullable: bool,
    demands: tuple[str, ...],
) -> dg.TableColumn:
    # Many tables have columns alike, and Dagster takes its time to check each.
    constraints = dg.TableColumnConstraints(nullable=nullable, other=list(demands))
    return dg.TableColumn(name, type_, description, constraints)
