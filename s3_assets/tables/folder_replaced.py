"""Which files of a folder an overwrite takes out: those of its window, as the names of their folders tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from s3_assets.errors import UnsupportedError
from s3_assets.tables.files import hive_folder
from s3_assets.tables.folder_conditions import folder_conditions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from s3_assets.tables.files import Folder
    from s3_assets.tables.folder_conditions import FolderCondition
    from s3_assets.tables.folder_table import FolderTable
    from s3_assets.tables.regions import Region


def replaced(table: FolderTable[Any], folder: Folder, window: Region | None) -> list[str]:
    """Return the paths, below the table, of the files whose rows are replaced (no window: of all).

    Of other partitions nothing is listed. Raises `UnsupportedError` for a window that cuts folders, and for a
    file of which it cannot be told whether it holds rows of the window.
    """
    if window is None:
        listed = folder.list_files()
        return [key.removeprefix(table.location.key) for key in listed["key"]]
    conditions = folder_conditions(window, table.settings)
    cut = next((each for each in conditions if not each.aligned), None)
    if cut is not None:
        raise UnsupportedError(
            f"the run's window {cut.condition} begins or ends within the folders of a timestamp, which are "
            "whole hours or days of the partitions' time zone",
            remedy="Choose format: delta or iceberg; or partition by a string column that holds the start of "
            "the partition.",
            table=table.name,
        )
    listed = folder.list_files_inside(conditions)
    paths = [key.removeprefix(table.location.key) for key in listed["key"]]
    return [path for path in paths if _in_window(path, conditions, table)]


def _in_window(path: str, conditions: Sequence[FolderCondition], table: FolderTable[Any]) -> bool:
    named = [hive_folder(segment) for segment in path.split("/")[:-1]]
    told = [
        next((found for each in named if (found := condition.tells(*each)) is not None), None)
        for condition in conditions
    ]
    if False in told:
        return False
    untold = next((each for each, found in zip(conditions, told, strict=True) if found is None), None)
    if untold is None:
        return True
    column = untold.condition.column
    raise UnsupportedError(
        f"the file {table.location.key}{path} lies in no folder of the partition column '{column}' whose "
        "name can be read, so it cannot be told whether it holds rows of this window",
        remedy=f"Move it into a folder such as {column}=…/, or choose format: delta.",
        table=table.name,
    )
