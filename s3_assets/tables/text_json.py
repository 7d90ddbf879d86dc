"""Folders of JSON Lines and of JSON files."""

from __future__ import annotations

from abc import abstractmethod
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from s3_assets.errors import SchemaMismatchError
from s3_assets.tables import text_json_fields, text_json_rows, text_values
from s3_assets.tables.text import TextTable
from s3_assets.tables.text_json_objects import objects_of
from s3_assets.tables.text_read import Asked, Parsed
from s3_assets.tables.text_rows import BadRow, Batch, Part, line_blocks, within
from s3_assets.tables.text_settings import JsonLinesSettings, JsonSettings
from s3_assets.tables.text_writer import ObjectsEncoding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import polars as pl

    from s3_assets.tables.encoding import Encoding

JsonOf = TypeVar("JsonOf", JsonLinesSettings, JsonSettings)

Place = tuple[int, int]
"""Line and column where an object begins."""


class _ObjectsTable(TextTable[JsonOf]):
    """What both have in common: blocks of one object to a line."""

    @abstractmethod
    def _objects(
        self, chunks: Iterator[bytes], place: str, *, sampling: bool = False
    ) -> Iterator[tuple[bytes, Callable[[bytes], Place]]]:
        """Yield blocks of one object to a line, and what finds an object's place by the text before it."""

    def batches(self, chunks: Iterator[bytes], place: str) -> Iterator[Batch | BadRow]:
        """Yield the text's objects."""
        for text, where in self._objects(chunks, place):
            yield Batch(text, (Part(0, place, where),))

    def parse(self, batch: Batch, asked: Asked) -> Parsed:
        """Return the objects as rows, those that cannot be, and what they have besides the columns."""
        schema = asked.schema
        spelled = type(schema)({name: _spelled(dtype) for name, dtype in schema.items()})
        found = text_json_rows.read(batch, spelled)
        extra: Mapping[str, int] = {}
        if asked.complete and self.settings.on_extra_field != "ignore":
            extra = text_json_fields.fields_besides(found.text, found.frame, asked.known)
        if extra and self.settings.on_extra_field == "fail":
            raise SchemaMismatchError(
                f"{batch.parts[0].place} has the fields {', '.join(map(repr, extra))}, which are no columns",
                remedy="Declare all columns of the files, or set on_extra_field to 'note' or 'ignore'.",
                table=self.name,
            )
        if not schema:
            return Parsed(found.frame, found.bad)
        return self._converted(batch, schema, found)._replace(extra=extra)

    def _converted(self, batch: Batch, schema: pl.Schema, found: text_json_rows.Objects) -> Parsed:
        """Read dates and the like, which are strings in JSON."""
        import polars as pl

        bad = list(found.bad)
        kept = pl.repeat(value=True, n=found.frame.height, dtype=pl.Boolean, eager=True)
        columns: list[pl.Series] = []
        for each in found.frame:
            dtype = schema[each.name]
            if dtype == each.dtype:
                columns.append(each)
                continue
            values, failed = text_values.convert(each, dtype, self.settings.formats.get(each.name), ())
            columns.append(values)
            if failed is None:
                continue
            spans = found.spans()
            for index in (failed & kept).arg_true().to_list():
                start, end = spans[index]
                bad.append(
                    batch.bad(start, end, start, f"field '{each.name}': {each[index]!r} is no {dtype}")
                )
            kept &= ~failed
        frame = pl.DataFrame(columns)
        return Parsed(frame if kept.all() else frame.filter(kept), batch.in_order(bad))

    def sample(self, chunks: Iterator[bytes], known: pl.Schema | None = None) -> pl.Schema:
        """Return the fields of the first objects: those that are whole and can be read."""
        import polars as pl

        lines = [
            line
            for text, _ in self._objects(chunks, "", sampling=True)
            for line in text.split(b"\n")
            if line.strip()
        ]
        formats = self.settings.formats
        if known and not formats and text_json_rows.adds_nothing(lines, known):
            return known
        found = text_json_rows.inferred(lines)
        return pl.Schema(
            {
                each.name: text_values.guess(each, formats[each.name])
                if each.name in formats and each.dtype == pl.String
                else each.dtype
                for each in found
            }
        )


class JsonLinesTable(_ObjectsTable[JsonLinesSettings]):
    """A folder of files with one JSON object to a line."""

    def encoding(self, compression: str, suffix: str) -> Encoding:
        """Return how files of lines are written."""
        return ObjectsEncoding(self.settings, compression, suffix)

    def _objects(
        self, chunks: Iterator[bytes], place: str, *, sampling: bool = False
    ) -> Iterator[tuple[bytes, Callable[[bytes], Place]]]:
        del sampling
        for block in line_blocks(within(chunks, place)):
            if not block.text.isspace():
                yield block.text, partial(_line, block.line)


class JsonTable(_ObjectsTable[JsonSettings]):
    """A folder of files of JSON objects, in one array or one after the other."""

    def encoding(self, compression: str, suffix: str) -> Encoding:
        """Return how files of one array each are written."""
        return ObjectsEncoding(self.settings, compression, suffix, array=True)

    def _objects(
        self, chunks: Iterator[bytes], place: str, *, sampling: bool = False
    ) -> Iterator[tuple[bytes, Callable[[bytes], Place]]]:
        for found in objects_of(chunks, sampling=sampling):
            if isinstance(found, BadRow):
                raise self.bad_row(found._replace(place=place))
            text, places = found
            yield text, partial(_object, places)


def _line(first: int, before: bytes) -> Place:
    return first + before.count(b"\n"), 1


def _object(places: Sequence[Place], before: bytes) -> Place:
    return places[before.count(b"\n")]


def _spelled(dtype: pl.DataType) -> pl.DataType:
    """Return the type that JSON spells a column's values in."""
    import polars as pl

    # Of integers, the engine's reader has none of less than 32 bits.
    small = dtype in {pl.Int8, pl.Int16, pl.UInt8, pl.UInt16}
    return pl.String() if small or dtype.is_temporal() or dtype.is_decimal() or dtype == pl.Binary else dtype
