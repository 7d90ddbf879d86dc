"""The beginning of a file that may be packed: what its first bytes hold, unpacked."""

from __future__ import annotations

import bz2
import io
import re
import struct
import zlib
from typing import NamedTuple

from s3_assets.errors import UnsupportedError

_MAGIC = (
    (b"\x1f\x8b\x08", "gzip"),
    (b"PK\x03\x04", "zip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"\xff\x06\x00\x00sNaPpY", "framed snappy"),
    (b"\x1f\x9d", "compress"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
)
_UNREADABLE = {"xz", "lz4", "framed snappy", "compress", "7z"}
_BZIP2 = (b"BZh", b"1AY&SY")
# A local file header (APPNOTE.TXT, 4.3.7): flags, method, packed size, lengths of name and extra field.
_ZIP_HEADER = struct.Struct("<6xHH8xI4xHH")
# POSIX.1-2017, pax, "ustar Interchange Format".
_TAR_MAGIC, _TAR_MAGIC_AT, _TAR_BLOCK = b"ustar", 257, 512
_TAR_FILES = (b"0", b"\0")
_OCTAL = re.compile(rb"[ \0]*([0-7]*)[ \0]*")
_STORED, _DEFLATED = 0, 8
_GZIP_WINDOW, _RAW_WINDOW = 31, -15
_PIECE = 64 * 1024


class Unpacked(NamedTuple):
    """How the file is packed, its text's beginning, and whether that is all of it."""

    packing: str
    data: bytes
    whole: bool


def unpack(head: bytes, most: int, *, whole: bool, place: str) -> Unpacked:
    """Unpack at most `most` bytes from the beginning of a file; `whole` says that it is the whole file.

    Raises `UnsupportedError` for a packing that tables are not read from.
    """
    kind = packing_of(head)
    if kind in _UNREADABLE:
        raise UnsupportedError(
            f"the file is packed by {kind}, which text is not read from",
            remedy="Have it written with gzip, bzip2, zip or zstd.",
            location=place,
        )
    if kind == "gzip":
        data = _gunzipped(head, most)
    elif kind == "bzip2":
        data = _bunzipped(head, most)
    elif kind == "zstd":
        data = _unzstd(head, most)
    elif kind == "zip":
        data = _first_member(head, most)
    else:
        data = head[:most]
    if data[_TAR_MAGIC_AT:].startswith(_TAR_MAGIC):
        kind = "tar" if kind == "none" else f"tar, {kind}"
        data = _first_of_tar(data)
        whole = whole and len(data) < most
    return Unpacked(kind, data[:most], whole and len(data) < most)


def packing_of(head: bytes) -> str:
    """Name the packing by its magic number; `none` if there is none."""
    if head.startswith(_BZIP2[0]) and head[4:10] == _BZIP2[1]:
        return "bzip2"
    return next((kind for magic, kind in _MAGIC if head.startswith(magic)), "none")


def _first_of_tar(data: bytes) -> bytes:
    """Return the beginning of the first member that is a file; others are folders, or describe it."""
    position = 0
    while position + _TAR_BLOCK <= len(data) and data[position]:
        told = _OCTAL.fullmatch(data, position + 124, position + 136)
        if told is None:
            return b""
        size = int(told[1] or b"0", 8)
        start = position + _TAR_BLOCK
        hidden = data[position : position + 100].split(b"\0")[0].rpartition(b"/")[2].startswith(b".")
        if data[position + 156 : position + 157] in _TAR_FILES and not hidden:
            return data[start : start + size]
        position = start + -(-size // _TAR_BLOCK) * _TAR_BLOCK
    return b""


def _gunzipped(head: bytes, most: int) -> bytes:
    found = b""
    while head and len(found) < most:
        unpacker = zlib.decompressobj(_GZIP_WINDOW)
        try:
            part = unpacker.decompress(head, most - len(found))
        except zlib.error:
            break
        found += part
        if not part and not unpacker.eof:
            break
        head = unpacker.unused_data
    return found


def _bunzipped(head: bytes, most: int) -> bytes:
    found = b""
    while head and len(found) < most:
        unpacker = bz2.BZ2Decompressor()
        try:
            found += unpacker.decompress(head, most - len(found))
        except OSError:
            break
        if not unpacker.eof:
            break
        head = unpacker.unused_data
    return found


def _unzstd(head: bytes, most: int) -> bytes:
    import zstandard

    found = b""
    unpacker = zstandard.ZstdDecompressor()
    with unpacker.stream_reader(io.BytesIO(head), read_across_frames=True) as opened:
        try:
            while len(found) < most and (part := opened.read(min(most - len(found), _PIECE))):
                found += part
        except zstandard.ZstdError:
            # The file goes on behind its beginning, or is damaged there.
            pass
    return found


def _first_member(head: bytes, most: int) -> bytes:
    """Return the beginning of an archive's first member that is a file."""
    position = 0
    while head.startswith(b"PK\x03\x04", position) and len(head) >= position + _ZIP_HEADER.size:
        flags, method, packed, name, extra = _ZIP_HEADER.unpack_from(head, position)
        start = position + _ZIP_HEADER.size + name + extra
        if head[position + _ZIP_HEADER.size : start - extra].endswith(b"/"):
            position = start + packed
            continue
        if flags & 1 or method not in {_STORED, _DEFLATED}:
            return b""
        if method == _STORED:
            return head[start : start + min(packed, most)]
        try:
            return zlib.decompressobj(_RAW_WINDOW).decompress(head[start:], most)
        except zlib.error:
            return b""
    return b""
