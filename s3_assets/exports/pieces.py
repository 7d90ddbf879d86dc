"""Rows that become bytes in pieces: several threads make them, and they reach the files in the rows' order.

A piece can stand behind any other: a file is its head and its pieces, and may end after each of them. So the
packing, which takes longer than all else, has all processors, and a file's size is known while it is made.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from s3_assets.threads import ThreadPoolExecutor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future

    import polars as pl

    from s3_assets.exports.files import Files
    from s3_assets.exports.split import Split

# In memory, before spelling and packing: gzip loses nothing by members of this size, and few are held.
_PIECE_BYTES = 2 * 1024 * 1024
# So many pieces to a file, at least, where files are cut by their bytes.
_PIECES_OF_A_FILE = 16


class Pieces(ABC):
    """How one format's files are made; asked by several threads at once."""

    @abstractmethod
    def head(self) -> bytes:
        """Return what a file begins with."""

    @abstractmethod
    def piece(self, rows: pl.DataFrame) -> bytes:
        """Return the bytes of some rows; raises `RowsRefusedError` for values that the format cannot hold."""

    def empty(self) -> bytes:
        """Return what a file is that has neither a head nor rows."""
        return b""


class _Made(NamedTuple):
    rows: int
    ends: bool
    bytes: Future[bytes]


def write_pieces(frame: pl.LazyFrame, pieces: Pieces, split: Split, files: Files) -> None:
    """Write the rows of a frame to files, in their order."""
    import polars as pl

    threads = pl.thread_pool_size()
    head = pieces.head()
    waiting: deque[_Made] = deque()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="export")
    try:
        for rows, ends in _cut(frame, split):
            waiting.append(_Made(rows.height, ends, pool.submit(pieces.piece, rows)))
            if len(waiting) > threads + 1:
                _write(waiting.popleft(), head, split, files)
        while waiting:
            _write(waiting.popleft(), head, split, files)
        if not files.written and files.current is None:
            files.open().write(head or pieces.empty())
        files.end()
    finally:
        pool.shutdown(cancel_futures=True)


def _write(made: _Made, head: bytes, split: Split, files: Files) -> None:
    piece = made.bytes.result()
    file = files.current
    if file is not None and file.rows and split.bytes is not None and file.bytes + len(piece) > split.bytes:
        files.end()
        file = None
    if file is None:
        file = files.open()
        file.write(head)
    file.write(piece)
    file.count(made.rows)
    if made.ends:
        files.end()


def _cut(frame: pl.LazyFrame, split: Split) -> Iterator[tuple[pl.DataFrame, bool]]:
    """Yield rows of about the size of a piece, and whether they are the last that a file may have."""
    room = split.rows
    for rows in _batches(frame, _piece_bytes(split)):
        start = 0
        while start < rows.height:
            count = rows.height - start if room is None else min(room, rows.height - start)
            if room is not None:
                room -= count
            yield rows.slice(start, count), room == 0
            start += count
            room = room or split.rows


def _batches(frame: pl.LazyFrame, wanted: int) -> Iterator[pl.DataFrame]:
    import polars as pl

    held: list[pl.DataFrame] = []
    size = 0.0
    for batch in frame.collect_batches(maintain_order=True, engine="streaming"):
        if not batch.height:
            continue
        held.append(batch)
        size += batch.estimated_size()
        if size < wanted:
            continue
        rows = pl.concat(held)
        yield from rows.iter_slices(-(-rows.height // max(1, round(size / wanted))))
        held, size = [], 0
    if held:
        yield pl.concat(held)


def _piece_bytes(split: Split) -> int:
    return (
        _PIECE_BYTES if split.bytes is None else max(1, min(_PIECE_BYTES, split.bytes // _PIECES_OF_A_FILE))
    )
