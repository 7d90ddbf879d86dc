"""Incremental append: what is new in a source becomes rows of a target, exactly once."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from s3_assets.errors import CursorError
from s3_assets.incremental.commit import StreamMovedError, StreamRead, Written, commit_frame, open_writer
from s3_assets.incremental.cursor import Cursor, Cursors
from s3_assets.tables.table import Capability, ReadMode, WriteMode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import polars as pl

    from s3_assets.progress import Progress
    from s3_assets.tables.table import Plan, Table, Writer

_ROUNDS = 10


@dataclass(frozen=True)
class Outcome:
    """What one run of a stream or of a window did."""

    plan: Plan
    written: Written | None
    since: Cursor | None = None
    until: Cursor | None = None
    seconds: float = 0.0
    rounds: int = 1
    notes: tuple[str, ...] = field(default=())

    @property
    def nothing_new(self) -> bool:
        """Nothing was there to read, and nothing was committed."""
        return self.written is None

    @property
    def rows(self) -> int:
        """Rows that were committed."""
        return self.written.commit.rows if self.written else 0


def read_stream(
    target: Table[Any],
    writer: Writer | None,
    stream: str,
    source: Table[Any],
    mode: ReadMode = ReadMode.ADDED,
) -> tuple[Plan, StreamRead]:
    """Plan what is new for a stream, from the cursor that the pinned target holds."""
    cursors = Cursors(target.files_connection, target.location, stream)
    number = writer.committed(stream) if writer is not None else None
    since = cursors.load(number) if number is not None else None
    plan = source.plan(mode, since=since.position if since else None)
    return plan, StreamRead(cursors, since, plan.until, plan.files, plan.bytes)


def append_new(
    target: Table[Any],
    stream: str,
    source: Table[Any],
    *,
    transform: Callable[[pl.LazyFrame], pl.LazyFrame] | None = None,
    notes: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Append the source's new rows to the target, with the stream's cursor in the same commit.

    Nothing new is a success without a commit. When another run of the stream is faster, this one begins
    again at its cursor, and finds nothing new or what came since.
    """
    target.require(Capability.TRANSACTIONS)
    source.require(Capability.READ_ADDED)
    started = time.monotonic()
    conflict: StreamMovedError | CursorError | None = None
    for round_ in range(1, _ROUNDS + 1):
        writer = open_writer(target)
        try:
            plan, read = read_stream(target, writer, stream, source)
            if plan.empty:
                return Outcome(
                    plan, None, read.since, read.since, time.monotonic() - started, round_, plan.notes
                )
            frame = transform(plan.frame) if transform else plan.frame
            written = commit_frame(
                target, writer, frame, WriteMode.APPEND, streams=[read], notes=notes, progress=progress
            )
        except StreamMovedError as error:
            conflict = error
        except CursorError as error:
            # Swept by a faster run of the same stream, or really gone: the target's newest state tells.
            if writer is None or _number(target, stream) == writer.committed(stream):
                raise
            conflict = error
        else:
            return Outcome(
                plan,
                written,
                read.since,
                written.cursors[stream],
                time.monotonic() - started,
                round_,
                plan.remarks,
            )
    raise conflict or StreamMovedError("no round was run")


def _number(target: Table[Any], stream: str) -> int | None:
    writer = open_writer(target)
    return writer.committed(stream) if writer is not None else None
