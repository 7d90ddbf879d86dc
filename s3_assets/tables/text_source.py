"""The bytes of text files: streamed from S3 and unpacked, in bounded memory."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, cast

from s3_assets.errors import BadRowError, UnsupportedError
from s3_assets.tables.files import hidden

if TYPE_CHECKING:
    from collections.abc import Iterator

    from s3_assets.objects import Objects
    from s3_assets.tables.text_settings import Compression

# What a stream is read in from the server, and what a zip archive's index is looked for in.
_CHUNK = 1024 * 1024
_MAGIC = (
    (b"\x1f\x8b\x08", "gzip"),
    (b"BZh", "bzip2"),
    (b"PK\x03\x04", "zip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
)
_BZIP2_BLOCK = b"1AY&SY"
SMALL = 1024 * 1024
"""Objects up to here are fetched whole."""


class TextFile(NamedTuple):
    """An object that is read: of a listing, its key and size."""

    key: str
    size: int


class _Chunks(io.RawIOBase):
    """An iterator of bytes as a file."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = memoryview(chunk)
        taken = min(len(buffer), len(self._rest))
        buffer[:taken] = self._rest[:taken]
        self._rest = self._rest[taken:]
        return taken


@contextmanager
def open_members(
    objects: Objects, file: TextFile, compression: Compression, body: bytes | None = None
) -> Iterator[Iterator[tuple[str, BinaryIO]]]:
    """Open the texts of one object, unpacked: one, or every member of a zip archive, each with its name.

    `body` is the whole object, where it was fetched already.
    """
    url = objects.url(file.key)
    if body is None and file.size <= SMALL:
        body = objects.get(file.key)
    chunks = objects.stream(file.key, _CHUNK) if body is None else iter([body])
    raw = io.BufferedReader(_Chunks(chunks), _CHUNK)
    with raw, _unpacking(url):
        kind = _kind(raw.peek(16)) if compression == "auto" else compression
        if kind == "zip":
            archive: BinaryIO = (
                objects.seekable(file.key, file.size, _CHUNK) if body is None else io.BytesIO(body)
            )
            with archive, zipfile.ZipFile(archive) as opened:
                yield _zip_members(opened, url)
        else:
            yield iter(((url, _unpacked(raw, kind)),))


@contextmanager
def _unpacking(url: str) -> Iterator[None]:
    """Say which file is damaged, where an unpacker only says how."""
    from zstandard import ZstdError

    try:
        yield
    except (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError, zipfile.BadZipFile, ZstdError) as error:
        raise _damaged(url, error) from error
    except OSError as error:
        if type(error) is not OSError:
            raise
        # bz2 has no error of its own.
        raise _damaged(url, error) from error


def _damaged(url: str, error: Exception) -> BadRowError:
    return BadRowError(
        f"the file cannot be unpacked: {error}",
        remedy="Have it written again, or set the table's compression to what the file is.",
        location=url,
    )


def _kind(start: bytes) -> str:
    for magic, kind in _MAGIC:
        if start.startswith(magic) and (kind != "bzip2" or start[4:10] == _BZIP2_BLOCK):
            return kind
    return "none"


def _unpacked(raw: BinaryIO, kind: str) -> BinaryIO:
    if kind == "gzip":
        return cast("BinaryIO", gzip.GzipFile(fileobj=raw, mode="rb"))
    if kind == "bzip2":
        return cast("BinaryIO", bz2.BZ2File(raw))
    if kind == "zstd":
        return cast("BinaryIO", io.BufferedReader(_Chunks(_zstd_chunks(raw)), _CHUNK))
    return raw


def _zstd_chunks(raw: BinaryIO) -> Iterator[bytes]:
    import zstandard

    unpacker = None
    packed = b""
    while True:
        packed = packed or raw.read(_CHUNK // 8)
        if not packed:
            break
        if unpacker is None:
            unpacker = zstandard.ZstdDecompressor().decompressobj()
        found = unpacker.decompress(packed)
        packed = b""
        if unpacker.eof:
            packed, unpacker = unpacker.unused_data, None
        if found:
            yield found
    if unpacker is not None:
        raise EOFError("the last Zstandard frame has no end")


def _zip_members(archive: zipfile.ZipFile, url: str) -> Iterator[tuple[str, BinaryIO]]:
    for member in archive.infolist():
        if member.is_dir() or any(hidden(part) for part in member.filename.split("/")):
            continue
        if member.flag_bits & 1:
            raise UnsupportedError(
                f"the member '{member.filename}' needs a password",
                remedy="Have the archive written without one.",
                location=url,
            )
        with archive.open(member) as opened:
            yield f"{url}!{member.filename}", cast("BinaryIO", opened)
