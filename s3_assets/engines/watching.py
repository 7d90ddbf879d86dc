"""Rows on their way into files: counted, and looked at by whoever wants to."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

    from s3_assets.progress import Progress


def watched(frame: pl.LazyFrame, progress: Progress | None) -> pl.LazyFrame:
    """Return the frame; its rows are counted, where that is shown, and looked at as they pass."""
    if progress is None or (progress.show is None and progress.look is None):
        return frame

    def count(batch: pl.DataFrame) -> None:
        progress.advance(rows=batch.height)
        if progress.look is not None:
            progress.look(batch)

    return _passing(frame, count)


def looked_at(frame: pl.LazyFrame, progress: Progress | None) -> pl.LazyFrame:
    """Return the frame; its rows are looked at as they pass, and counted by somebody else."""
    return frame if progress is None or progress.look is None else _passing(frame, progress.look)


def _passing(frame: pl.LazyFrame, look: Callable[[pl.DataFrame], None]) -> pl.LazyFrame:
    def see(batch: pl.DataFrame) -> pl.DataFrame:
        look(batch)
        return batch

    return frame.map_batches(see, predicate_pushdown=True, projection_pushdown=True, streamable=True)
