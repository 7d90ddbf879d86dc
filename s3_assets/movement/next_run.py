"""What the next run of an import would read: looked up, with nothing written and nothing created."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from s3_assets.errors import (
    ChangeFeedMissingError,
    HistoryGapError,
    HistoryLostError,
    SourceRewrittenError,
    TableMissingError,
)
from s3_assets.incremental.cursor_edit import StreamState, look_at
from s3_assets.movement.imports import Import, ImportMode
from s3_assets.movement.replacing import Covered
from s3_assets.progress import readable_bytes
from s3_assets.tables.positions import StatePosition, VersionPosition
from s3_assets.tables.table import Capability, Plan, ReadMode

if TYPE_CHECKING:
    from datetime import datetime

    from s3_assets.incremental.cursor import Cursor
    from s3_assets.tables.positions import Position
    from s3_assets.tables.table import Table
    from s3_assets.windows import Window

# Beyond so many it would cost more to count rows than people would wait for.
_MOST_COMMITS = 100


@dataclass(frozen=True)
class NextRun:
    """The plan of a run, and the state of the stream that it goes on from.

    `stream` is None for a mode without a cursor, and where there is no target yet.
    """

    plan: Plan
    stream: StreamState | None
    creates: bool
    """Whether there is no target yet, so that the run makes it."""
    rows: int | None
    """How many rows will be read, where the source's metadata knows."""
    spans: tuple[tuple[datetime, datetime], ...]
    """The spans of time of the source's partitions that have changed, where its log tells them cheaply."""


def next_run(job: Import, *, window: Window | None = None) -> NextRun:
    """Look up what a run would read now; `window` is for the modes that replace.

    Raises what the run would raise when it plans: `HistoryLostError`, `SourceRewrittenError`, `CursorError`.
    """
    stream, creates = None, False
    try:
        stream = look_at(job.target, job.stream)
    except TableMissingError:
        creates = True
    if job.mode is ImportMode.REPLACE:
        stream = None
    elif stream is not None and stream.damage is not None:
        raise stream.damage
    position = start_of(job, stream.current if stream is not None else None)
    plan = plan_behind(job, position, window=window)
    rows = _rows(job.source, plan, position) if window is None else None
    return NextRun(plan, stream, creates, rows, _spans(job.source, plan, position))


def start_of(job: Import, cursor: Cursor | None) -> Position | None:
    """Return the position from which a run goes on; None if it begins anew.

    To a mirror a cursor that was moved by hand says nothing of the rows that are there.
    """
    if cursor is None or (job.mode is ImportMode.MIRROR and not cursor.mirrored):
        return None
    return cursor.position


def plan_behind(job: Import, position: Position | None, *, window: Window | None = None) -> Plan:
    """Plan what a run reads whose cursor stands at a position (None: the beginning)."""
    if job.mode is ImportMode.APPEND:
        return _appended(job, position)
    if job.mode is ImportMode.MIRROR:
        return job.source.plan() if position is None else _mirrored(job, position)
    if job.mode is ImportMode.REPLACE_ON_NEW_DATA:
        shown = Covered.of(position, job.target.name)
        if shown is not None and shown.shows(job.source.version().token, window):
            return _nothing(shown.position())
    return _current(job, window)


def _appended(job: Import, position: Position | None) -> Plan:
    """Plan all that is new, in however many commits it comes."""
    try:
        plan = job.source.plan(ReadMode.ADDED, since=position)
    except HistoryGapError as error:
        if job.on_gap == "fail" or position is None:
            raise
        plan = job.source.plan(ReadMode.ADDED)
        note = f"{error.found}: all rows of the target are replaced (on_gap: full_refresh)"
        return replace(plan, notes=(*plan.notes, note))
    return replace(plan, notes=(*plan.notes, *_batches(job, plan)))


def _batches(job: Import, plan: Plan) -> tuple[str, ...]:
    """Say how the files are cut into commits, if they are."""
    if job.limit is None or plan.empty:
        return ()
    count = job.limit.files
    files = "" if count is None else f"{count:,} file{'' if count == 1 else 's'}"
    size = "" if job.limit.bytes is None else readable_bytes(job.limit.bytes)
    most = " and ".join(each for each in (files, size) if each)
    runs = (
        "" if job.max_batches is None else f", at most {job.max_batches:,} of them in one run (max_batches)"
    )
    return (f"each commit takes {most} at most (batch){runs}",)


def _current(job: Import, window: Window | None) -> Plan:
    """Plan the rows of a window (None: all) as they are now.

    A source without partitions is read whole: the placement of its rows tells then which are the window's.
    """
    placed = job.placement is not None and job.placement.column is not None
    whole = placed and job.source.settings.partitions is None
    return job.source.plan(ReadMode.CURRENT, window=None if whole else window)


def _mirrored(job: Import, position: Position) -> Plan:
    """Plan the first of a mirror's ways to find changes that its source can serve."""
    source = job.source
    if Capability.READ_CHANGES in source.capabilities:
        try:
            return source.plan(ReadMode.CHANGES, since=position)
        except ChangeFeedMissingError:
            # The files of the two states tell the same.
            pass
        except (HistoryGapError, SourceRewrittenError) as error:
            if job.on_gap == "fail":
                raise
            return _compared(source, f"{error.found}: all rows are compared (on_gap: full_refresh)")
    elif position == StatePosition(source.version().token):
        return _nothing(position)
    try:
        difference = source.difference(position)
    except HistoryLostError:
        difference = None
    if difference is None:
        return _compared(source, "all rows are compared with those of the target")
    return Plan(
        difference.after,
        ReadMode.CHANGES,
        difference.until,
        difference.files,
        difference.bytes,
        empty=difference.empty,
        notes=("the files are compared that only one of the source's two states has",),
    )


def _compared(source: Table[Any], note: str) -> Plan:
    plan = source.plan()
    return replace(plan, notes=(*plan.notes, note))


def _nothing(position: Position) -> Plan:
    import polars as pl

    return Plan(pl.LazyFrame(), ReadMode.CURRENT, position, 0, 0, empty=True)


def _rows(source: Table[Any], plan: Plan, position: Position | None) -> int | None:
    if plan.empty:
        return 0
    if Capability.TIME_TRAVEL not in source.capabilities:
        # A listing tells no rows.
        return None
    if position is None or plan.mode is ReadMode.CURRENT:
        return source.statistics().rows
    if plan.mode is ReadMode.ADDED and isinstance(position, VersionPosition) and position.partly is None:
        return _added(source, plan.until, position)
    return None


def _added(source: Table[Any], until: Position, since: VersionPosition) -> int | None:
    """Add up what the commits between two versions say that they added; None if one of them says nothing."""
    rows, seen = 0, False
    for commit in source.history(_MOST_COMMITS):
        if commit.version.token == str(since.version):
            return rows
        seen = seen or (isinstance(until, VersionPosition) and commit.version.token == str(until.version))
        if seen:
            if commit.rows is None:
                return None
            rows += commit.rows
    return None


def _spans(
    source: Table[Any], plan: Plan, position: Position | None
) -> tuple[tuple[datetime, datetime], ...]:
    partitioned = source.settings.partitions is not None
    if plan.empty or not partitioned or not isinstance(position, VersionPosition):
        return ()
    return tuple((span.start, span.end) for span in source.touched(position).spans)
