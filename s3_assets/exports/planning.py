"""What a round of an export reads: planned on the state that its commit will be held against."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from s3_assets.engines.engine import Rows
from s3_assets.errors import HistoryGapError, SettingError
from s3_assets.exports.distributed import Shaping
from s3_assets.exports.work import Work, told_of
from s3_assets.incremental.append import PASSED
from s3_assets.incremental.gaps import is_gap_of
from s3_assets.incremental.publishing import StreamRead
from s3_assets.metrics import phase
from s3_assets.tables.table import ReadMode

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from s3_assets.exports.export import Export
    from s3_assets.exports.state import State
    from s3_assets.exports.work import Request
    from s3_assets.incremental.cursor import Cursor
    from s3_assets.movement.load import Load
    from s3_assets.tables.table import Plan, Table


@phase("plan")
def planned(export: Export, request: Request, load: Load) -> Work:
    """Plan all rows of the source as they are now, or those of the window."""
    source = export.read_source
    plan = source.plan(ReadMode.CURRENT, window=request.window)
    rows = _rows(export, plan, load)
    return Work(rows.frame, plan, (told_of(source, plan),), rows=rows)


def given(
    frame: pl.LazyFrame, streams: Sequence[StreamRead], sources: Sequence[tuple[Table[Any], Plan]]
) -> Work:
    """Take a frame that somebody made."""
    return Work(frame, None, tuple(told_of(*each) for each in sources), tuple(streams))


@phase("plan")
def read_new(export: Export, state: State, load: Load) -> Work:
    """Plan what was added behind the cursor.

    If the source no longer tells what came since, and the export asks for it, all rows as they are now take
    the place of all that was exported.
    """
    source, stream = export.read_source, export.stream
    since = state.cursor(stream)
    try:
        plan = source.plan(ReadMode.ADDED, since=since.position if since else None, limit=export.limit)
    except HistoryGapError as gap:
        if since is None or not is_gap_of(gap, source, export.on_gap):
            raise
        return _anew(export, state, since, gap, load)
    if not plan.empty:
        return _read(export, state, source, plan, since, _rows(export, plan, load))
    if since is None or plan.passed < PASSED:
        return Work(plan.frame, plan, nothing=True)
    # The cursor alone: else it would fall ever farther behind.
    return _read(export, state, source, plan, since, Rows(_no_rows()))


def _anew(export: Export, state: State, since: Cursor, gap: HistoryGapError, load: Load) -> Work:
    source = export.read_source
    others = sorted(set(state.stamps) - {export.stream})
    if others:
        raise SettingError(
            f"{gap.found}; on_gap: full_refresh would replace all files, and not only the stream "
            f"'{export.stream}' was exported here: {', '.join(others)}",
            remedy="Repair the files by hand, or give each stream an export of its own.",
            table=export.name,
            connection=export.connection.name,
        ) from gap
    plan = source.plan(ReadMode.ADDED)
    why = (
        f"{gap.found}: all that was exported was replaced by the rows of '{source.name}' as they are now "
        "(on_gap: full_refresh)"
    )
    rows = _rows(export, plan, load)
    return _read(export, state, source, plan, since, rows, anew=True, remarks=(why,))


def _read(
    export: Export,
    state: State,
    source: Table[Any],
    plan: Plan,
    since: Cursor | None,
    rows: Rows,
    *,
    anew: bool = False,
    remarks: tuple[str, ...] = (),
) -> Work:
    cursors = state.cursors(export.stream)
    read = StreamRead(cursors, since, plan.until, plan.files, plan.bytes, anew=anew)
    return Work(rows.frame, plan, (told_of(source, plan),), (read,), rows=rows, anew=anew, remarks=remarks)


def _rows(export: Export, plan: Plan, load: Load) -> Rows:
    if export.engine is not None and export.filters is not None:
        export.filters.require_declared()
    return Rows.planned(plan, Shaping(load, export.filters), export.engine, plan.whole())


def _no_rows() -> pl.LazyFrame:
    import polars as pl

    return pl.LazyFrame()
