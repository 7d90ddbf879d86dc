"""Idempotent writes: a window, or the whole table, is replaced by what a frame holds for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from s3_assets.incremental.commit import StreamMovedError, Written, commit_frame, open_writer
from s3_assets.tables.naming import naming
from s3_assets.tables.table import Capability, WriteMode

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from s3_assets.engines.engine import Rows
    from s3_assets.progress import Progress
    from s3_assets.tables.table import Table
    from s3_assets.windows import Slice, Window

_ROUNDS = 10


def overwrite(
    target: Table[Any],
    frame: pl.LazyFrame | Rows,
    *,
    window: Window | Slice | None,
    notes: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Written:
    """Replace the rows of the window, or slice (None: all rows), by the frame's, in one commit.

    When another run overwrites the same partitions at the same time, one is run again behind the other.

    Raises `RowsOutsideWindowError` before anything is visible if a row lies outside the window, and
    `PartitionColumnError` if the table cannot tell the window's rows: no predicate, no write.
    """
    target.require(Capability.WRITE_WINDOW)
    mode = WriteMode.REPLACE if window is None else WriteMode.OVERWRITE
    for round_ in range(1, _ROUNDS + 1):
        try:
            with naming(target):
                writer = open_writer(target)
                return commit_frame(
                    target, writer, frame, mode, window=window, notes=notes, progress=progress
                )
        except StreamMovedError:
            if round_ == _ROUNDS:
                raise
    raise AssertionError  # the last round returns or raises
