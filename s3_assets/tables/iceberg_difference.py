"""The rows in which two snapshots of an Iceberg table differ, told by the files that only one of them has.

A data file that has got other deletes counts as another file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.tables.iceberg_deletes import targets
from s3_assets.tables.iceberg_files import live
from s3_assets.tables.iceberg_rows import rows
from s3_assets.tables.iceberg_scan import Scanner
from s3_assets.tables.iceberg_snapshots import NO_SNAPSHOT, position_of, table_id
from s3_assets.tables.iceberg_types import from_iceberg
from s3_assets.tables.positions import VersionPosition
from s3_assets.tables.table import Difference

if TYPE_CHECKING:
    import polars as pl
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table as Handle
    from pyiceberg.table.snapshots import Snapshot

    from s3_assets.tables.iceberg import IcebergTable
    from s3_assets.tables.iceberg_deletes import Target
    from s3_assets.tables.positions import Position


# Field 144 of a data file in version 3 (Iceberg Table Spec, "Data File Fields"): where in it a vector begins.
_OFFSET_FIELD = "content_offset"


def difference(table: IcebergTable, handle: Handle, since: Position) -> Difference | None:
    """Plan the rows of the files that only one of the snapshots has, that of `since` and the current one.

    None for a table that was made anew, and for a snapshot that has expired. A file that is gone is met when
    it is read.
    """
    import polars as pl

    current = handle.current_snapshot()
    until = position_of(handle, current)
    columns = from_iceberg(handle.schema(), table.name)
    if since == until:
        nothing = pl.LazyFrame(schema=columns)
        return Difference(nothing, nothing, until, empty=True)
    if not isinstance(since, VersionPosition) or since.partly or since.table_id != table_id(handle):
        return None
    old = handle.snapshot_by_id(since.version)
    if old is None and since.version != NO_SNAPSHOT:
        return None
    before, after = (_targets(handle, snapshot) for snapshot in (old, current))
    taken = [before[each] for each in before.keys() - after.keys()]
    put = [after[each] for each in after.keys() - before.keys()]
    return Difference(
        _rows(table, handle, columns, taken),
        _rows(table, handle, columns, put),
        until,
        len(taken) + len(put),
        sum(each.data.file.file_size_in_bytes for each in (*taken, *put)),
        empty=not (taken or put),
    )


def _targets(handle: Handle, snapshot: Snapshot | None) -> dict[object, Target]:
    """Return the data files with their deletes, by what they and these are."""
    found = targets(live(handle, snapshot, handle.schema()))
    return {
        (
            each.data.file.file_path,
            frozenset(_place(delete) for delete in each.own),
            frozenset(_place(delete.file) for delete in (*each.shared, *each.equality)),
        ): each
        for each in found
    }


def _place(file: DataFile) -> tuple[str, object]:
    """Return where a delete file is; several deletion vectors may share one file."""
    from pyiceberg.manifest import DATA_FILE_TYPE

    offset = [field.name for field in DATA_FILE_TYPE[3].fields].index(_OFFSET_FIELD)
    return file.file_path, file[offset]


def _rows(table: IcebergTable, handle: Handle, columns: pl.Schema, files: list[Target]) -> pl.LazyFrame:
    import polars as pl

    if not files:
        return pl.LazyFrame(schema=columns)
    ordered = sorted(files, key=lambda each: each.data.file.file_path)
    return rows(Scanner(table, handle), handle.schema(), ordered)
