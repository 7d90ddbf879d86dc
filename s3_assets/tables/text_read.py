"""One read of text files: fetched ahead, parsed in threads, in their order, and what is left out counted."""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from s3_assets.tables.tasks import MIN_TASK_BYTES, grouped
from s3_assets.tables.text_charset import utf8_chunks
from s3_assets.tables.text_fetch import SMALL, TextFile, bodies, streams
from s3_assets.tables.text_pool import in_order
from s3_assets.tables.text_quarantine import Quarantine
from s3_assets.tables.text_rows import BLOCK, BadRow, joined
from s3_assets.tables.text_source import open_members

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import polars as pl

    from s3_assets.tables.kept_bodies import KeptBodies
    from s3_assets.tables.reading import Tally
    from s3_assets.tables.text import TextTable
    from s3_assets.tables.text_rows import Batch

_PARSERS = max(1, min(4, os.cpu_count() or 1))
_ROWS_AT_ONCE = 32 * 1024
# What is parsed at once for somebody who wants a few rows.
_FIRST = 128 * 1024
# Small files that one thread unpacks and parses: enough to be worth it, and no more than fits in memory.
_FILES_AT_ONCE = 256
_UNPACKED_AT_ONCE = 8 * BLOCK


class Parsed(NamedTuple):
    """The rows of a batch that can be read, those that cannot, and its fields that are no columns."""

    frame: pl.DataFrame
    bad: Sequence[BadRow] = ()
    extra: Mapping[str, int] = {}
    place: str = ""
    """The file, or the first of those that the batch is of."""


class Asked(NamedTuple):
    """What is asked of files."""

    schema: pl.Schema
    """Those of their columns that are read."""
    known: frozenset[str]
    """All columns of the table, those of its folders too."""
    complete: bool
    """Whether all of them are read."""


class _Fetched(NamedTuple):
    file: TextFile
    body: bytes | None

    @property
    def size(self) -> int:
        return self.file.size


class _Later(NamedTuple):
    """A small file that is large when it is unpacked."""

    fetched: _Fetched


