"""The bytes of text files from S3: small ones whole and many at once, large ones as far as they are read."""

from __future__ import annotations

import io
from contextlib import closing
from functools import partial
from itertools import chain, repeat
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from s3_assets.tables.text_pool import in_order

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from s3_assets.objects import Objects
    from s3_assets.tables.kept_bodies import KeptBodies

SMALL = 1024 * 1024
"""Objects up to here are fetched whole."""

_FETCHES = 16
# At most this many small objects wait to be parsed: 64 MiB of them.
_AHEAD = 64
# What is fetched of a large object before it is streamed: a preview needs no more.
_STARTS = (256 * 1024, 1024 * 1024)
# Less than a block, which takes each as it comes then: new memory costs as much as parsing what is in it.
_CHUNK = 3 * 1024 * 1024
# Chunks that are fetched while others are parsed.
_CHUNKS_AHEAD = 2


class TextFile(NamedTuple):
    """An object that is read: of a listing, its key, size and ETag."""

    key: str
    size: int
    etag: str = ""


def bodies(
    objects: Objects, files: Iterable[TextFile], kept: KeptBodies, *, ahead: bool = True
) -> Generator[tuple[TextFile, bytes | None], None, None]:
    """Yield the files in their order, the small ones with their bytes; others are fetched meanwhile.

    Those that are `kept` are not fetched again.
    """

    def job(file: TextFile) -> tuple[TextFile, bytes | None]:
        if file.size > SMALL:
            return file, None
        body = kept.take(file.key, file.etag)
        return file, objects.get(file.key) if body is None else body

    jobs = ((lambda file=file: job(file)) for file in files)
    return in_order(jobs, _FETCHES, _AHEAD if ahead else 1)


def stream(objects: Objects, file: TextFile) -> Iterator[bytes]:
    """Yield a large object from its start to its end; who stops early has fetched little more than was used.

    Raises `SourceRewrittenError` if the object was changed since it was listed, or while it is read.
    """
    if objects.encrypts:
        yield objects.get(file.key)
        return
    start = 0
    for size in _STARTS:
        if start >= file.size:
            return
        yield objects.get_range(file.key, start, min(start + size, file.size), etag=file.etag)
        start += size
    if start < file.size:
        yield from objects.stream(file.key, _CHUNK, start=start, etag=file.etag)


def streams(
    objects: Objects, files: Iterable[TextFile]
) -> Generator[tuple[TextFile, Iterator[bytes]], None, None]:
    """Yield large objects in their order, each with its bytes to its end, which are fetched ahead.

    While one is read, the next one is begun. Raises as `stream` does.
    """

    def begin(file: TextFile) -> tuple[TextFile, Iterator[bytes]]:
        if objects.encrypts:
            return file, stream(objects, file)
        chunks = objects.stream(file.key, _CHUNK, etag=file.etag)
        return file, chain([next(chunks, b"")], _ahead(chunks))

    return in_order((partial(begin, file) for file in files), 1)


def _ahead(chunks: Iterator[bytes]) -> Iterator[bytes]:
    with closing(in_order(repeat(lambda: next(chunks, None)), 1, _CHUNKS_AHEAD)) as fetched:
        for chunk in fetched:
            if chunk is None:
                return
            yield chunk


class Pieces(io.RawIOBase):
    """A file that hands out what it has, and reads no further for it."""

    def readable(self) -> bool:
        """Say yes."""
        return True

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        """Fill the buffer as far as the bytes at hand go, and return how many there were."""
        found = self.read(len(buffer))
        buffer[: len(found)] = found
        return len(found)


class Chunks(Pieces):
    """An iterator of bytes as a file."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = memoryview(b"")

    def read(self, size: int | None = -1, /) -> bytes:
        """Return at most `size` bytes, none only at the end; a whole chunk without a copy where it fits."""
        if size is None or size < 0:
            return self.readall()
        if not self._rest:
            chunk = next(self._chunks, b"")
            if len(chunk) <= size:
                return chunk
            self._rest = memoryview(chunk)
        found = self._rest[:size]
        self._rest = self._rest[size:]
        return bytes(found)


class Begun(Pieces):
    """A file whose first bytes were read already, from its start."""

    def __init__(self, start: bytes, file: BinaryIO) -> None:
        self._start = start
        self._file = file

    def read(self, size: int | None = -1, /) -> bytes:
        """Return at most `size` bytes, none only at the end."""
        if size is None or size < 0:
            return self.readall()
        if not self._start:
            return self._file.read(size)
        found, self._start = self._start[:size], self._start[size:]
        return found
