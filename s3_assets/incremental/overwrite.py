"""Idempotent writes: a window, or the whole table, is replaced by what a frame holds for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from s3_assets.incremental.commit import Written, commit_frame, open_writer
from s3_assets.tables.table import Capability, WriteMode

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from s3_assets.progress import Progress
    from s3_assets.tables.table import Table
    from s3_assets.windows import Window


def overwrite(
    target: Table[Any],
    frame: pl.LazyFrame,
    *,
    window: Window | None,
    notes: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Written:
    """Replace the rows of the window (None: all rows) by the frame's, in one commit.

    Raises `RowsOutsideWindowError` before anything is visible if a row lies outside the window, and
    `PartitionColumnError` if the table cannot tell the window's rows: no predicate, no write.
    """
    target.require(Capability.WRITE_WINDOW)
    mode = WriteMode.REPLACE if window is None else WriteMode.OVERWRITE
    return commit_frame(
        target, open_writer(target), frame, mode, window=window, notes=notes, progress=progress
    )
