"""What to do when a source no longer tells what came since a cursor: fail, or begin anew in one commit.

The new beginning replaces all rows of the target by the source's as they are now, together with the stream's
cursor: nobody sees one without the other. Rows that came into the target another way would be lost with the
old ones; a target that other streams write is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from s3_assets.engines.engine import Rows
from s3_assets.errors import SettingError
from s3_assets.incremental.commit import APPEND_STREAM, StreamRead, commit_frame
from s3_assets.incremental.cursor_edit import streams_of
from s3_assets.metrics import phase
from s3_assets.tables.table import ReadMode, WriteMode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import polars as pl

    from s3_assets.engines.engine import Engine
    from s3_assets.errors import HistoryGapError
    from s3_assets.incremental.commit import Written
    from s3_assets.incremental.cursor import Cursor, Cursors
    from s3_assets.progress import Progress
    from s3_assets.tables.table import Plan, Table, Writer

OnGap = Literal["fail", "full_refresh"]


def is_gap_of(error: HistoryGapError, source: Table[Any], on_gap: OnGap) -> bool:
    """Tell whether the error is one of the source's history, and to be answered by a full refresh."""
    return on_gap == "full_refresh" and error.table == source.name


@phase("refresh")
def refresh(
    target: Table[Any],
    writer: Writer,
    cursors: Cursors,
    since: Cursor | None,
    source: Table[Any],
    *,
    gap: HistoryGapError,
    transform: Callable[[pl.LazyFrame], pl.LazyFrame] | None,
    notes: Mapping[str, str] | None,
    progress: Progress | None,
    engine: Engine | None = None,
) -> tuple[Plan, Written, str]:
    """Replace the target's rows by the source's as they are now; return a sentence on why, too.

    Raises `SettingError`, before anything is read, if other streams write the target.
    """
    _refuse_shared(target, writer, cursors.stream, gap)
    plan = source.plan(ReadMode.ADDED)
    rows = Rows.planned(plan, transform, engine)
    read = StreamRead(cursors, since, plan.until, plan.files, plan.bytes, anew=True)
    written = commit_frame(
        target, writer, rows, WriteMode.REPLACE, streams=[read], notes=notes, progress=progress
    )
    why = (
        f"{gap.found}: all rows of '{target.name}' were replaced by those of '{source.name}' as they are now"
    )
    return plan, written, f"{why} (on_gap: full_refresh)"


def _refuse_shared(target: Table[Any], writer: Writer, stream: str, gap: HistoryGapError) -> None:
    others = [name for name in streams_of(target) if name != stream and writer.committed(name) is not None]
    if writer.committed(APPEND_STREAM) is not None:
        others.append("appends without a cursor")
    if others:
        raise SettingError(
            f"{gap.found}; on_gap: full_refresh would replace all rows, and not only the stream '{stream}' "
            f"has written here: {', '.join(others)}",
            remedy="Repair the rows by hand and reset the cursor, or give each stream a table of its own.",
            table=target.name,
            connection=target.connection.name,
            location=target.location.url,
        ) from gap
