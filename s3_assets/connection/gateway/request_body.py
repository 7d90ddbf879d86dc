"""The body of an engine's request, read piece by piece as it is sent on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

from s3_assets.connection.gateway.failures import ClientGoneError, unusable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

# The system's limit for sending counts for a whole piece: larger ones would fail on slow lines.
PIECE = 64 * 1024
_LONGEST_LINE = 4096
_SIZE = re.compile(rb"[0-9A-Fa-f]{1,15}")


class Reader(Protocol):
    """What a body is read from: a buffered stream of bytes."""

    def readinto1(self, buffer: memoryview, /) -> int:
        """Read what is there, with one call of the system at most."""

    def readline(self, size: int, /) -> bytes:
        """Read up to the end of a line."""


class RequestBody:
    """A body of known length, or in chunks, or none; `begin` is called before the first byte is read."""

    def __init__(self, headers: Mapping[str, str], reader: Reader, begin: Callable[[], None]) -> None:
        self._reader = reader
        self._begin = begin
        self.chunked = headers.get("transfer-encoding", "").strip().lower() == "chunked"
        length = headers.get("content-length", "0").strip()
        if not length.isascii() or not length.isdigit() or ("transfer-encoding" in headers) != self.chunked:
            raise unusable("the length of the body cannot be understood")
        self._length = int(length)
        self.finished = not self.chunked and not self._length
        self.passed = 0
        """Bytes that were read so far, without the frames of chunks."""

    def __iter__(self) -> Iterator[memoryview]:
        """Yield the pieces; each is good until the next one is asked for."""
        self._begin()
        try:
            if self.chunked:
                yield from self._chunks()
            else:
                yield from self._pieces(self._length, bytearray(min(self._length, PIECE)))
        except OSError as error:
            raise ClientGoneError from error
        self.finished = True

    def _pieces(self, length: int, buffer: bytearray) -> Iterator[memoryview]:
        view = memoryview(buffer)
        while length:
            count = self._reader.readinto1(view[: min(length, len(view))])
            if not count:
                raise ClientGoneError
            length -= count
            self.passed += count
            yield view[:count]

    def _chunks(self) -> Iterator[memoryview]:
        buffer = bytearray(PIECE)
        while size := self._chunk_size():
            yield from self._pieces(size, buffer)
            if self._line():
                raise unusable("a chunk of the body is longer than it says")
        while self._line():
            # Trailing fields of the transfer; S3's own trailers are inside the body.
            pass

    def _chunk_size(self) -> int:
        size = self._line().partition(b";")[0].strip()
        if not _SIZE.fullmatch(size):
            raise unusable("a chunk of the body does not tell its length")
        return int(size, 16)

    def _line(self) -> bytes:
        line = self._reader.readline(_LONGEST_LINE)
        if not line.endswith(b"\n"):
            raise ClientGoneError
        return line.rstrip(b"\r\n")
