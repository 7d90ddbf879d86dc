"""The blocks of an Avro file, counted beside the library that decodes them.

polars-avro reads a file that is cut inside a block without that block's rows and without a word, and does not
compare the marks between blocks. What it returns is checked against what the blocks say they hold.
"""

from __future__ import annotations

from s3_assets.errors import DataFileBrokenError

_LONGEST_NUMBER = 10


class Blocks:
    """Counts the rows of the blocks in bytes that come one piece after the other."""

    def __init__(self, sync: bytes) -> None:
        self._sync = sync
        self._pending = b""
        self._skip = 0
        self._inside = False
        self.rows = 0

    def feed(self, piece: bytes) -> None:
        """Take the bytes that follow those of before; raises `DataFileBrokenError` for what is no block."""
        position = 0
        while position < len(piece) or self._pending:
            if self._skip:
                step = min(self._skip, len(piece) - position)
                position, self._skip = position + step, self._skip - step
                if self._skip:
                    return
            # Numbers and mark are short: what is there of them is kept until the rest comes.
            held = self._pending + piece[position : position + 2 * _LONGEST_NUMBER + len(self._sync)]
            used = self._mark(held) if self._inside else self._numbers(held)
            if used is None:
                self._pending = held
                return
            position += used - len(self._pending)
            self._pending = b""

    def check(self, rows: int) -> None:
        """Raise `DataFileBrokenError` unless the file has ended after a block, and these were its rows."""
        if self._inside or self._pending:
            raise DataFileBrokenError(f"it is cut inside a block, after {rows} rows")
        if rows != self.rows:
            raise DataFileBrokenError(f"its blocks say {self.rows} rows, and {rows} could be read")

    def _mark(self, held: bytes) -> int | None:
        if len(held) < len(self._sync):
            return None
        if not held.startswith(self._sync):
            raise DataFileBrokenError("a block does not end with the file's mark: the file is damaged")
        self._inside = False
        return len(self._sync)

    def _numbers(self, held: bytes) -> int | None:
        rows, after_rows = _number(held, 0)
        size, after_size = _number(held, after_rows)
        if after_size > len(held):
            return None
        if rows < 0 or size < 0:
            raise DataFileBrokenError(f"a block says that it has {rows} rows in {size} bytes")
        self.rows += rows
        self._skip, self._inside = size, True
        return after_size


def _number(held: bytes, start: int) -> tuple[int, int]:
    """Read a number of variable length: it, and where it ends, which is behind `held` if it does not."""
    found = 0
    for index, byte in enumerate(held[start : start + _LONGEST_NUMBER]):
        found |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:  # the highest bit says that more follows
            return (found >> 1) ^ -(found & 1), start + index + 1
    if len(held) - start >= _LONGEST_NUMBER:
        raise DataFileBrokenError("a block begins with what is no number")
    return 0, len(held) + 1
