"""Which files of a folder an overwrite takes out: those of its window, as the names of their folders tell."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from s3_assets.errors import UnsupportedError
from s3_assets.tables.files import hive_folder
from s3_assets.tables.partitioning import Bounds, label_bounds, label_column
from s3_assets.tables.parts import read_value

if TYPE_CHECKING:
    import polars as pl

    from s3_assets.tables.files import Folder
    from s3_assets.tables.folder_table import FolderTable


def replaced(table: FolderTable[Any], folder: Folder, window: Bounds | None) -> list[str]:
    """Return the paths, below the table, of the files whose rows are replaced (no window: of all).

    Of other partitions nothing is listed. Raises `UnsupportedError` for a file of which it cannot be told
    whether it holds rows of the window.
    """
    if window is None:
        listed = folder.list_files()
        return [key.removeprefix(table.location.key) for key in listed["key"]]
    windows = [window]
    if isinstance(window.low, datetime) and table.settings.partitions is not None:
        windows.append(label_bounds(window, label_column(table.settings.partitions)))
    listed = folder.list_files_inside(windows, _dtype(window))
    paths = [key.removeprefix(table.location.key) for key in listed["key"]]
    return [path for path in paths if _in_window(path, {each.column: each for each in windows}, table)]


def _in_window(path: str, windows: dict[str, Bounds], table: FolderTable[Any]) -> bool:
    first = next(iter(windows))
    for segment in path.split("/")[:-1]:
        column, text = hive_folder(segment)
        if column not in windows:
            continue
        if text is None:
            # A null lies in no window.
            return False
        value = read_value(text, _dtype(windows[column]))
        if value is not None:
            return windows[column].contains(value)
    raise UnsupportedError(
        f"the file {table.location.key}{path} lies in no folder of the partition column '{first}' whose name "
        "can be read, so it cannot be told whether it holds rows of this window",
        remedy=f"Move it into a folder such as {first}=…/, or choose format: delta.",
        table=table.name,
    )


def _dtype(window: Bounds) -> pl.DataType:
    """Return the type of a window's bounds: that of the column."""
    import polars as pl

    if isinstance(window.low, datetime):
        return pl.Datetime("us", "UTC" if window.zone is not None else None)
    if isinstance(window.low, date):
        return pl.Date()
    return pl.Int64() if isinstance(window.low, int) else pl.String()
