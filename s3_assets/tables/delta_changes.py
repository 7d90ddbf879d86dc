"""What the commits behind a cursor added or changed, up to a limit; nothing new is two requests."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from s3_assets.tables import delta_feed, delta_gaps, delta_log, delta_portions, delta_snapshot
from s3_assets.tables.change_columns import CHANGE_TYPE, COMMIT_TIMESTAMP, COMMIT_VERSION, change_schema
from s3_assets.tables.delta_features import require_readable
from s3_assets.tables.delta_listing import LogListing
from s3_assets.tables.delta_range import readable, take
from s3_assets.tables.table import Plan, ReadMode

if TYPE_CHECKING:
    from datetime import datetime

    import polars as pl
    from deltalake import DeltaTable as Handle

    from s3_assets.tables.delta import DeltaTable
    from s3_assets.tables.delta_range import Taken
    from s3_assets.tables.positions import Limit, Position, VersionPosition
    from s3_assets.windows import Slice, Window

__all__ = ["CHANGE_TYPE", "COMMIT_TIMESTAMP", "COMMIT_VERSION", "plan"]


def plan(
    table: DeltaTable,
    mode: ReadMode,
    since: Position,
    at: int | datetime | None,
    window: Window | Slice | None,
    limit: Limit | None,
) -> Plan:
    """Plan the rows that the commits behind `since` added (mode added) or changed (mode changes).

    Raises a `HistoryGapError` if that cannot be told.
    """
    import polars as pl

    start = delta_gaps.position(table, since)
    if start.partly is not None and start.partly.of_snapshot:
        return delta_snapshot.resume(table, start, mode, window, limit)
    if at is None and _is_newest(table, start):
        return _nothing(table, mode, start)
    handle = table.open(at)
    require_readable(handle, table.connection, table.location, table.name)
    delta_gaps.require_same(table, handle, start)
    if mode is ReadMode.CHANGES:
        delta_gaps.require_feed(table, handle)
        if start.partly is not None:
            raise delta_gaps.version_lost(table, start, "the changes of a version are read whole")
    schema = delta_log.columns(handle)
    bound = table.bounds(window, schema) if window is not None else None
    taken = take(table, handle, start, mode, limit)
    notes = tuple(
        f"version {each.version} ({each.operation}) changed rows; only added rows are read"
        for each in taken.changing
        if mode is ReadMode.ADDED
    )
    if not taken.reaching:
        empty = pl.LazyFrame(schema=change_schema(schema) if mode is ReadMode.CHANGES else schema)
        passed = taken.until.version - start.version
        return Plan(empty, mode, taken.until, 0, 0, empty=True, more=taken.more, passed=passed, notes=notes)
    frame, files, size = _rows(table, handle, schema, mode, start, taken)
    cut = None
    if _in_files(handle, taken):
        cut = delta_portions.cut(
            table, handle, schema, ((each.path, each.size) for each in taken.files), bound
        )
    return Plan(
        frame if bound is None else frame.filter(bound.expression()),
        mode,
        taken.until,
        files,
        size,
        more=taken.more,
        notes=notes,
        cut=cut,
    )


def _rows(
    table: DeltaTable, handle: Handle, schema: pl.Schema, mode: ReadMode, start: VersionPosition, taken: Taken
) -> tuple[pl.LazyFrame, int, int]:
    """Return the rows, and the number and size of the files that are read for them."""
    if _in_files(handle, taken):
        delta_gaps.require_kept(table, taken.taken_out(handle))
        frame = table.scan_files(handle, schema, [each.path for each in taken.files])
        return frame, len(taken.files), sum(each.size for each in taken.files)
    if start.partly is not None:
        raise delta_gaps.version_lost(table, start, "its files can no more be read one by one")
    delta_gaps.require_feed(table, handle)
    delta_gaps.require_feed_throughout(table, taken.commits, start.version, newest=not taken.more)
    if taken.more:
        # Later commits may have changed the columns: the feed is read with those of its own versions.
        handle = table.open(taken.until.version)
        schema = delta_log.columns(handle)
    delta_gaps.require_same_types(table, taken.commits, start, handle.schema().to_json())
    inserts = mode is ReadMode.ADDED
    whole = change_schema(schema)
    frame = delta_feed.read_feed(
        table, handle, whole, start.version + 1, taken.until.version, inserts=inserts
    )
    return (
        frame.select(list(schema)) if inserts else frame,
        sum(each.feed_files for each in taken.reaching),
        sum(each.feed_bytes for each in taken.reaching),
    )


def _in_files(handle: Handle, taken: Taken) -> bool:
    """Tell whether the rows are those of whole data files: no feed is needed to read them."""
    return taken.in_files and readable(handle, taken.files)


def _is_newest(table: DeltaTable, start: VersionPosition) -> bool:
    """Tell, if the log's names and its first entry do, that nothing came behind the version.

    The first entry has the table's id: one that was made anew may have come to the same version. Where it was
    cleaned up, the table has to be opened.
    """
    if start.partly is not None:
        return False
    listing = LogListing.of(table)
    listed = list(islice(listing.versions(start.version), 2))
    return listed == [start.version] and listing.identity() == start.table_id


def _nothing(table: DeltaTable, mode: ReadMode, start: VersionPosition) -> Plan:
    """Return a plan without rows; the table is opened only if somebody asks for its columns."""
    import polars as pl

    def schema() -> pl.Schema:
        columns = table.schema()
        return change_schema(columns) if mode is ReadMode.CHANGES else columns

    frame = pl.defer(lambda: pl.DataFrame(schema=schema()), schema=schema)
    return Plan(frame, mode, start, 0, 0, empty=True)
