"""Folders of text files: read lazily, in blocks, with projection, row limit and predicate in the reader."""

from __future__ import annotations

import logging
import os
from abc import abstractmethod
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from s3_assets.errors import BadRowError
from s3_assets.tables import files, text_values
from s3_assets.tables.folder_table import FolderTable
from s3_assets.tables.parts import read_value
from s3_assets.tables.text_charset import utf8_chunks
from s3_assets.tables.text_pool import in_order
from s3_assets.tables.text_rows import BLOCK, BadRow
from s3_assets.tables.text_settings import TextSettings
from s3_assets.tables.text_source import SMALL, TextFile, open_members

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import polars as pl

    from s3_assets.objects import Objects

SAMPLE = 256 * 1024
"""How many bytes of a file's text are looked at, unpacked, to find its columns."""

_FETCHES = 16
_PARSERS = max(1, min(4, os.cpu_count() or 1))
_ROWS_AT_ONCE = 32 * 1024
_LOG = logging.getLogger(__name__)

TextOf = TypeVar("TextOf", bound=TextSettings)

if TYPE_CHECKING:
    Parsed = tuple[pl.DataFrame, list[BadRow]]
    """The rows of a block that can be read, and those that cannot."""

    Parse = Callable[[], Parsed]


class TextTable(FolderTable[TextOf], Generic[TextOf]):
    """A folder of text files; a format says what a text's blocks are, and what rows they hold."""

    @abstractmethod
    def parse(
        self, chunks: Iterator[bytes], schema: pl.Schema, known: frozenset[str], place: str
    ) -> Iterator[Parse]:
        """Yield one job for each block of a text: its rows, with the columns of `schema` that it has.

        `known` are all columns of the table, read or not.
        """

    @abstractmethod
    def sample(self, chunks: Iterator[bytes]) -> pl.Schema:
        """Return the columns that the first rows of a text have."""

    def join_schemas(self, schemas: dict[str, pl.Schema], table: str) -> pl.Schema:
        """Merge what the samples were taken for; a string wherever two have no type in common."""
        del table
        return text_values.join(schemas)

    def read_schema(self, key: str) -> pl.Schema:
        """Return what the first bytes of the file's text look like."""
        with open_members(
            self.folder.objects, TextFile(key, self.folder.objects.head(key).size), self.settings.compression
        ) as members:
            found = {
                place: self.sample(iter([next(utf8_chunks(text, self.settings.charset, SAMPLE), b"")]))
                for place, text in members
            }
        return text_values.join(found)

    def scan_files(self, chosen: pl.DataFrame, schema: pl.Schema, hive: pl.Schema) -> pl.LazyFrame:
        """Return the rows of the files, in their order."""
        from polars.io.plugins import register_io_source

        listed = [TextFile(*row) for row in chosen.select("key", "size").iter_rows()]

        def read(
            columns: list[str] | None, predicate: pl.Expr | None, limit: int | None, batch: int | None
        ) -> Iterator[pl.DataFrame]:
            del batch
            wanted = columns if columns is not None else list(schema)
            needed = set(wanted) | (set(predicate.meta.root_names()) if predicate is not None else set())
            if self.settings.on_bad_row == "skip":
                # Which rows are bad must not depend on the columns that somebody asks for.
                needed = set(schema)
            read_schema = _part(schema, needed - set(hive))
            for frame in _limited(
                _larger(self._frames(listed, read_schema, _part(hive, needed), predicate, frozenset(schema))),
                limit,
            ):
                yield (frame if predicate is None else frame.filter(predicate)).select(wanted)

        return register_io_source(read, schema=dict(schema), explain_name=self.settings.path)

    def _frames(
        self,
        listed: list[TextFile],
        schema: pl.Schema,
        hive: pl.Schema,
        predicate: pl.Expr | None,
        known: frozenset[str],
    ) -> Iterator[pl.DataFrame]:
        with closing(in_order(self._jobs(listed, schema, hive, predicate, known), _PARSERS)) as done:
            skipped: dict[str, int] = {}
            for place, frame, bad in done:
                if bad and self.settings.on_bad_row == "fail":
                    raise self._bad(place, bad[0])
                if bad:
                    skipped[place] = skipped.get(place, 0) + len(bad)
                yield frame
            for place, count in skipped.items():
                _LOG.warning("table '%s', %s: %d bad rows were skipped", self.name, place, count)

    def _jobs(
        self,
        listed: list[TextFile],
        schema: pl.Schema,
        hive: pl.Schema,
        predicate: pl.Expr | None,
        known: frozenset[str],
    ) -> Iterator[Callable[[], tuple[str, pl.DataFrame, list[BadRow]]]]:
        objects = self.folder.objects
        wanted = (
            (file, folders)
            for file in listed
            if not _excluded(folders := self._folder_values(file.key, hive), predicate)
        )
        fetches = (partial(_fetched, objects, file, folders) for file, folders in wanted)
        for file, folders, body in in_order(fetches, _FETCHES):
            with open_members(objects, file, self.settings.compression, body) as members:
                for place, text in members:
                    chunks = utf8_chunks(text, self.settings.charset, BLOCK)
                    for parse in self.parse(chunks, schema, known, place):
                        yield _job(parse, place, schema, folders)

    def _folder_values(self, key: str, hive: pl.Schema) -> pl.DataFrame:
        import polars as pl

        values: dict[str, object] = dict.fromkeys(hive)
        for segment in key.removeprefix(self.location.key).split("/")[:-1]:
            column, value = files.hive_folder(segment)
            if column is not None and column in hive and value is not None:
                dtype = hive[column]
                values[column] = value if dtype == pl.String else read_value(value, dtype)
        return pl.DataFrame({column: [value] for column, value in values.items()}, schema=hive)

    def _bad(self, place: str, bad: BadRow) -> BadRowError:
        return BadRowError(
            f"line {bad.line}, column {bad.column}: {bad.found}",
            remedy="Correct the file, declare the table as the file is, or set on_bad_row to 'skip'.",
            line=bad.line,
            column=bad.column,
            table=self.name,
            connection=self.connection.name,
            location=place,
        )


