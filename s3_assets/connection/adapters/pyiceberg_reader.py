"""Objects as PyIceberg reads them: a stream that asks for ranges."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# Small reads in a row, as gzip makes them, are served from so much.
_READ_AHEAD = 1024 * 1024


class ObjectReader(io.RawIOBase):
    """An object by ranges: what is asked for is one request, unless it is there already.

    PyArrow merges the ranges of a Parquet file's columns by itself, so nothing is read around a range. Its
    first read is the end of the file, which came with the object's size when the reader was opened.
    """

    def __init__(self, fetch: Callable[[int, int], bytes], size: int, tail: bytes) -> None:
        self._fetch = fetch
        self._size = size
        self._tail = (size - len(tail), tail)
        self._held = (0, b"")
        self._position = 0

    def readable(self) -> bool:
        """Say yes."""
        return True

    def seekable(self) -> bool:
        """Say yes."""
        return True

    def tell(self) -> int:
        """Return the position."""
        self._check_open()
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move the position, and return it."""
        self._check_open()
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise ValueError(f"a position before the start of the object: {start + offset}")
        self._position = start + offset
        return self._position

    def read(self, size: int | None = -1, /) -> bytes:
        """Return `size` bytes, fewer only at the end; without a size, the rest."""
        self._check_open()
        start = self._position
        end = self._size if size is None or size < 0 else min(start + size, self._size)
        if start >= end:
            return b""
        found = self._between(start, end)
        self._position = start + len(found)
        return found

    def readall(self) -> bytes:
        """Return the rest."""
        return self.read()

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        """Fill the buffer, and return how many bytes there were."""
        view = memoryview(buffer).cast("B")
        found = self.read(len(view))
        view[: len(found)] = found
        return len(found)

    def _between(self, start: int, end: int) -> bytes:
        for first, content in (self._tail, self._held):
            if first <= start and end <= first + len(content):
                return content[start - first : end - first]
        first, content = self._held
        in_a_row = first <= start <= first + len(content)
        until = min(start + _READ_AHEAD, self._size) if in_a_row else end
        found = self._fetch(start, max(end, until))
        # Of a large read only its end is kept, to tell whether the next one follows.
        self._held = (start, found) if until > end else (end, b"")
        return found[: end - start]

    def _check_open(self) -> None:
        if self.closed:
            raise ValueError("I/O operation on closed file")
