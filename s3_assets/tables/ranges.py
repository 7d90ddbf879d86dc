"""One object as a stream of bytes that is fetched in chunks, the next one while the last is used."""

from __future__ import annotations

import io
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from s3_assets.errors import DataFileBrokenError, S3AssetsError

if TYPE_CHECKING:
    from collections.abc import Callable


class RangeReader(io.RawIOBase):
    """The bytes `prefix`, and then those of an object from `start` on; at most two chunks are held.

    A library that reads from it may wrap what goes wrong in an error of its own: `failure` keeps ours.
    """

    def __init__(
        self,
        fetch: Callable[[int, int], bytes],
        size: int,
        *,
        chunk: int,
        prefix: bytes = b"",
        start: int = 0,
    ) -> None:
        self._fetch = fetch
        self._size = size
        self._chunk = chunk
        self._prefix = prefix
        self._start = start
        self._position = 0
        self._held: dict[int, Future[bytes]] = {}
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="s3-assets-read-ahead")
        self._watch: Callable[[bytes], None] | None = None
        self._seen = 0
        self.failure: S3AssetsError | None = None

    def replace_start(self, prefix: bytes, start: int) -> None:
        """Put `prefix` before the object's bytes from `start` on, and go to its first byte."""
        self._prefix, self._start, self._position = prefix, start, 0

    def watch(self, start: int, watcher: Callable[[bytes], None]) -> None:
        """Show all bytes from `start` on to the watcher, each once and in order, before they are read."""
        self._seen, self._watch = start, watcher

    @property
    def ended(self) -> bool:
        """Whether the watcher has seen the last byte."""
        return self._seen >= self._size

    def readable(self) -> bool:
        """Say yes."""
        return True

    def seekable(self) -> bool:
        """Say yes."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move the position, and return it."""
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._length}[whence]
        if origin + offset < 0:
            raise ValueError(f"a position before the start of the object: {origin + offset}")
        self._position = origin + offset
        return self._position

    def read(self, size: int | None = -1, /) -> bytes:
        """Return at most `size` bytes, none only at the end; without a size, the rest."""
        if size is None or size < 0:
            return self.readall()
        found = self._next(size)
        self._position += len(found)
        return found

    def readall(self) -> bytes:
        """Return the rest."""
        parts = []
        while part := self.read(self._chunk):
            parts.append(part)
        return b"".join(parts)

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        """Fill the buffer as far as the bytes at hand go, and return how many there were."""
        view = memoryview(buffer).cast("B")
        found = self.read(len(view))
        view[: len(found)] = found
        return len(found)

    def close(self) -> None:
        """Forget what was fetched; a request under way is waited for."""
        if not self.closed:
            self._pool.shutdown(cancel_futures=True)
            self._held.clear()
        super().close()

    @property
    def _length(self) -> int:
        return len(self._prefix) + self._size - self._start

    def _next(self, size: int) -> bytes:
        if self._position < len(self._prefix):
            return self._prefix[self._position : self._position + size]
        position = self._position - len(self._prefix) + self._start
        if position >= self._size:
            return b""
        number, offset = divmod(position, self._chunk)
        return self._bytes_of(number)[offset : offset + size]

    def _bytes_of(self, number: int) -> bytes:
        # The next chunk is on its way while this one is decoded; those before are forgotten.
        wanted = [each for each in (number, number + 1) if each * self._chunk < self._size]
        self._held = {
            each: self._held.get(each) or self._pool.submit(self._get, each * self._chunk) for each in wanted
        }
        try:
            found = self._held[number].result()
            if self._watch is not None and number == self._seen // self._chunk:
                self._watch(found[self._seen - number * self._chunk :])
                self._seen = number * self._chunk + len(found)
        except S3AssetsError as error:
            self.failure = error
            raise
        return found

    def _get(self, start: int) -> bytes:
        end = min(start + self._chunk, self._size)
        found = self._fetch(start, end)
        if len(found) != end - start:
            raise DataFileBrokenError(
                f"the object ends after {start + len(found)} bytes, and had {self._size} when it was listed",
                remedy="Run it again.",
            )
        return found
