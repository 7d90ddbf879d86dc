"""Ledgers: the files that a stream has read, in sorted segments that each commit adds to.

Segments are merged as they grow, so that their count stays logarithmic, and each commit writes in proportion
to what is new.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from s3_assets.incremental.ledger_columns import pack, unpack
from s3_assets.incremental.stream_files import SEGMENT
from s3_assets.object_listings import empty_listing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import polars as pl

    from s3_assets.incremental.stream_files import StreamFiles

# Segments are merged when a new one is at least half as large: a binary counter.
_MERGE_RATIO = 2


@dataclass(frozen=True)
class Segment:
    """One sorted file of the ledger, named by the attempt that wrote it."""

    number: int
    files: int


def read_ledger(place: StreamFiles, segments: Iterable[Segment]) -> pl.DataFrame:
    """Return the files of all segments; raises `CursorError` if one is gone or damaged."""
    import polars as pl

    return pl.concat([empty_listing(), *[_read(place, segment) for segment in segments]])


def write_ledger(
    place: StreamFiles, number: int, files: pl.DataFrame, segments: Sequence[Segment] = ()
) -> tuple[Segment, ...]:
    """Add files to a ledger and return its segments; raises `NumberTakenError`.

    Nothing is written if there are none.
    """
    import polars as pl

    kept = list(segments)
    if files.is_empty():
        return tuple(kept)
    frames, count = [files], files.height
    while kept and kept[-1].files <= count * _MERGE_RATIO:
        merged = kept.pop()
        frames.append(_read(place, merged))
        count += merged.files
    place.put(number, SEGMENT, pack(pl.concat(frames)))
    return (*kept, Segment(number, count))


def _read(place: StreamFiles, segment: Segment) -> pl.DataFrame:
    from polars.exceptions import PolarsError

    body = place.get(segment.number, SEGMENT)
    try:
        return unpack(body)
    except PolarsError as error:
        found = f"a part of its file ledger is damaged: {error}"
        raise place.damaged(segment.number, found) from error
