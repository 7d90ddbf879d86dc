"""The rows in which two versions of a Delta table differ, told by the files that only one of them has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.errors import HistoryLostError
from s3_assets.tables import delta_log
from s3_assets.tables.delta_features import require_readable
from s3_assets.tables.positions import VersionPosition
from s3_assets.tables.table import Difference

if TYPE_CHECKING:
    import polars as pl
    from deltalake import DeltaTable as Handle

    from s3_assets.tables.delta import DeltaTable
    from s3_assets.tables.positions import Position


def difference(table: DeltaTable, since: Position) -> Difference | None:
    """Plan the rows of the files that were taken out and put in after `since`.

    None for a table that was made anew, for a version whose log is gone, and where one file has other rows in
    two versions: with deletion vectors. A file that was vacuumed is met when it is read.
    """
    import polars as pl

    handle = table.open()
    require_readable(handle, table.connection, table.location, table.name)
    until = VersionPosition(handle.version(), str(handle.metadata().id))
    schema = pl.Schema(handle.schema())
    if since == until:
        nothing = pl.LazyFrame(schema=schema)
        return Difference(nothing, nothing, until, empty=True)
    if not isinstance(since, VersionPosition) or since.partly or since.table_id != until.table_id:
        return None
    old = _opened(table, since.version)
    if old is None or not all(delta_log.read_by_polars(each) for each in (old, handle)):
        return None
    before, after = delta_log.files(old), delta_log.files(handle)
    taken = before.join(after, on="path", how="anti")
    put = after.join(before, on="path", how="anti")
    return Difference(
        _rows(table, handle, schema, taken),
        _rows(table, handle, schema, put),
        until,
        taken.height + put.height,
        sum(int(files["size_bytes"].sum()) for files in (taken, put)),
        empty=taken.is_empty() and put.is_empty(),
    )


def _opened(table: DeltaTable, version: int) -> Handle | None:
    try:
        return table.open(version)
    except HistoryLostError:
        return None


def _rows(table: DeltaTable, handle: Handle, schema: pl.Schema, files: pl.DataFrame) -> pl.LazyFrame:
    import polars as pl

    return (
        pl.LazyFrame(schema=schema) if files.is_empty() else table.scan_files(handle, schema, files["path"])
    )