@dataclass
class TextRead:
    """The rows of some files.

    `carried` are columns that are read and are in no file, but have one value for all rows of each: `values`,
    by key.
    """

    table: TextTable[Any]
    listed: Sequence[TextFile]
    asked: Asked
    carried: pl.Schema
    values: Mapping[str, tuple[object, ...]]
    wanted: Sequence[str]
    predicate: pl.Expr | None
    limit: int | None
    tally: Tally
    kept: KeptBodies

    def frames(self) -> Iterator[pl.DataFrame]:
        """Yield the rows; those that were left out are counted, and kept, when the last frame was taken."""
        objects = self.table.folder.objects
        etags = {objects.url(file.key): file.etag for file in self.listed}
        keeps = self.table.settings.on_bad_row == "quarantine"
        with Quarantine(objects, self.table.quarantine, etags) as quarantine:
            for frame in self._limited(self._larger(self._counted(quarantine if keeps else None))):
                yield frame if self.limit is None else self._chosen(frame)
            self.tally.kept_in = quarantine.save()
        if self.limit is None:
            # Files that a predicate left out.
            self.kept.clear()

    def _counted(self, quarantine: Quarantine | None) -> Iterator[pl.DataFrame]:
        for parsed in self._parsed():
            for bad in parsed.bad:
                if self.table.settings.on_bad_row == "fail":
                    raise self.table.bad_row(bad)
                where = f"{bad.place}, line {bad.line}, column {bad.column}: {bad.found}"
                self.tally.first = self.tally.first or where
                self.tally.rows[bad.place] += 1
                if quarantine is not None:
                    quarantine.add(bad)
            if parsed.extra:
                self.tally.first_extra = self.tally.first_extra or parsed.place
                self.tally.extra.update(parsed.extra)
            yield parsed.frame

    def _parsed(self) -> Iterator[Parsed]:
        # Who wants a few rows gets them from the first bytes: nothing is done ahead.
        ahead = _PARSERS if self.limit is None else 0
        with closing(in_order(self._jobs(), _PARSERS, ahead)) as done:
            for found in done:
                for each in found:
                    if isinstance(each, _Later):
                        for job in self._streamed(*each.fetched):
                            yield from job()
                    else:
                        yield each

    def _jobs(self) -> Iterator[Callable[[], Sequence[Parsed | _Later]]]:
        least = getattr(self.table.settings, "min_task_bytes", MIN_TASK_BYTES)
        objects = self.table.folder.objects
        for task in grouped(self.listed, least):
            with closing(bodies(objects, task, self.kept, ahead=self.limit is None)) as fetched:
                for small, run in groupby(
                    (_Fetched(*each) for each in fetched), lambda each: each.body is not None
                ):
                    if small:
                        most = _FILES_AT_ONCE if self.limit is None else 1
                        for group in grouped(run, SMALL, most):
                            yield partial(self._small, group)
                    elif self.limit is not None:
                        for each in run:
                            yield from self._streamed(each.file)
                    else:
                        with closing(streams(objects, (each.file for each in run))) as begun:
                            for file, chunks in begun:
                                yield from self._streamed(file, chunks=chunks)

    def _streamed(
        self, file: TextFile, body: bytes | None = None, chunks: Iterator[bytes] | None = None
    ) -> Iterator[Callable[[], list[Parsed]]]:
        settings = self.table.settings
        size = BLOCK if self.limit is None else min(BLOCK, _FIRST)
        with open_members(self.table.folder.objects, file, settings.compression, body, chunks) as members:
            for place, text in members:
                for batch in self.table.batches(utf8_chunks(text, settings.charset, size), place):
                    yield partial(self._rows, [batch], file.key)

    def _small(self, group: Sequence[_Fetched]) -> list[Parsed | _Later]:
        """Unpack small files, and parse those together whose rows carry the same values."""
        done: list[Parsed | _Later] = []
        room = _UNPACKED_AT_ONCE
        for _, run in groupby(group, lambda each: self.values[each.file.key]):
            together: list[Batch | BadRow] = []
            key = ""
            for each in run:
                texts = self._texts(each, room)
                key = each.file.key
                if texts is None:
                    done += self._rows(together, key)
                    done.append(_Later(each))
                    together = []
                    continue
                for place, text in texts:
                    room -= len(text)
                    together += self.table.batches(iter((text,)), place)
            done += self._rows(together, key)
        return done

    def _texts(self, fetched: _Fetched, most: int) -> list[tuple[str, bytes]] | None:
        """Return the texts of a file, if they are no larger than that."""
        settings = self.table.settings
        found: list[tuple[str, bytes]] = []
        with open_members(
            self.table.folder.objects, fetched.file, settings.compression, fetched.body
        ) as members:
            for place, text in members:
                chunks: list[bytes] = []
                for chunk in utf8_chunks(text, settings.charset, BLOCK):
                    chunks.append(chunk)
                    most -= len(chunk)
                    if most < 0:
                        return None
                found.append((place, b"".join(chunks)))
        return found

    def _rows(self, batches: Sequence[Batch | BadRow], key: str) -> list[Parsed]:
        """Parse batches whose rows carry the same values."""
        return [self._finished(each, key) for each in joined(batches, BLOCK)]

    def _finished(self, batch: Batch | BadRow, key: str) -> Parsed:
        import polars as pl

        if isinstance(batch, BadRow):
            parsed = Parsed(self.asked.schema.to_frame(), [batch])
        else:
            parsed = self.table.parse(batch, self.asked)
            parsed = parsed._replace(place=batch.parts[0].place)
        frame = parsed.frame
        missing = [
            pl.lit(None, dtype).alias(name) for name, dtype in self.asked.schema.items() if name not in frame
        ]
        carried = [
            pl.lit(value, dtype).alias(name)
            for (name, dtype), value in zip(self.carried.items(), self.values[key], strict=True)
        ]
        if missing or carried:
            frame = frame.with_columns(*missing, *carried)
        return parsed._replace(frame=self._chosen(frame) if self.limit is None else frame)

    def _chosen(self, frame: pl.DataFrame) -> pl.DataFrame:
        return (frame if self.predicate is None else frame.filter(self.predicate)).select(self.wanted)

    def _limited(self, frames: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        left = self.limit
        for frame in frames:
            if left is None:
                yield frame
                continue
            yield frame.head(left)
            left -= min(left, frame.height)
            if not left:
                return

    def _larger(self, frames: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """Join the frames of many small files: each that the engine gets has its cost."""
        import polars as pl

        enough = _ROWS_AT_ONCE if self.limit is None else min(self.limit, _ROWS_AT_ONCE)
        held: list[pl.DataFrame] = []
        rows = 0
        for frame in frames:
            if frame.height:
                held.append(frame)
            rows += frame.height
            if rows >= enough:
                yield held[0] if len(held) == 1 else pl.concat(held, how="diagonal")
                held, rows = [], 0
        if held:
            yield pl.concat(held, how="diagonal")
