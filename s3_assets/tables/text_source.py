"""The texts of files: unpacked, and every member of an archive one of its own, in bounded memory."""

from __future__ import annotations

import gzip
import io
import lzma
import struct
import sys
import tarfile
import zipfile
import zlib
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, BinaryIO, cast

from s3_assets.errors import BadRowError, S3AssetsError, UnsupportedError
from s3_assets.tables.files import hidden
from s3_assets.tables.text_fetch import SMALL, Begun, Chunks, Pieces, TextFile, stream

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from s3_assets.objects import Objects
    from s3_assets.tables.text_settings import Compression

__all__ = ["SMALL", "TextFile", "open_members"]

_MAGIC = (
    (b"\x1f\x8b\x08", "gzip"),
    (b"BZh", "bzip2"),
    (b"PK\x03\x04", "zip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
)
_BZIP2_BLOCK = b"1AY&SY"
_TAR_MAGIC, _TAR_MAGIC_AT = b"ustar", 257
_START = 512
# What a zip archive's index is looked for in.
_TAIL = 1024 * 1024
# Before the name of a member (APPNOTE.TXT, 4.3.7).
_ZIP_HEADER = 30
# What may stand between two members of a tar archive: a long name, or attributes (POSIX.1-2017, "pax").
_TAR_HEADERS = 16 * 1024 * 1024
_PIECE = 1024 * 1024
_CODECS = {"bzip2": "bz2", "zstd": "zstd"}

Text = tuple[str, BinaryIO]
"""Where a text is from, and its bytes."""


@contextmanager
def open_members(
    objects: Objects,
    file: TextFile,
    compression: Compression,
    body: bytes | None = None,
    chunks: Iterator[bytes] | None = None,
) -> Iterator[Iterator[Text]]:
    """Open the texts of one object, unpacked: one, or every member of an archive, each with its place.

    `body` is the whole object, where it was fetched already, and `chunks` are its bytes, where they are under
    way; else no more is fetched than is read. A text has to be read before the next is taken.
    Raises `BadRowError` for a damaged file, `UnsupportedError` for an archive in an archive or a password.
    """
    url = objects.url(file.key)
    if body is None and chunks is None and file.size <= SMALL:
        body = objects.get(file.key)
    raw = cast("BinaryIO", io.BytesIO(body) if body is not None else Chunks(chunks or stream(objects, file)))
    with _unpacking(url):
        start, raw = _begun(raw)
        kind = compression if compression != "auto" else _kind(start)
        if kind != "zip":
            yield _texts(raw, kind, url, told=compression != "auto")
            return
        archive = io.BytesIO(body) if body is not None else objects.seekable(file.key, file.size, _TAIL)
        with archive:
            with _damage_told():
                opened = zipfile.ZipFile(archive)
            with opened:
                yield _zip_members(opened, url)


def _texts(raw: BinaryIO, kind: str, url: str, *, told: bool) -> Iterator[Text]:
    is_tar = kind.startswith("tar")
    raw = _unpacked(raw, kind.removeprefix("tar").removeprefix("."))
    if not is_tar and not told:
        start, raw = _begun(raw)
        is_tar = _is_tar(start)
    if is_tar:
        yield from _tar_members(raw, url)
    else:
        yield url, raw


def _begun(raw: BinaryIO) -> tuple[bytes, BinaryIO]:
    """Return the first bytes of a file, and the file as if they had not been read."""
    start = b""
    while len(start) < _START and (piece := raw.read(_START - len(start))):
        start += piece
    return start, cast("BinaryIO", Begun(start, raw))


def _kind(start: bytes) -> str:
    for magic, kind in _MAGIC:
        if start.startswith(magic) and (kind != "bzip2" or start[4:10] == _BZIP2_BLOCK):
            return kind
    return "none"


def _is_tar(start: bytes) -> bool:
    return start.startswith(_TAR_MAGIC, _TAR_MAGIC_AT)


def _unpacked(raw: BinaryIO, kind: str) -> BinaryIO:
    if kind == "gzip":
        from isal import igzip

        # It takes a third of the time of Arrow's, which is zlib's. Its constructor says no types.
        return cast("BinaryIO", igzip.IGzipFile(fileobj=raw, mode="rb"))  # type: ignore[no-untyped-call]
    if kind not in _CODECS:
        return raw
    import pyarrow as pa

    return cast("BinaryIO", pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), _CODECS[kind]))


