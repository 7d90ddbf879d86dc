"""Blocks of whole rows, each with its line in the text, and rows that cannot be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCK = 4 * 1024 * 1024
"""How much text is parsed at once."""

LONGEST_ROW = 64 * 1024 * 1024
"""A row that is longer is taken for one whose quote was never closed."""


class BadRow(NamedTuple):
    """A row that cannot be read: where it is in the text, and why."""

    line: int
    column: int
    found: str


class Block(NamedTuple):
    """Whole rows of a text, and the line of the first."""

    text: bytes
    line: int


def lines_in(text: bytes) -> int:
    r"""Count the line breaks: `\n`, `\r\n` and lone `\r`."""
    breaks = text.count(b"\n")
    if b"\r" in text:
        breaks += text.count(b"\r") - text.count(b"\r\n")
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
        block = Block(b"".join((*parts, chunk[:end])), line)
        yield block
        line += block.text.count(b"\n")
        parts = [chunk[end:]]
    rest = b"".join(parts)
    if rest:
        yield Block(rest, line)