def _fetched(
    objects: Objects, file: TextFile, folders: pl.DataFrame
) -> tuple[TextFile, pl.DataFrame, bytes | None]:
    """Fetch a small file while others are parsed; a large one is streamed when its turn comes."""
    return file, folders, objects.get(file.key) if file.size <= SMALL else None


def _excluded(folders: pl.DataFrame, predicate: pl.Expr | None) -> bool:
    """Tell whether a file's folders alone say that none of its rows is wanted."""
    asked = set(predicate.meta.root_names()) if predicate is not None else set()
    if predicate is None or not asked or not asked <= set(folders.columns):
        return False
    return folders.filter(predicate).is_empty()


def _part(schema: pl.Schema, wanted: set[str]) -> pl.Schema:
    return type(schema)({column: dtype for column, dtype in schema.items() if column in wanted})


def _job(
    parse: Parse, place: str, schema: pl.Schema, folders: pl.DataFrame
) -> Callable[[], tuple[str, pl.DataFrame, list[BadRow]]]:
    import polars as pl

    def run() -> tuple[str, pl.DataFrame, list[BadRow]]:
        frame, bad = parse()
        missing = [pl.lit(None, dtype).alias(name) for name, dtype in schema.items() if name not in frame]
        carried = [pl.lit(column[0], column.dtype).alias(column.name) for column in folders]
        return place, frame.with_columns(*missing, *carried), bad

    return run


def _larger(frames: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Join the frames of many small files: each that the engine gets has its cost."""
    import polars as pl

    held: list[pl.DataFrame] = []
    rows = 0
    for frame in frames:
        held.append(frame)
        rows += frame.height
        if rows >= _ROWS_AT_ONCE:
            yield pl.concat(held, how="diagonal")
            held, rows = [], 0
    if rows:
        yield pl.concat(held, how="diagonal")


def _limited(frames: Iterator[pl.DataFrame], limit: int | None) -> Iterator[pl.DataFrame]:
    left = limit
    for frame in frames:
        if left is None:
            yield frame
            continue
        yield frame.head(left)
        left -= min(left, frame.height)
        if not left:
            return
