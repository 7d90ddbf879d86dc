"""Rows of text: blocks of whole ones, batches of blocks that are parsed at once, and rows that are bad."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from s3_assets.errors import BadRowError
from s3_assets.tables.text_bytes import count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

BLOCK = 4 * 1024 * 1024
"""How much text is parsed at once."""

LONGEST_ROW = 64 * 1024 * 1024
"""A row that is longer is taken for one whose quote was never closed, or for no text at all."""


class BadRow(NamedTuple):
    """A row that cannot be read: where it is in its text, why, and what it says."""

    line: int
    column: int
    found: str
    text: bytes = b""
    place: str = ""
    """The file, or the member of an archive."""


class Block(NamedTuple):
    """Whole rows of a text, and the line of the first."""

    text: bytes
    line: int
    plain: bool = False
    """Whether every quote is known to open a field, to close it, or to stand doubled inside one."""


class Part(NamedTuple):
    """What one file gave to a batch: from which byte on, and where a position after it is in the file."""

    start: int
    place: str
    where: Callable[[bytes], tuple[int, int]]
    """Line and column, told by the text of the part before the position."""


class Batch(NamedTuple):
    """Rows that are parsed at once: a block of a large file, or those of many small ones."""

    text: bytes
    parts: tuple[Part, ...]
    names: tuple[str, ...] = ()
    """The columns of delimited text, as every one of its files has them."""
    plain: bool = False

    def bad(self, start: int, end: int, at: int, found: str) -> BadRow:
        """Return the row between two bytes as a bad one; `at` is the byte where its fault is."""
        part = next(part for part in reversed(self.parts) if part.start <= start)
        line, column = part.where(self.text[part.start : at])
        return BadRow(line, column, found, self.text[start:end], part.place)

    def in_order(self, bad: Iterable[BadRow]) -> list[BadRow]:
        """Return bad rows of the batch in the order of its text."""
        places = {part.place: number for number, part in enumerate(self.parts)}
        return sorted(bad, key=lambda row: (places[row.place], row.line, row.column))


def joined(batches: Iterable[Batch | BadRow], most: int) -> Iterator[Batch | BadRow]:
    """Put neighbours together, up to so many bytes, where their columns are the same."""
    held: list[Batch] = []
    size = 0
    for batch in batches:
        if isinstance(batch, BadRow):
            yield batch
            continue
        if held and (size + len(batch.text) > most or batch.names != held[0].names):
            yield _one(held)
            held, size = [], 0
        held.append(batch)
        size += len(batch.text)
    if held:
        yield _one(held)


def _one(batches: list[Batch]) -> Batch:
    if len(batches) == 1:
        return batches[0]
    parts: list[Part] = []
    texts: list[bytes] = []
    size = 0
    for batch in batches:
        parts += [part._replace(start=part.start + size) for part in batch.parts]
        texts.append(batch.text)
        size += len(batch.text)
        if batch.text[-1:] not in (b"\n", b"\r"):
            texts.append(b"\n")
            size += 1
    return Batch(b"".join(texts), tuple(parts), batches[0].names, all(batch.plain for batch in batches))


def position(line: int, before: bytes) -> tuple[int, int]:
    """Return line and column (in characters) behind a text that begins at `line`, with any line breaks."""
    start = max(before.rfind(b"\n"), before.rfind(b"\r")) + 1
    return line + lines_in(before), len(before[start:].decode(errors="replace")) + 1


def lines_in(text: bytes) -> int:
    r"""Count the line breaks: `\n`, `\r\n` and lone `\r`."""
    breaks = count(text, b"\n")
    if b"\r" in text:
        breaks += count(text, b"\r") - text.count(b"\r\n")
    return breaks


def line_blocks(chunks: Iterator[bytes]) -> Iterator[Block]:
    r"""Yield blocks that end where a line does (`\n`)."""
    parts: list[bytes] = []
    line = 1
    for chunk in chunks:
        end = chunk.rfind(b"\n") + 1
        if not end:
            parts.append(chunk)
            continue
        whole = not parts and end == len(chunk)
        text = chunk if whole else b"".join((*parts, memoryview(chunk)[:end]))
        yield Block(text, line)
        line += count(text, b"\n")
        parts = [chunk[end:]]
    rest = b"".join(parts)
    if rest:
        yield Block(rest, line)


def within(chunks: Iterator[bytes], place: str) -> Iterator[bytes]:
    """Pass the text on; raises `BadRowError` at a line that no row can be, before it fills the memory."""
    size = 0
    for chunk in chunks:
        end = max(chunk.rfind(b"\n"), chunk.rfind(b"\r")) + 1
        size = len(chunk) - end if end else size + len(chunk)
        if size > LONGEST_ROW:
            raise BadRowError(
                f"a line is longer than {LONGEST_ROW:,} bytes",
                remedy="Declare the format, compression and charset that the file has.",
                location=place,
            )
        yield chunk
