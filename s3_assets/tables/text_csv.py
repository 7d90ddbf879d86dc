"""Folders of CSV and TSV files."""

from __future__ import annotations

from collections import Counter
from functools import cached_property, partial
from itertools import chain
from typing import TYPE_CHECKING

from s3_assets.errors import SchemaMismatchError
from s3_assets.tables import text_csv_quick, text_values
from s3_assets.tables.folder_writer import folder_columns
from s3_assets.tables.text import SAMPLE, TextTable
from s3_assets.tables.text_csv_rows import CarefulRows, strings_frame
from s3_assets.tables.text_dialect import Dialect
from s3_assets.tables.text_read import Asked, Parsed
from s3_assets.tables.text_rows import BadRow, Batch, Block, Part, lines_in, position, within
from s3_assets.tables.text_settings import DelimitedSettings
from s3_assets.tables.text_writer import delimited

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import polars as pl

    from s3_assets.tables.encoding import Encoding


class CsvTable(TextTable[DelimitedSettings]):
    """A folder of delimited text, each file with its own header or all without."""

    @cached_property
    def _dialect(self) -> Dialect:
        return Dialect.of(self.settings)

    @cached_property
    def _rows(self) -> CarefulRows:
        return CarefulRows(self._dialect, self.settings)

    def encoding(self, compression: str, suffix: str) -> Encoding:
        """Return how files are written in this dialect."""
        declared: list[str] | None = None
        if self.settings.columns is not None:
            schema = self.schema()
            folders = folder_columns(self.settings, schema)
            declared = [column for column in schema if column not in folders]
        return delimited(self.settings, compression, suffix, declared, self.name)

    def batches(self, chunks: Iterator[bytes], place: str) -> Iterator[Batch | BadRow]:
        """Yield the text's rows, without its header."""
        names: list[str] | None = None
        for each in self._blocks(within(chunks, place)):
            if isinstance(each, BadRow):
                yield each._replace(place=place)
                continue
            block = each
            if names is None:
                found = self._names(block)
                if found is None:
                    continue
                names, block = found
            part = Part(0, place, partial(position, block.line))
            yield Batch(block.text, (part,), tuple(names), block.plain)

    def parse(self, batch: Batch, asked: Asked) -> Parsed:
        """Return the rows: by Polars' parser, or one by one where that is not certain of them."""
        self._check(batch.names, asked.known, batch.parts[0].place)
        schema = _common(asked.schema, batch.names)
        quick = text_csv_quick.read(batch, schema, self.settings)
        if quick is not None:
            converted = self._convert(quick, schema)
            if not any(failed is not None for _, failed in converted):
                return Parsed(_frame([values for values, _ in converted], quick.height))
        return self._careful(batch, schema)

    def sample(self, chunks: Iterator[bytes], known: pl.Schema | None = None) -> pl.Schema:
        """Return the columns of the first rows: those that are whole."""
        import polars as pl

        del known
        text = b"".join(chunks)
        names: list[str] | None = None
        found: list[pl.DataFrame] = []
        for each in self._blocks(iter([text])):
            if isinstance(each, BadRow):
                continue
            block = each
            if names is None:
                start = self._names(block)
                if start is None:
                    continue
                names, block = start
                self._require_distinct(names, "")
            if len(text) >= SAMPLE:
                # The sample may end in the middle of its last row.
                rows = list(self._dialect.rows(block))
                block = Block(block.text[: rows[-1].start if len(rows) > 1 else None], block.line)
            whole = Batch(block.text, (Part(0, "", partial(position, block.line)),), tuple(names))
            found.append(self._rows.split(whole, names)[0])
        if names is None:
            return pl.Schema()
        formats = self.settings.formats
        strings = pl.concat([strings_frame(names), *found])
        return pl.Schema({each.name: text_values.guess(each, formats.get(each.name)) for each in strings})

    def _blocks(self, chunks: Iterator[bytes]) -> Iterator[Block | BadRow]:
        skip = self.settings.skip_lines
        held = b""
        for chunk in chunks:
            held += chunk
            end = _after_lines(held, skip)
            if end is not None:
                for each in self._dialect.blocks(chain([held[end:]], chunks)):
                    yield each._replace(line=each.line + skip)
                return

    def _names(self, block: Block) -> tuple[list[str], Block] | None:
        """Return the names of the columns, and the block without its header."""
        first = next(self._dialect.rows(block), None)
        if first is None:
            return None
        fields = [field.value.decode(errors="replace") for field in self._dialect.fields(block.text, first)]
        if not self.settings.header:
            declared = [name for name in self.settings.columns or () if name not in self._folders]
            return declared or [f"column_{number}" for number in range(1, len(fields) + 1)], block
        start = first.end + (2 if block.text.startswith(b"\r\n", first.end) else 1)
        header = block.text[:start]
        return fields, Block(block.text[start:], block.line + lines_in(header), block.plain)

    @cached_property
    def _folders(self) -> frozenset[str]:
        first = next(self.folder.first(), None)
        return frozenset(self._hive_schema([first])) if first else frozenset()

    def _check(self, names: Sequence[str], known: frozenset[str], place: str) -> None:
        self._require_distinct(names, place)
        new = [name for name in names if name not in known]
        if new and self.settings.header:
            raise SchemaMismatchError(
                f"{place} has the columns {', '.join(map(repr, new))}, which the table does not have",
                remedy="Declare all columns of the files.",
                table=self.name,
            )

    def _require_distinct(self, names: Sequence[str], place: str) -> None:
        twice = sorted(name for name, times in Counter(names).items() if times > 1)
        if twice:
            raise SchemaMismatchError(
                f"the header{f' of {place}' if place else ''} names {', '.join(map(repr, twice))} twice",
                remedy="Correct the file, or set header to false, skip_lines to 1, and declare the columns.",
                table=self.name,
            )

    def _careful(self, batch: Batch, schema: pl.Schema) -> Parsed:
        """Return the rows that can be read, and say where the others are."""
        import polars as pl

        strings, rows, bad = self._rows.split(batch, list(schema))
        kept = pl.repeat(value=True, n=strings.height, dtype=pl.Boolean, eager=True)
        columns: list[pl.Series] = []
        for text, (values, failed) in zip(strings, self._convert(strings, schema), strict=True):
            columns.append(values)
            if failed is None:
                continue
            rows = rows if rows is not None else list(self._dialect.rows(Block(batch.text, 1)))
            for index in (failed & kept).arg_true().to_list():
                field = self._dialect.fields(batch.text, rows[index])[batch.names.index(text.name)]
                found = f"column '{text.name}': {text[index]!r} is no {schema[text.name]}"
                bad.append(batch.bad(rows[index].start, rows[index].end, field.start, found))
            kept &= ~failed
        frame = _frame(columns, strings.height)
        return Parsed(frame.filter(kept) if columns else frame, batch.in_order(bad))

    def _convert(self, found: pl.DataFrame, schema: pl.Schema) -> list[tuple[pl.Series, pl.Series | None]]:
        """Return the columns as their types, and where that failed."""
        formats, nulls = self.settings.formats, self.settings.null_values
        return [
            (each, None)
            if each.dtype == schema[each.name]
            else text_values.convert(each, schema[each.name], formats.get(each.name), nulls)
            for each in found
        ]


def _frame(columns: list[pl.Series], height: int) -> pl.DataFrame:
    import polars as pl

    return pl.DataFrame(columns) if columns else pl.DataFrame(height=height)


def _common(schema: pl.Schema, names: Sequence[str]) -> pl.Schema:
    return type(schema)({column: dtype for column, dtype in schema.items() if column in names})


def _after_lines(text: bytes, lines: int) -> int | None:
    """Return where so many lines end, if they are there."""
    at = 0
    for _ in range(lines):
        ends = [found for found in (text.find(b"\n", at), text.find(b"\r", at)) if found >= 0]
        if not ends:
            return None
        at = min(ends) + 1
        at += text[at - 1 : at + 1] == b"\r\n"
    return at
