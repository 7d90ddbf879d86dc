"""Rows shared out by their keys, so that what is known of each key is held for few of them at a time."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from s3_assets.local_disk import spooling

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import polars as pl

ROWS_AT_ONCE = 1_000_000
"""About so many rows of one state are in a share: with their fingerprints some 100 bytes each in memory."""
_SEED = 0x5EED
_SHARE = "\x01share"
# What a row takes in a file, about, where nobody counted them.
_ROW_BYTES = 64
# What a key with its fingerprints takes on the local disk at most, in both states; a long text may take more.
_SPILLED_BYTES = 256
# Each share has an open file.
_MOST_SHARES = 256


def shares(
    frames: Sequence[pl.LazyFrame], keys: Sequence[str], rows: int | None, size: int
) -> Iterator[pl.LazyFrame]:
    """Yield the frames' rows in shares, all rows of a key in one of them; to be collected one by one.

    The frames have the keys and little besides, in the same columns. `rows` are those of the largest, or,
    where that is not known, it has `size` bytes. Frames of many rows are run once, and kept in a temporary
    folder (`TMPDIR`) in the meantime; they are run for each share where the disk has no room.
    """
    import polars as pl

    expected = size // _ROW_BYTES if rows is None else rows
    count = min(1 + expected // ROWS_AT_ONCE, _MOST_SHARES)
    if count == 1:
        yield pl.concat(frames)
        return
    number = pl.struct(keys).hash(_SEED) % count
    if shutil.disk_usage(tempfile.gettempdir()).free < expected * _SPILLED_BYTES:
        yield from (pl.concat(frames).filter(number == each) for each in range(count))
        return
    with tempfile.TemporaryDirectory(prefix="s3-assets-") as folder:
        marked = [frame.with_columns(number.alias(_SHARE)) for frame in frames]
        for path in _spilled(marked, Path(folder)):
            yield pl.read_ipc_stream(path).lazy()


def _spilled(frames: Iterable[pl.LazyFrame], folder: Path) -> list[Path]:
    """Write the rows of each share into a file of its own, a batch at a time, and one frame after the other.

    Of frames that are concatenated Polars reads all at once, and holds the later ones in memory.
    """
    import pyarrow as pa

    files: dict[Path, Any] = {}
    with spooling("the keys of rows that are compared"), ExitStack() as stack:
        for batch in chain.from_iterable(frame.collect_batches(maintain_order=False) for frame in frames):
            for (share,), rows in batch.partition_by(_SHARE, as_dict=True, include_key=False).items():
                table, path = rows.to_arrow(), folder / f"{share}.arrows"
                if path not in files:
                    files[path] = stack.enter_context(pa.ipc.new_stream(str(path), table.schema))
                files[path].write_table(table)
    return list(files)
