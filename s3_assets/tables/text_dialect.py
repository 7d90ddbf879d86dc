"""The grammar of delimited text: where its rows end, which of them are broken, what their fields are.

Line breaks are those of Python's csv module; a quote inside an unquoted field is a character like any other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from s3_assets.tables.text_bytes import count, quotes_are_plain
from s3_assets.tables.text_rows import BLOCK, LONGEST_ROW, BadRow, Block, lines_in, position

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from s3_assets.tables.text_settings import DelimitedSettings


class Row(NamedTuple):
    """A row of a block: where it starts and ends (with its line break), and its line in the text."""

    start: int
    end: int
    line: int


class Field(NamedTuple):
    """A field: where it starts in its block, and its value."""

    start: int
    value: bytes


@dataclass(frozen=True)
class Dialect:
    """Delimiter, quote, escape and comment, as bytes; empty where there is none."""

    delimiter: bytes
    quote: bytes
    escape: bytes
    comment: bytes

    @classmethod
    def of(cls, settings: DelimitedSettings) -> Dialect:
        """Return the dialect that is declared."""
        return cls(
            settings.delimiter.encode(),
            (settings.quote or "").encode(),
            (settings.escape or "").encode(),
            (settings.comment or "").encode(),
        )

    @cached_property
    def _escaped(self) -> bytes:
        return rb"|" + re.escape(self.escape) + rb"." if self.escape else rb""

    @cached_property
    def _open(self) -> bytes:
        """A quote and what follows, up to where the field ends or the text does."""
        quote = re.escape(self.quote)
        plain = b"".join(re.escape(each) for each in (self.quote, self.escape))
        return quote + rb"(?:[^" + plain + rb"]++|" + quote * 2 + self._escaped + rb")*+"

    @cached_property
    def _row(self) -> bytes:
        """A row without its line break."""
        delimiter, quote = re.escape(self.delimiter), re.escape(self.quote)
        plain = b"".join(re.escape(each) for each in (self.quote, self.escape))
        row = rb"[^" + plain + rb"\r\n]++" + self._escaped
        if self.quote:
            closed = self._open + quote + rb"(?=[" + delimiter + rb"\r\n])"
            row += rb"|(?:(?<=[" + delimiter + rb"\r\n])|\A)" + closed
            row += rb"|(?<=[^" + delimiter + rb"\r\n])" + quote
        row = rb"(?:" + row + rb")*+"
        if self.comment:
            return rb"(?:(?:(?<=[\r\n])|\A)" + re.escape(self.comment) + rb"[^\r\n]*+|" + row + rb")"
        return row

    @cached_property
    def _one(self) -> re.Pattern[bytes]:
        return re.compile(self._row, re.DOTALL)

    @cached_property
    def _rows(self) -> re.Pattern[bytes]:
        return re.compile(rb"(?:" + self._row + rb"(?:\r\n|[\r\n]))*+", re.DOTALL)

    @cached_property
    def _quoted(self) -> re.Pattern[bytes]:
        """Text whose quotes all open or close a field."""
        delimiter, quote = re.escape(self.delimiter), re.escape(self.quote)
        field = rb"(?:(?<=[" + delimiter + rb"\r\n])|\A)" + self._open + quote
        field += rb"(?=[" + delimiter + rb"\r\n])"
        other = rb"[^" + quote + rb"]*+"
        return re.compile(rb"(?:" + other + field + rb")*+" + other, re.DOTALL)

    @cached_property
    def _unclosed(self) -> re.Pattern[bytes]:
        return re.compile(self._open, re.DOTALL)

    @cached_property
    def _field(self) -> re.Pattern[bytes]:
        delimiter, quote = re.escape(self.delimiter), re.escape(self.quote)
        bare = rb"((?:[^" + delimiter + re.escape(self.escape) + rb"\r\n]" + self._escaped + rb")*+)"
        if not self.quote:
            return re.compile(rb"(?!)()|" + bare, re.DOTALL)
        closed = rb"(" + self._open + quote + rb")(?=[" + delimiter + rb"\r\n]|\Z)"
        return re.compile(closed + rb"|" + bare, re.DOTALL)

    def blocks(self, chunks: Iterator[bytes]) -> Iterator[Block | BadRow]:
        """Yield blocks of whole rows, and the rows whose quotes are broken."""
        line, parts, enough = 1, [b""], 0
        for chunk in chunks:
            block = self._plain_block(parts, chunk, line)
            if block is not None:
                yield block
                line += lines_in(block.text)
                parts, enough = [chunk[len(block.text) - sum(map(len, parts)) :]], 0
                continue
            parts.append(chunk)
            if (b"\n" in chunk or b"\r" in chunk) and sum(map(len, parts)) >= enough:
                rest, line = yield from self._cut(b"".join(parts), line, last=False)
                # A row that did not end is looked at again when it is twice as long, not chunk by chunk.
                parts, enough = [rest], min(2 * len(rest), LONGEST_ROW + 1)
        rest = b"".join(parts)
        if rest:
            yield from self._cut(rest if rest[-1:] in (b"\n", b"\r") else rest + b"\n", line, last=True)

    def _plain_block(self, parts: Sequence[bytes], chunk: bytes, line: int) -> Block | None:
        """Return the whole rows up to the last that ends in the chunk, if they are plain."""
        end = self._last_end(parts, chunk)
        if not end:
            return None
        text = b"".join((*parts, memoryview(chunk)[:end]))
        return Block(text, line, plain=True) if self._is_plain(text) else None

    def _is_plain(self, text: bytes) -> bool:
        if any(mark and mark in text for mark in (self.comment, self.escape)):
            return False
        return not self.quote or self.quote not in text or quotes_are_plain(text, self.delimiter, self.quote)

    def _last_end(self, parts: Sequence[bytes], chunk: bytes) -> int:
        """Return where the last row of the chunk ends, if all quotes are plain; 0 if none does."""
        end = max(chunk.rfind(b"\n"), chunk.rfind(b"\r")) + 1
        if not self.quote or not end:
            return end
        before = sum(part.count(self.quote) for part in parts)
        inside = (before + count(chunk, self.quote) - chunk.count(self.quote, end)) % 2
        while inside and end:
            # Up to the last quote, every line ends inside of the field that it opens.
            at = max(chunk.rfind(self.quote, 0, end), 0)
            last = max(chunk.rfind(b"\n", 0, at), chunk.rfind(b"\r", 0, at)) + 1
            inside = (inside + chunk.count(self.quote, last, end)) % 2
            end = last
        return end

    def _cut(
        self, text: bytes, line: int, *, last: bool
    ) -> Generator[Block | BadRow, None, tuple[bytes, int]]:
        """Yield what is whole; return what is left, and its line."""
        while text:
            # What was held back for a quote that never ends is cut as if it had come bit by bit.
            while end := self._whole(text[:BLOCK]) or self._whole(text):
                yield Block(text[:end], line, plain=self._is_plain(text[:end]))
                line += lines_in(text[:end])
                text = text[end:]
            at = self._broken(text, last=last)
            ends = [found for found in (text.find(b"\n", at), text.find(b"\r", at)) if found >= 0]
            if at is None or not (ends or last):
                break
            end = min(ends) + 1 if ends else len(text)
            end += text[end - 1 : end + 1] == b"\r\n"
            where = position(line, text[:at])
            yield BadRow(
                *where, "a quote that is not closed where its field ends", text[:end].rstrip(b"\r\n")
            )
            line += lines_in(text[:end])
            text = text[end:]
        return text, line

    def _whole(self, text: bytes) -> int:
        return (0 if self.comment or self.escape else self._plainly_whole(text)) or self._end_of_rows(text)

    def _plainly_whole(self, text: bytes) -> int:
        """Return where a row ends, quickly, if all quotes before are those around fields: 0 if none does."""
        found = self._quoted.match(text) if self.quote else None
        until = found.end() if found else 0 if self.quote else len(text)
        after = text.rfind(self.quote, 0, until) + 1 if self.quote else 0
        return max(text.rfind(b"\n", after, until), text.rfind(b"\r", after, until)) + 1

    def _end_of_rows(self, text: bytes) -> int:
        found = self._rows.match(text)
        return found.end() if found else 0

    def _broken(self, text: bytes, *, last: bool) -> int | None:
        """Return where the quote is that breaks the first row, if it will not be mended by more text."""
        found = self._one.match(text)
        at = found.end() if found else 0
        if not self.quote or at == len(text) or not text.startswith(self.quote, at):
            return None
        unclosed = self._unclosed.match(text, at)
        until = unclosed.end() + 1 if unclosed else at
        return at if last or until < len(text) or len(text) > LONGEST_ROW else None

    def rows(self, block: Block) -> Iterator[Row]:
        """Yield the rows of a block, without empty lines and comments."""
        position, line, text = 0, block.line, block.text
        while position < len(text):
            found = self._one.match(text, position)
            content = found.end() if found else position
            end = content + (2 if text[content : content + 2] == b"\r\n" else 1)
            if content > position and not (self.comment and text.startswith(self.comment, position)):
                yield Row(position, content, line)
            line += lines_in(text[position:end])
            position = end

    def fields(self, text: bytes, row: Row) -> list[Field]:
        """Return the fields of a row."""
        found: list[Field] = []
        position = row.start
        while True:
            match = self._field.match(text, position, row.end)
            if match is None:
                return found
            quoted, bare = match.group(1), match.group(2)
            found.append(Field(position, self._plain(bare if quoted is None else quoted, quoted is not None)))
            position = match.end() + 1
            if position > row.end:
                return found

    def _plain(self, value: bytes, quoted: bool) -> bytes:
        if quoted:
            value = value[1:-1].replace(self.quote * 2, self.quote)
        if self.escape and self.escape in value:
            value = re.sub(re.escape(self.escape) + rb"(.)", rb"\1", value, flags=re.DOTALL)
        return value
