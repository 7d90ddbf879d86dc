"""Folders of CSV and TSV files."""

from __future__ import annotations

import io
from functools import cached_property, partial
from itertools import chain
from typing import TYPE_CHECKING

from s3_assets.errors import SchemaMismatchError
from s3_assets.tables import text_values
from s3_assets.tables.text import SAMPLE, TextTable
from s3_assets.tables.text_dialect import Dialect
from s3_assets.tables.text_rows import BadRow, Block, lines_in
from s3_assets.tables.text_settings import DelimitedSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import polars as pl

    from s3_assets.tables.text import Parse, Parsed
    from s3_assets.tables.text_dialect import Row


class CsvTable(TextTable[DelimitedSettings]):
    """A folder of delimited text, each file with its own header or all without."""

    @cached_property
    def _dialect(self) -> Dialect:
        return Dialect.of(self.settings)

    def parse(
        self, chunks: Iterator[bytes], schema: pl.Schema, known: frozenset[str], place: str
    ) -> Iterator[Parse]:
        """Yield one job for each block of the text."""
        names: list[str] | None = None
        for each in self._blocks(chunks):
            if isinstance(each, BadRow):
                yield partial(self._none, schema, each)
                continue
            block = each
            if names is None:
                found = self._names(block)
                if found is None:
                    continue
                names, block = found
                self._check(names, known, place)
            if block.text.strip(b"\r\n"):
                yield partial(self._parse, block, names, _common(schema, names))

    @staticmethod
    def _none(schema: pl.Schema, bad: BadRow) -> Parsed:
        return schema.to_frame(), [bad]

    def sample(self, chunks: Iterator[bytes]) -> pl.Schema:
        """Return the columns of the first rows: those that are whole."""
        import polars as pl

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
            if len(text) >= SAMPLE:
                # The sample may end in the middle of its last row.
                rows = list(self._dialect.rows(block))
                block = Block(block.text[: rows[-1].start if len(rows) > 1 else None], block.line)
            found.append(self._strings(block, names, names)[0])
        if names is None:
            return pl.Schema()
        formats = self.settings.formats
        strings = pl.concat([_strings_frame(names), *found])
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
        return fields, Block(block.text[first.end :], block.line + lines_in(block.text[: first.end]))

    @cached_property
    def _folders(self) -> frozenset[str]:
        first = next(self.folder.first(), None)
        return frozenset(self._hive_schema([first])) if first else frozenset()

    def _check(self, names: list[str], known: frozenset[str], place: str) -> None:
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise SchemaMismatchError(
                f"the header of {place} names {', '.join(map(repr, twice))} twice",
                remedy="Correct the file, or set header to false, skip_lines to 1, and declare the columns.",
                table=self.name,
            )

        new = [name for name in names if name not in known]
        if new and self.settings.header:
            raise SchemaMismatchError(
                f"{place} has the columns {', '.join(map(repr, new))}, which the table does not have",
                remedy="Declare all columns of the files.",
                table=self.name,
            )

    def _parse(self, block: Block, names: list[str], schema: pl.Schema) -> Parsed:
        import polars as pl

        strings, rows, bad = self._strings(block, names, list(schema))
        columns: list[pl.Series] = []
        kept = pl.repeat(value=True, n=strings.height, dtype=pl.Boolean, eager=True)
        for text in strings:
            values, failed = text_values.convert(
                text, schema[text.name], self.settings.formats.get(text.name), self.settings.null_values
            )
            columns.append(values)
            if failed is not None:
                rows = rows if rows is not None else list(self._dialect.rows(block))
                position = names.index(text.name)
                indexes = (failed & kept).arg_true().to_list()
                bad += [
                    self._value(block, rows[index], position, text, index, schema[text.name])
                    for index in indexes
                ]
                kept &= ~failed
        frame = pl.DataFrame(columns) if columns else pl.DataFrame(height=strings.height)
        return (frame.filter(kept) if bad and columns else frame), sorted(bad)

    def _value(
        self, block: Block, row: Row, position: int, text: pl.Series, index: int, dtype: pl.DataType
    ) -> BadRow:
        field = self._dialect.fields(block.text, row)[position]
        return _bad(block, row, field.start, f"column '{text.name}': {text[index]!r} is no {dtype}")

    def _strings(
        self, block: Block, names: list[str], wanted: Sequence[str]
    ) -> tuple[pl.DataFrame, list[Row] | None, list[BadRow]]:
        """Return the fields as strings; with rows that cannot be split, the good ones and why the bad are."""
        import pyarrow as pa

        text = self._without_comments(block)
        try:
            return self._split(text, names, wanted), None, []
        except pa.ArrowInvalid as error:
            good, bad = self._sort(block, names)
            if not bad:
                # The grammar and the parser disagree: no row may be lost over it.
                raise self._bad(self.location.url, BadRow(block.line, 1, str(error))) from error
        text = b"\n".join(block.text[row.start : row.end] for row in good)
        if not good:
            return _strings_frame(wanted), good, bad
        return self._split(text, names, wanted), good, bad

    def _sort(self, block: Block, names: list[str]) -> tuple[list[Row], list[BadRow]]:
        good: list[Row] = []
        bad: list[BadRow] = []
        for row in self._dialect.rows(block):
            fields = self._dialect.fields(block.text, row)
            content = block.text[row.start : row.end]
            try:
                content.decode()
            except UnicodeDecodeError as error:
                bad.append(
                    _bad(
                        block, row, row.start + error.start, f"bytes that are no {self.settings.charset} text"
                    )
                )
                continue
            if len(fields) == len(names):
                good.append(row)
                continue
            extra = len(fields) > len(names)
            at = fields[len(names)].start if extra else row.end
            bad.append(_bad(block, row, at, f"{len(fields)} fields instead of {len(names)}"))
        return good, bad

    def _without_comments(self, block: Block) -> bytes:
        comment = self._dialect.comment
        if not comment or comment not in block.text:
            return block.text
        return b"\n".join(block.text[row.start : row.end] for row in self._dialect.rows(block))

    def _split(self, text: bytes, names: list[str], wanted: Sequence[str]) -> pl.DataFrame:
        import polars as pl
        import pyarrow as pa
        from pyarrow import csv

        if not text.strip(b"\r\n"):
            return _strings_frame(wanted)
        settings = self.settings
        # A column is needed to count the rows.
        taken = list(wanted) or names[:1]
        table = csv.read_csv(
            io.BytesIO(text),
            read_options=csv.ReadOptions(column_names=names, block_size=len(text) + 1, use_threads=False),
            parse_options=csv.ParseOptions(
                delimiter=settings.delimiter,
                quote_char=settings.quote or False,
                double_quote=settings.quote is not None,
                escape_char=settings.escape or False,
                newlines_in_values=settings.quote is not None or settings.escape is not None,
            ),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(taken, pa.large_string()),
                include_columns=taken,
                null_values=list(settings.null_values),
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
        frame = pl.DataFrame(table)
        return frame if wanted else pl.DataFrame(height=frame.height)


def _bad(block: Block, row: Row, at: int, found: str) -> BadRow:
    before = block.text[row.start : at]
    start = max(before.rfind(b"\n"), before.rfind(b"\r")) + 1
    column = len(before[start:].decode(errors="replace")) + 1
    return BadRow(row.line + lines_in(before), column, found)


def _common(schema: pl.Schema, names: list[str]) -> pl.Schema:
    return type(schema)({column: dtype for column, dtype in schema.items() if column in names})


def _strings_frame(wanted: Sequence[str]) -> pl.DataFrame:
    import polars as pl

    return pl.DataFrame(schema=dict.fromkeys(wanted, pl.String()))


def _after_lines(text: bytes, lines: int) -> int | None:
    """Return where so many lines end, if they are there."""
    position = 0
    for _ in range(lines):
        ends = [found for found in (text.find(b"\n", position), text.find(b"\r", position)) if found >= 0]
        if not ends:
            return None
        position = min(ends) + 1
        position += text[position - 1 : position + 1] == b"\r\n"
    return position