def _zip_members(archive: zipfile.ZipFile, url: str) -> Iterator[Text]:
    _refuse_overlapping(archive.infolist())
    for member in archive.infolist():
        if member.is_dir() or _is_hidden(member.filename):
            continue
        if member.flag_bits & 1:
            raise UnsupportedError(
                f"the member '{member.filename}' needs a password",
                remedy="Have the archive written without one.",
                location=url,
            )
        with _damage_told():
            opened = archive.open(member)
        with opened:
            yield _member(cast("BinaryIO", _Told(cast("BinaryIO", opened))), member.filename, url)


def _refuse_overlapping(members: Sequence[zipfile.ZipInfo]) -> None:
    """Raise `zipfile.BadZipFile` if two members share bytes: so few megabytes unpack to terabytes."""
    ordered = sorted(members, key=lambda member: member.header_offset)
    for one, following in pairwise(ordered):
        if one.header_offset + _ZIP_HEADER + one.compress_size > following.header_offset:
            raise zipfile.BadZipFile("two of its members overlap")


def _tar_members(raw: BinaryIO, url: str) -> Iterator[Text]:
    metered = _Metered(raw)
    with ExitStack() as closing:
        with _damage_told():
            archive = closing.enter_context(tarfile.open(fileobj=metered, mode="r|"))
        while True:
            metered.left = _TAR_HEADERS
            with _damage_told():
                member = archive.next()
                # It remembers every member that it has seen.
                archive.members.clear()  # type: ignore[attr-defined]  # typeshed leaves it out
                if member is None:
                    return
                opened = None if member.islnk() or member.issym() else archive.extractfile(member)
            if opened is None:
                continue
            metered.left = None
            told = _Told(cast("BinaryIO", opened))
            if member.isreg() and not _is_hidden(member.name):
                yield _member(cast("BinaryIO", told), member.name, url)
            while told.read(_PIECE):
                # What was not read of it is no header.
                pass


def _member(raw: BinaryIO, name: str, url: str) -> Text:
    start, raw = _begun(raw)
    kind = _kind(start)
    if kind != "zip":
        raw = _unpacked(raw, kind)
        start, raw = _begun(raw) if kind != "none" else (start, raw)
    if kind == "zip" or _is_tar(start):
        raise UnsupportedError(
            f"the member '{name}' is an archive itself",
            remedy="Have its files put into the outer archive, or beside it.",
            location=url,
        )
    return f"{url}!/{name}", raw


def _is_hidden(name: str) -> bool:
    return any(hidden(part) for part in name.removeprefix("./").split("/"))


@contextmanager
def _unpacking(url: str) -> Iterator[None]:
    """Say which file is damaged, where an unpacker only says how."""
    try:
        yield
    except _damages() as error:
        raise _damaged(url, error) from error
    except OSError as error:
        if type(error) is not OSError:
            raise
        # Arrow and bz2 have no errors of their own.
        raise _damaged(url, error) from error


class _Told(Pieces):
    """A member of an archive, of which all that Python's readers raise says that it is damaged."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self, size: int | None = -1, /) -> bytes:
        """Return at most `size` bytes."""
        with _damage_told():
            return self._file.read(-1 if size is None else size)


class _Metered(Pieces):
    """A file of which no more than `left` bytes are handed out, without a limit if it is None."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.left: int | None = _TAR_HEADERS

    def read(self, size: int | None = -1, /) -> bytes:
        """Return at most `size` bytes; raises `tarfile.ReadError` behind the limit."""
        found = self._file.read(-1 if size is None else size)
        if self.left is not None:
            self.left -= len(found)
            if self.left < 0:
                raise tarfile.ReadError("what it says of a member has no end")
        return found


@contextmanager
def _damage_told() -> Iterator[None]:
    """Name the damage of an archive for which Python's readers have no error of their own."""
    try:
        yield
    except (S3AssetsError, tarfile.TarError):
        raise
    except (ValueError, IndexError, RuntimeError, OverflowError, struct.error) as error:
        # A method of packing that Python lacks is a `NotImplementedError`, and so a `RuntimeError`.
        raise zipfile.BadZipFile(str(error) or type(error).__name__) from error


def _damages() -> tuple[type[Exception], ...]:
    """Return what unpackers raise; Arrow and ISA-L need not be loaded by who did not ask them."""
    known = (
        EOFError,
        gzip.BadGzipFile,
        lzma.LZMAError,
        tarfile.TarError,
        zipfile.BadZipFile,
        zlib.error,
    )
    loaded = {"pyarrow": "ArrowInvalid", "isal.isal_zlib": "error"}
    return (
        *known,
        *(getattr(sys.modules[name], error) for name, error in loaded.items() if name in sys.modules),
    )


def _damaged(url: str, error: Exception) -> BadRowError:
    return BadRowError(
        f"the file cannot be unpacked: {error}",
        remedy="Have it written again, or set the table's compression to what the file is.",
        location=url,
    )
