"""Objects as PyIceberg streams them: read by ranges, written in parts, and published whole or not at all."""

from __future__ import annotations

import io
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from types import TracebackType

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


class Sink(Protocol):
    """Where a writer's bytes go: obstore's `WritableFile`, and `NewObject`."""

    def write(self, buffer: bytes, /) -> int:
        """Take the bytes."""

    def close(self) -> None:
        """Publish what was written."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        """Throw away what was written if there is an error."""


class NewObject:
    """Bytes that become an object in one request, which the server refuses if there is one by then."""

    def __init__(self, put: Callable[[bytes], None]) -> None:
        self._put = put
        self._content = bytearray()

    def write(self, buffer: bytes, /) -> int:
        """Take the bytes."""
        self._content += buffer
        return len(buffer)

    def close(self) -> None:
        """Send them; raises `FileExistsError` if there is such an object."""
        self._put(bytes(self._content))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Forget them."""
        self._content.clear()


class ObjectWriter:
    """An object that is there when `close` has returned, and never if the block or a write failed.

    It is no `io.RawIOBase`: that one closes, and so would publish, what nobody holds any more.
    """

    def __init__(self, sink: Sink, diagnosed: Callable[[], AbstractContextManager[None]]) -> None:
        self._sink = sink
        self._diagnosed = diagnosed
        self._failure: BaseException | None = None
        self.closed = False
        self.published = False
        self.size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self._discard(error)

    def write(self, content: bytes, /) -> int:
        """Take the bytes, and return how many they were."""
        if self.closed:
            raise ValueError("I/O operation on closed file")
        try:
            with self._diagnosed():
                self._sink.write(content)
        except BaseException as error:
            self._discard(error)
            raise
        # The length in bytes, whatever the items of the buffer are.
        self.size += memoryview(content).nbytes
        return memoryview(content).nbytes

    def tell(self) -> int:
        """Return how many bytes were written."""
        return self.size

    def flush(self) -> None:
        """Do nothing: a part is sent when it is full."""

    def readable(self) -> bool:
        """Say no."""
        return False

    def seekable(self) -> bool:
        """Say no."""
        return False

    def writable(self) -> bool:
        """Say yes."""
        return True

    def close(self) -> None:
        """Publish the object; raises again what a write raised."""
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
        if self.closed:
            return
        self.closed = True
        with self._diagnosed():
            self._sink.close()
        self.published = True

    def _discard(self, error: BaseException) -> None:
        if self.closed:
            self._failure = None
            return
        self.closed = True
        self._failure = error
        # What is being raised tells more than a failure to tidy up after it.
        with suppress(Exception):
            self._sink.__exit__(type(error), error, error.__traceback__)
