"""The rows of one version of a Delta table: all of its files, or some at a time by their paths."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from s3_assets.errors import HistoryLostError, TableMissingError
from s3_assets.tables import delta_feed, delta_gaps, delta_log, delta_portions
from s3_assets.tables.delta_features import require_readable
from s3_assets.tables.positions import Partly, VersionPosition
from s3_assets.tables.table import Plan, ReadMode

if TYPE_CHECKING:
    import polars as pl
    from deltalake import DeltaTable as Handle

    from s3_assets.tables.delta import DeltaTable
    from s3_assets.tables.positions import Limit
    from s3_assets.tables.regions import Region
    from s3_assets.windows import Slice, Window

_WHOLE = (
    "the limit was not kept: the table has deletion vectors, mapped columns or folders with names of their "
    "own, and delta-rs, which alone can read it, reads it whole"
)


def plan(
    table: DeltaTable, handle: Handle, mode: ReadMode, window: Window | Slice | None, limit: Limit | None
) -> Plan:
    """Plan a read of the version that the handle is pinned to, from its first file on."""
    return _plan(table, handle, mode, window, limit, 0, handle)


def resume(
    table: DeltaTable,
    since: VersionPosition,
    mode: ReadMode,
    window: Window | Slice | None,
    limit: Limit | None,
) -> Plan:
    """Plan a read of the files of a version behind those that were read.

    Raises `HistoryLostError` if the version or one of the files is gone, and `TableRewrittenError` if the
    table is another one now.
    """
    newest = table.open()
    delta_gaps.require_same(table, newest, since)
    try:
        handle = table.open(since.version)
    except (HistoryLostError, TableMissingError) as error:
        raise delta_gaps.version_lost(table, since, error.found) from error
    found = _plan(table, handle, mode, window, limit, since.partly.files if since.partly else 0, newest)
    # What came behind the version in the meantime is more to read, too.
    return replace(found, more=found.more or newest.version() > since.version)


def _plan(
    table: DeltaTable,
    handle: Handle,
    mode: ReadMode,
    window: Window | Slice | None,
    limit: Limit | None,
    begun: int,
    newest: Handle,
) -> Plan:
    require_readable(handle, table.connection, table.location, table.name)
    if mode is ReadMode.CHANGES:
        delta_gaps.require_feed(table, handle)
    until = VersionPosition(handle.version(), str(handle.metadata().id))
    schema = delta_log.columns(handle)
    bound = table.bounds(window, schema) if window is not None else None
    found = delta_log.files(handle)
    notes: tuple[str, ...] = ()
    chosen, end = found, found.height
    if begun or limit is not None:
        if delta_log.read_by_polars(handle):
            chosen, end = _some(found.sort("path"), begun, limit, bound)
        elif limit is not None and limit.count(found["size_bytes"]) < found.height:
            notes = (_WHOLE,)
    if begun:
        live = delta_log.files(newest).select("path")
        delta_gaps.require_kept(table, chosen.join(live, on="path", how="anti")["path"].to_list())
    more = end < found.height
    if bound is not None:
        chosen = delta_log.inside(chosen, bound)
    frame = table.scan_version(handle, schema, chosen)
    cut = None
    if mode is not ReadMode.CHANGES and delta_log.read_by_polars(handle):
        files = chosen.select("path", "size_bytes").iter_rows()
        cut = delta_portions.cut(table, handle, schema, files, bound)
    if bound is not None:
        frame = frame.filter(bound.expression())
    return Plan(
        delta_feed.as_inserts(frame, handle) if mode is ReadMode.CHANGES else frame,
        mode,
        VersionPosition(until.version, until.table_id, Partly(end, of_snapshot=True)) if more else until,
        chosen.height,
        int(chosen["size_bytes"].sum()),
        total_files=found.height,
        total_bytes=int(found["size_bytes"].sum()),
        empty=chosen.is_empty(),
        more=more,
        notes=notes,
        cut=cut,
    )


def _some(
    ordered: pl.DataFrame, begun: int, limit: Limit | None, bound: Region | None
) -> tuple[pl.DataFrame, int]:
    """Return files behind the first `begun` up to the limit, and how many of all have been read then.

    Files outside the window cost nothing.
    """
    numbered = ordered.with_row_index("\x01number").slice(begun)
    if limit is None:
        return numbered.drop("\x01number"), ordered.height
    inside = numbered if bound is None else delta_log.inside(numbered, bound)
    count = limit.count(inside["size_bytes"])
    end = ordered.height if count == inside.height else int(inside["\x01number"][count])
    return ordered.slice(begun, end - begun), end
