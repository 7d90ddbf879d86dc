"""Parts whose bytes a format makes itself: rows are encoded as they come, counted, and sent while they are.

Polars' own sinks of text do not tell what they have written into which file, and it has none that streams
Avro.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from s3_assets.engines.names import Names
from s3_assets.engines.regrouping import Regrouped
from s3_assets.engines.upload import Upload
from s3_assets.objects import Objects
from s3_assets.tables.guard import count_outside
from s3_assets.tables.parts import Outside, Part, together
from s3_assets.threads import ThreadPoolExecutor

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import polars as pl

    from s3_assets.connection.settings import S3Connection
    from s3_assets.progress import Progress
    from s3_assets.tables.encoding import Encoder, Encoding
    from s3_assets.tables.parts import Layout
    from s3_assets.tables.regions import Region

# In memory, before compression: large files are read by several, and lost by none.
_PART_BYTES = 512 * 1024 * 1024
# What is encoded at a time; each open part holds that and what is on its way.
_ROWS_AT_ONCE = 16_384
# Of the partitions that come by turns. Where there are more, the one that got no rows for longest is closed.
_MOST_OPEN = 32
# Bytes of all open parts that are not on the server yet. Then the part that has most of them is closed, and
# what follows of its partition goes into another: rows in any order make smaller files, not more memory.
_MOST_HELD = 48 * 1024 * 1024


def write_rows(
    frame: pl.LazyFrame,
    layout: Layout,
    encoding: Encoding,
    connection: S3Connection,
    window: Region | None,
    progress: Progress | None,
) -> list[Part]:
    """Run the frame and write its rows; what fails leaves no part behind."""
    with ThreadPoolExecutor(_MOST_OPEN) as senders:
        writing = _Writing(layout, encoding, Objects(connection), senders, window, progress)
        try:
            for rows in _batches(frame, layout.partition_by):
                for piece in rows.iter_slices(_ROWS_AT_ONCE):
                    writing.write(piece)
            return writing.end()
        except BaseException:
            writing.abandon()
            raise


def _batches(frame: pl.LazyFrame, keys: Sequence[str]) -> Iterator[pl.DataFrame]:
    if keys:
        return Regrouped(frame, keys).batches()
    return iter(frame.collect_batches(maintain_order=False))


@dataclass
class _Open:
    """A part that still takes rows."""

    path: str
    encoder: Encoder
    upload: Upload
    rows: int = 0
    memory: int = 0
    outside: Outside | None = None

    def count(self, rows: pl.DataFrame, window: Region | None) -> None:
        import polars as pl

        self.rows += rows.height
        self.memory += int(rows.estimated_size())
        if window is not None:
            found = count_outside(rows.lazy(), window, pl.len())
            self.outside = found if self.outside is None else together([self.outside, found])


class _Writing:
    def __init__(
        self,
        layout: Layout,
        encoding: Encoding,
        objects: Objects,
        senders: ThreadPoolExecutor,
        window: Region | None,
        progress: Progress | None,
    ) -> None:
        self._layout = layout
        self._encoding = encoding
        self._objects = objects
        self._senders = senders
        self._window = window
        self._progress = progress
        self._names = Names(layout)
        self._open: OrderedDict[tuple[Any, ...], _Open] = OrderedDict()
        self._ending: list[_Open] = []
        self._parts: list[Part] = []

    def write(self, rows: pl.DataFrame) -> None:
        """Write rows of one partition."""
        keys = rows.select(self._layout.partition_by).row(0) if self._layout.partition_by else ()
        drops = self._layout.partition_by and not self._layout.keep_partition_columns
        stored = rows.drop(self._layout.partition_by) if drops else rows
        part = self._open.get(keys)
        if part is None:
            part = self._open[keys] = self._new(keys, stored)
        self._open.move_to_end(keys)
        part.upload.write(part.encoder.encode(stored))
        part.count(rows, self._window)
        if part.memory >= _PART_BYTES:
            self._end(keys)
        elif len(self._open) > _MOST_OPEN:
            self._end(next(iter(self._open)))
        elif sum(each.upload.held for each in self._open.values()) > _MOST_HELD:
            self._end(max(self._open, key=lambda each: self._open[each].upload.held))

    def end(self) -> list[Part]:
        """Return the parts once all have arrived."""
        for keys in list(self._open):
            self._end(keys)
        self._arrived()
        return sorted(self._parts, key=lambda part: part.path)

    def abandon(self) -> None:
        """Leave nothing of what was written."""
        for part in self._open.values():
            part.upload.abandon()
        for part in self._ending:
            part.upload.abandon()
        written = [part.path for part in self._ending] + [part.path for part in self._parts]
        self._objects.delete(self._layout.root.key + path for path in written)

    def _new(self, keys: tuple[Any, ...], rows: pl.DataFrame) -> _Open:
        # Threads that send are as many as open parts: what has ended has to make room.
        self._arrived()
        path = self._names.give(keys)
        upload = Upload(self._objects, self._layout.root.key + path, self._senders)
        return _Open(path, self._encoding.encoder(rows.schema), upload)

    def _end(self, keys: tuple[Any, ...]) -> None:
        part = self._open.pop(keys)
        self._ending.append(part)
        part.upload.write(part.encoder.end())
        part.upload.end()

    def _arrived(self) -> None:
        while self._ending:
            part = self._ending[0]
            part.upload.wait()
            size = part.upload.bytes
            self._parts.append(Part(part.path, part.rows, size, self._names.values[part.path], part.outside))
            self._ending.pop(0)
            if self._progress is not None:
                self._progress.advance(bytes_=size, files=1)
