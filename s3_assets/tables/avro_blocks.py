"""The blocks of an Avro file: cut out of its bytes, and put together to pieces that are decoded at a time.

A block says how many rows and bytes it has, and ends with the file's mark. polars-avro reads a file that is
cut inside a block without that block's rows and without a word, and compares no marks: both is done here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from s3_assets.errors import DataFileBrokenError

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST_NUMBER = 10
# What is decoded at a time, by one thread: as much as keeps the work of its beginning small.
_PIECE_BYTES = 2 * 1024 * 1024
_PIECE_ROWS = 65_536


class Piece(NamedTuple):
    """Whole blocks, one after the other, with their marks, and how many rows they say they have."""

    rows: int
    blocks: bytes


class Blocks:
    """Cuts pieces out of the bytes that follow a file's header, of which there are `size`."""

    def __init__(self, sync: bytes, size: int) -> None:
        self._sync = sync
        self._left = size
        self._held = b""
        self._rows = 0

    def feed(self, found: bytes) -> Iterator[Piece]:
        """Yield the pieces that end in these bytes, which follow those of before.

        Raises `DataFileBrokenError` for what is no block, and for one that is longer than the file.
        """
        held = self._held + found if self._held else found
        self._left -= len(found)
        begin = position = rows = 0
        while (block := self._block(held, position)) is not None:
            count, position = block
            rows += count
            if rows >= _PIECE_ROWS or position - begin >= _PIECE_BYTES:
                self._rows += rows
                yield Piece(rows, held[begin:position])
                begin, rows = position, 0
        self._held = held[position:]
        if rows:
            self._rows += rows
            yield Piece(rows, held[begin:position])

    def end(self) -> None:
        """Raise `DataFileBrokenError` unless the bytes ended after a block."""
        if self._held or self._left:
            raise DataFileBrokenError(f"it is cut inside a block, after {self._rows} rows")

    def _block(self, held: bytes, start: int) -> tuple[int, int] | None:
        """Return a block's rows and where it ends; None if it is not all there."""
        rows, after_rows = number(held, start)
        size, begin = number(held, after_rows)
        if begin > len(held):
            return None
        if rows < 0 or size < 0:
            raise DataFileBrokenError(f"a block says that it has {rows} rows in {size} bytes")
        mark = begin + size
        end = mark + len(self._sync)
        if end > len(held):
            if end > len(held) + self._left:
                raise DataFileBrokenError(f"it is cut inside a block, after {self._rows} rows")
            return None
        if not held.startswith(self._sync, mark):
            raise DataFileBrokenError("a block does not end with the file's mark: the file is damaged")
        return rows, end


def spelled_number(value: int) -> bytes:
    """Return a number that is not negative, as `number` reads it."""
    value *= 2
    spelled = bytearray()
    while value > 0x7F:
        spelled.append(value & 0x7F | 0x80)
        value >>= 7
    spelled.append(value)
    return bytes(spelled)


def number(held: bytes, start: int) -> tuple[int, int]:
    """Read a number of variable length: it, and where it ends, which is behind `held` if it does not."""
    found = 0
    for index, byte in enumerate(held[start : start + _LONGEST_NUMBER]):
        found |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:  # the highest bit says that more follows
            return (found >> 1) ^ -(found & 1), start + index + 1
    if len(held) - start >= _LONGEST_NUMBER:
        raise DataFileBrokenError("a block begins with what is no number")
    return 0, len(held) + 1
