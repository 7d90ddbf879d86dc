"""Positions that people name: a version, a path, or a time of a source, as a cursor holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from s3_assets.errors import SettingError
from s3_assets.object_listings import empty_listing
from s3_assets.tables.folder_table import FolderTable
from s3_assets.tables.positions import FilesPosition, ModifiedPosition, PathPosition, Position
from s3_assets.tables.table import ReadMode

if TYPE_CHECKING:
    from datetime import datetime

    from s3_assets.tables.table import Table


def at_version(source: Table[Any], version: int) -> Position:
    """Return the position of a consumer that has read a version (Delta) or snapshot (Iceberg) and all before.

    Raises `HistoryLostError` for one that the source does not keep, `SettingError` if it has no versions.
    """
    if isinstance(source, FolderTable):
        raise _other_kind(source, "version", "path or a time")
    return source.plan(ReadMode.CURRENT, at=version).until


def at_path(source: Table[Any], path: str) -> Position:
    """Return the position of a consumer that has read all files up to this one, in the order of their names.

    `path` counts from the table's folder. Raises `SettingError` if the source does not go by names.
    """
    folder = _folder(source, "path")
    way = folder.settings.incremental
    if way == "modified_time":
        raise _other_way(folder, "--modified")
    if way == "path_order":
        return PathPosition(path)
    listed = folder.folder.list_files()
    return FilesPosition(listed.filter(folder.folder.paths(listed) <= path).select(empty_listing().columns))


def at_time(source: Table[Any], moment: datetime) -> Position:
    """Return the position of a consumer that has read all files that were written up to a moment.

    Raises `SettingError` if the source does not go by times.
    """
    import polars as pl

    folder = _folder(source, "time")
    if folder.settings.incremental == "path_order":
        raise _other_way(folder, "--last-path")
    listed = folder.folder.list_files().select(empty_listing().columns)
    read = listed.filter(pl.col("modified") <= moment)
    if folder.settings.incremental == "exact":
        return FilesPosition(read)
    since = moment - folder.settings.look_back
    return ModifiedPosition(moment, read.filter(pl.col("modified") >= since), since)


def _folder(source: Table[Any], named: str) -> FolderTable[Any]:
    if not isinstance(source, FolderTable):
        raise _other_kind(source, named, "version")
    return source


def _other_kind(source: Table[Any], named: str, known: str) -> SettingError:
    return SettingError(
        f"a {named} was named, and in a {source.settings.format} source a cursor stands at a {known}",
        remedy="Name that instead.",
        table=source.name,
    )


def _other_way(source: FolderTable[Any], option: str) -> SettingError:
    return SettingError(
        f"the source is read by incremental: {source.settings.incremental}",
        remedy=f"Name the position with {option}.",
        table=source.name,
    )
