"""The texts of files: unpacked, and every member of an archive one of its own, in bounded memory."""

from __future__ import annotations

import io
import lzma
import sys
import tarfile
import zipfile
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, cast

from s3_assets.errors import BadRowError, UnsupportedError
from s3_assets.tables.files import hidden
from s3_assets.tables.text_fetch import SMALL, Begun, Chunks, TextFile, stream

if TYPE_CHECKING:
    from collections.abc import Iterator

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
_CODECS = {"gzip": "gzip", "bzip2": "bz2", "zstd": "zstd"}

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
        with archive, zipfile.ZipFile(archive) as opened:
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
    if kind not in _CODECS:
        return raw
    import pyarrow as pa

    return cast("BinaryIO", pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), _CODECS[kind]))


def _zip_members(archive: zipfile.ZipFile, url: str) -> Iterator[Text]:
    for member in archive.infolist():
        if member.is_dir() or _is_hidden(member.filename):
            continue
        if member.flag_bits & 1:
            raise UnsupportedError(
                f"the member '{member.filename}' needs a password",
                remedy="Have the archive written without one.",
                location=url,
            )
        with archive.open(member) as opened:
            yield _member(cast("BinaryIO", opened), member.filename, url)


def _tar_members(raw: BinaryIO, url: str) -> Iterator[Text]:
    with tarfile.open(fileobj=raw, mode="r|") as archive:
        for member in archive:
            opened = archive.extractfile(member) if member.isreg() and not _is_hidden(member.name) else None
            if opened is not None:
                yield _member(cast("BinaryIO", opened), member.name, url)


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


def _damages() -> tuple[type[Exception], ...]:
    """Return what unpackers raise; Arrow need not be loaded by who did not ask it."""
    known = (EOFError, lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile, zlib.error)
    loaded = sys.modules.get("pyarrow")
    return known if loaded is None else (loaded.ArrowInvalid, *known)


def _damaged(url: str, error: Exception) -> BadRowError:
    return BadRowError(
        f"the file cannot be unpacked: {error}",
        remedy="Have it written again, or set the table's compression to what the file is.",
        location=url,
    )
