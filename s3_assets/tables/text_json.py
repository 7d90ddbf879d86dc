"""Folders of JSON Lines and of JSON files."""

from __future__ import annotations

import json
from abc import abstractmethod
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from s3_assets.tables import text_values
from s3_assets.tables.text import TextTable
from s3_assets.tables.text_json_objects import objects_of
from s3_assets.tables.text_rows import BadRow, line_blocks
from s3_assets.tables.text_settings import JsonLinesSettings, JsonSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import polars as pl

    from s3_assets.tables.text import Parse, Parsed

JsonOf = TypeVar("JsonOf", JsonLinesSettings, JsonSettings)

Place = tuple[int, int]
"""Line and column where an object begins."""


class _ObjectsTable(TextTable[JsonOf]):
    """What both have in common: blocks of one object to a line."""

    @abstractmethod
    def _objects(
        self, chunks: Iterator[bytes], place: str, *, sampling: bool = False
    ) -> Iterator[tuple[bytes, Callable[[], Sequence[Place]]]]:
        """Yield blocks of one object to a line, and how to find where each line stands in the text."""

    def parse(
        self, chunks: Iterator[bytes], schema: pl.Schema, known: frozenset[str], place: str
    ) -> Iterator[Parse]:
        """Yield one job for each block of the text."""
        del known
        for text, places in self._objects(chunks, place):
            yield partial(self._parse, text, places, schema)

    def sample(self, chunks: Iterator[bytes]) -> pl.Schema:
        """Return the fields of the first objects: those that are whole and can be read."""
        import polars as pl

        lines = [
            line
            for text, _ in self._objects(chunks, "", sampling=True)
            for line in _lines(text)
            if _is_good(line)
        ]
        if not lines:
            return pl.Schema()
        found = pl.read_ndjson(b"\n".join(lines), infer_schema_length=None)
        formats = self.settings.formats
        return pl.Schema(
            {
                each.name: text_values.guess(each, formats[each.name])
                if each.name in formats and each.dtype == pl.String
                else each.dtype
                for each in found
            }
        )

    def _parse(self, text: bytes, places: Callable[[], Sequence[Place]], schema: pl.Schema) -> Parsed:
        import polars as pl

        spelled = pl.Schema({name: _spelled(dtype) for name, dtype in schema.items()})
        lines: list[bytes] | None = None
        bad: list[tuple[int, str]] = []
        frame = None if b"\\ud" in text.lower() else _read(text, spelled)
        if frame is None:
            lines = _lines(text)
            bad = list(_bad_lines(lines, 0, spelled))
            wrong = {index for index, _ in bad}
            kept_lines = [index for index in range(len(lines)) if index not in wrong]
            frame = _read(b"\n".join(lines[index] for index in kept_lines), spelled)
        else:
            kept_lines = []
        if frame is None:
            raise RuntimeError("lines that can be read one by one cannot be read together")
        columns: list[pl.Series] = []
        kept = pl.repeat(value=True, n=frame.height, dtype=pl.Boolean, eager=True)
        for each in frame:
            dtype = schema[each.name]
            if dtype == spelled[each.name]:
                columns.append(each)
                continue
            values, failed = text_values.convert(each, dtype, self.settings.formats.get(each.name), ())
            columns.append(values)
            if failed is not None:
                found = (failed & kept).arg_true().to_list()
                bad += [
                    (kept_lines[row] if lines else row, f"field '{each.name}': {each[row]!r} is no {dtype}")
                    for row in found
                ]
                kept &= ~failed
        done = pl.DataFrame(columns) if columns else frame
        if not bad:
            return done, []
        where = places()
        return done.filter(kept) if columns else done, [
            _placed(where[row], reason) for row, reason in sorted(bad)
        ]


class JsonLinesTable(_ObjectsTable[JsonLinesSettings]):
    """A folder of files with one JSON object to a line."""

    def _objects(
        self, chunks: Iterator[bytes], place: str, *, sampling: bool = False
    ) -> Iterator[tuple[bytes, Callable[[], Sequence[Place]]]]:
        del place, sampling
        for block in line_blocks(chunks):
            if block.text.strip():
                yield block.text, partial(_line_places, block.text, block.line)


class JsonTable(_ObjectsTable[JsonSettings]):
    """A folder of files of JSON objects, in one array or one after the other."""

    def _objects(
        self, chunks: Iterator[bytes], place: str, *, sampling: bool = False
    ) -> Iterator[tuple[bytes, Callable[[], Sequence[Place]]]]:
        for found in objects_of(chunks, sampling=sampling):
            if isinstance(found, BadRow):
                raise self._bad(place, found)
            text, places = found
            yield text, partial(list, places)


def _placed(place: Place, reason: str) -> BadRow:
    return BadRow(place[0], place[1], reason)


def _line_places(text: bytes, line: int) -> list[Place]:
    return [(line + number, 1) for number, each in enumerate(text.split(b"\n")) if each.strip()]


def _lines(text: bytes) -> list[bytes]:
    return [line for line in text.split(b"\n") if line.strip()]


def _spelled(dtype: pl.DataType) -> pl.DataType:
    """Return the type that JSON spells a column's values in."""
    import polars as pl

    return pl.String() if dtype.is_temporal() or dtype.is_decimal() or dtype == pl.Binary else dtype


def _read(text: bytes, schema: pl.Schema) -> pl.DataFrame | None:
    """Return the objects of the lines, if every one can be read."""
    import polars as pl

    if not text.strip():
        return schema.to_frame()
    try:
        # A column is needed to count the rows.
        found = pl.read_ndjson(text, schema=schema or {"": pl.String()})
    except (pl.exceptions.ComputeError, pl.exceptions.SchemaError):
        return None
    return found if schema else pl.DataFrame(height=found.height)


def _bad_lines(lines: list[bytes], first: int, schema: pl.Schema) -> Iterator[tuple[int, str]]:
    """Find the lines that cannot be read, by halves."""
    text = b"\n".join(lines)
    if b"\\ud" not in text.lower() and _read(text, schema) is not None:
        return
    if len(lines) == 1:
        reason = _reason(lines[0], schema)
        if reason:
            yield first, reason
        return
    half = len(lines) // 2
    yield from _bad_lines(lines[:half], first, schema)
    yield from _bad_lines(lines[half:], first + half, schema)


def _reason(line: bytes, schema: pl.Schema) -> str | None:
    import polars as pl

    try:
        found = json.loads(line.decode())
        json.dumps(found, ensure_ascii=False).encode()
    except UnicodeDecodeError as error:
        return f"bytes that are no text, at character {error.start + 1} of the row"
    except UnicodeEncodeError:
        return "half of a character that takes two escapes"
    except json.JSONDecodeError as error:
        return f"no JSON: {error.msg}, at character {error.pos + 1} of the row"
    if not isinstance(found, dict):
        return f"a JSON {type(found).__name__} instead of an object"
    try:
        pl.read_ndjson(line, schema=schema or {"": pl.String()})
    except (pl.exceptions.ComputeError, pl.exceptions.SchemaError) as error:
        return str(error)
    return None


def _is_good(line: bytes) -> bool:
    import polars as pl

    return _reason(line, pl.Schema()) is None
