"""Replace on new data: the table, or the partitions of the run, if the source is no longer as it was.

The cursor is the source's state at the last success (`TableVersion.token`), with the windows that were
replaced since the source has been in that state: another window of the same state is still to be replaced,
and none is replaced twice. It is committed together with the rows.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from s3_assets.engines.engine import Rows
from s3_assets.errors import CursorError, SourceRewrittenError
from s3_assets.incremental.append import open_cursor
from s3_assets.incremental.commit import StreamMovedError, StreamRead, commit_frame, open_writer
from s3_assets.incremental.outcome import Outcome
from s3_assets.incremental.run_notes import position_words
from s3_assets.tables.positions import Position, StatePosition
from s3_assets.tables.table import Capability, Plan, ReadMode, WriteMode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import polars as pl

    from s3_assets.engines.engine import Engine
    from s3_assets.progress import Progress
    from s3_assets.tables.table import Table
    from s3_assets.windows import Window

_ROUNDS = 10
Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Covered:
    """A state of the source, and what of the target shows it: these spans, or all of it (None)."""

    token: str
    spans: tuple[Span, ...] | None

    @classmethod
    def of(cls, position: Position | None, table: str) -> Covered | None:
        """Read a cursor; raises `SourceRewrittenError` for one of another kind."""
        if position is None:
            return None
        if not isinstance(position, StatePosition):
            raise SourceRewrittenError(
                f"the cursor stands at {position_words(position)}, which another mode left there",
                remedy="Reset the cursor (`s3-assets cursor reset`), or import into another table.",
                table=table,
            )
        token, _, text = position.token.partition(" ")
        if not text:
            return cls(token, None)
        ends = [each.split("/") for each in text.split(",")]
        return cls(token, tuple((datetime.fromisoformat(a), datetime.fromisoformat(b)) for a, b in ends))

    def position(self) -> StatePosition:
        """Write it as a cursor holds it: the token, then the spans as ISO 8601 intervals."""
        if self.spans is None:
            return StatePosition(self.token)
        text = ",".join(f"{start.isoformat()}/{end.isoformat()}" for start, end in self.spans)
        return StatePosition(f"{self.token} {text}")

    def shows(self, token: str, window: Window | None) -> bool:
        """Tell whether the target has this state of the source in the window (None: everywhere)."""
        if token != self.token:
            return False
        if self.spans is None:
            return True
        return window is not None and any(
            start <= window.start.astimezone(UTC) and window.end.astimezone(UTC) <= end
            for start, end in self.spans
        )


def covering(before: Covered | None, token: str, window: Window | None) -> Covered:
    """Return what is shown after the window was replaced as well."""
    if window is None:
        return Covered(token, None)
    spans = [(window.start.astimezone(UTC), window.end.astimezone(UTC))]
    if before is not None and before.token == token:
        spans += before.spans or ()
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return Covered(token, tuple(merged))


def replace_on_new_data(
    target: Table[Any],
    stream: str,
    source: Table[Any],
    *,
    read: Callable[[], Plan],
    transform: Callable[[pl.LazyFrame], pl.LazyFrame],
    window: Window | None,
    notes: Mapping[str, str] | None = None,
    progress: Progress | None = None,
    engine: Engine | None = None,
) -> Outcome:
    """Replace the window (None: all rows) by what `read` plans, unless the target shows this state already.

    Rows and cursor are one commit. When another run of the stream is faster, this one begins again. Raises
    what `commit_frame` raises, and `SourceRewrittenError` for a cursor of another mode.
    """
    target.require(Capability.WRITE_WINDOW)
    target.require(Capability.TRANSACTIONS)
    started = time.monotonic()
    conflict: StreamMovedError | CursorError | None = None
    mode = WriteMode.REPLACE if window is None else WriteMode.OVERWRITE
    for round_ in range(1, _ROUNDS + 1):
        writer = open_writer(target)
        try:
            cursors, since = open_cursor(target, writer, stream)
            shown = Covered.of(since.position if since else None, target.name)
            # Before the rows are planned: what comes in between is replaced once more by the next run.
            token = source.version().token
            if shown is not None and shown.shows(token, window):
                plan = _nothing(shown.position())
                return Outcome(plan, None, since, since, time.monotonic() - started, round_)
            plan = read()
            until = covering(shown, token, window).position()
            written = commit_frame(
                target,
                writer,
                Rows.planned(plan, transform, engine),
                mode,
                window=window,
                streams=[StreamRead(cursors, since, until, plan.files, plan.bytes)],
                notes=notes,
                progress=progress,
            )
        except StreamMovedError as error:
            conflict = error
        except CursorError as error:
            # Swept by a faster run of the same stream, or really gone: the target's newest state tells.
            newest = open_writer(target)
            if writer is None or newest is None or newest.committed(stream) == writer.committed(stream):
                raise
            conflict = error
        else:
            return Outcome(
                plan,
                written,
                since,
                written.cursors[stream],
                time.monotonic() - started,
                round_,
                plan.remarks,
            )
    raise conflict or StreamMovedError("no round was run")


def _nothing(position: Position) -> Plan:
    import polars as pl

    return Plan(pl.LazyFrame(), ReadMode.CURRENT, position, 0, 0, empty=True)
