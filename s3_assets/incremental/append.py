"""Incremental append: what is new in a source becomes rows of a target, exactly once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from s3_assets.engines.engine import Rows
from s3_assets.errors import HistoryGapError
from s3_assets.incremental.commit import StreamRead, commit_frame
from s3_assets.incremental.cursor import Cursors
from s3_assets.incremental.cursor_edit import OpenStream
from s3_assets.incremental.gaps import is_gap_of, refresh
from s3_assets.incremental.outcome import Outcome
from s3_assets.incremental.rounds import until_unmoved
from s3_assets.metrics import phase
from s3_assets.tables.table import Capability, ReadMode, WriteMode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import polars as pl

    from s3_assets.engines.engine import Engine
    from s3_assets.incremental.cursor import Cursor
    from s3_assets.incremental.gaps import OnGap
    from s3_assets.progress import Progress
    from s3_assets.tables.positions import Limit
    from s3_assets.tables.table import Plan, Table, Writer

__all__ = ["Outcome", "append_new", "open_cursor", "read_stream"]

# So many versions without a row are looked at again and again; then the cursor is moved behind them, so that
# it does not fall behind what the source keeps of its log.
PASSED = 10


@phase("plan")
def read_stream(
    target: Table[Any],
    writer: Writer | None,
    stream: str,
    source: Table[Any],
    mode: ReadMode = ReadMode.ADDED,
) -> tuple[Plan, StreamRead]:
    """Plan what is new for a stream, from the cursor that the pinned target holds."""
    cursors, since = open_cursor(target, writer, stream)
    plan = source.plan(mode, since=since.position if since else None)
    return plan, StreamRead(cursors, since, plan.until, plan.files, plan.bytes)


def open_cursor(target: Table[Any], writer: Writer | None, stream: str) -> tuple[Cursors, Cursor | None]:
    """Return a stream's cursors, and the one that the pinned target holds."""
    cursors = Cursors(target.files_connection, target.location, stream)
    number = writer.committed(stream) if writer is not None else None
    return cursors, cursors.load(number) if number is not None else None


def append_new(
    target: Table[Any],
    stream: str,
    source: Table[Any],
    *,
    transform: Callable[[pl.LazyFrame], pl.LazyFrame] | None = None,
    notes: Mapping[str, str] | None = None,
    progress: Progress | None = None,
    limit: Limit | None = None,
    on_gap: OnGap = "fail",
    engine: Engine | None = None,
) -> Outcome:
    """Append the source's new rows to the target, with the stream's cursor in the same commit.

    Nothing new is a success without a commit. When another run of the stream is faster, this one begins
    again at its cursor, and finds nothing new or what came since. With a `limit` no more is taken than it
    lets: the outcome's `plan.more` tells whether the next run finds more. An `engine` writes the rows, where
    they can be cut for its workers.

    Raises a `HistoryGapError` if the source no longer tells what came since the cursor; with `on_gap`
    full_refresh all rows of the target are replaced by the source's as they are now, in one commit.
    """
    target.require(Capability.TRANSACTIONS)
    source.require(Capability.READ_ADDED)
    run = _Append(target, stream, source, transform, notes, progress, limit, on_gap, engine)
    return until_unmoved(target, stream, run.once)


@dataclass(frozen=True)
class _Append:
    """One run, that begins again when another run of its stream was faster."""

    target: Table[Any]
    stream: str
    source: Table[Any]
    transform: Callable[[pl.LazyFrame], pl.LazyFrame] | None
    notes: Mapping[str, str] | None
    progress: Progress | None
    limit: Limit | None
    on_gap: OnGap
    engine: Engine | None

    def once(self, writer: Writer | None) -> Outcome:
        """Plan, write and commit on the state that the writer has pinned."""
        cursors, since = open_cursor(self.target, writer, self.stream)
        try:
            return self._append(writer, cursors, since)
        except HistoryGapError as error:
            if writer is None or since is None or not is_gap_of(error, self.source, self.on_gap):
                raise
            plan, written, why = refresh(
                self.target,
                writer,
                cursors,
                since,
                self.source,
                gap=error,
                transform=self.transform,
                notes=self.notes,
                progress=self.progress,
                engine=self.engine,
            )
            return Outcome(plan, written, since, written.cursors[self.stream], notes=(*plan.remarks, why))

    def _append(self, writer: Writer | None, cursors: Cursors, since: Cursor | None) -> Outcome:
        with phase("plan"):
            plan = self.source.plan(ReadMode.ADDED, since=since.position if since else None, limit=self.limit)
        if plan.empty:
            return self._nothing(plan, writer, cursors, since)
        written = commit_frame(
            self.target,
            writer,
            Rows.planned(plan, self.transform, self.engine),
            WriteMode.APPEND,
            streams=[StreamRead(cursors, since, plan.until, plan.files, plan.bytes)],
            notes=self.notes,
            progress=self.progress,
        )
        return Outcome(plan, written, since, written.cursors[self.stream], notes=plan.remarks)

    def _nothing(self, plan: Plan, writer: Writer | None, cursors: Cursors, since: Cursor | None) -> Outcome:
        """Commit nothing, or the cursor alone if it would fall ever farther behind."""
        if writer is None or since is None or plan.passed < PASSED:
            return Outcome(plan, None, since, since, notes=plan.notes)
        stream = OpenStream(self.target, cursors, since, None, writer)
        moved = stream.move(plan.until, notes=self.notes)
        return Outcome(plan, None, since, moved.after, notes=plan.notes)
