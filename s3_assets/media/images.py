"""The size of an image in pixels, as its header has it: as it is stored, before any rotation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.media.header import HeaderEndsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from s3_assets.media.header import Header

Size = tuple[int, int]

# ITU-T T.81, table B.1: the start-of-frame markers; the others of that range are no frames.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# Markers that stand alone, without a length.
_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})
_MOST_SEGMENTS = 200


def image_size(kind: str | None, header: Header) -> Size | None:
    """Return width and height; None for a kind that is not known, or a header that is none."""
    read = _READERS.get(kind or "")
    if read is None:
        return None
    try:
        found = read(header)
    except HeaderEndsError:
        return None
    return found if found is not None and all(found) else None


def _png(header: Header) -> Size | None:
    """W3C, Portable Network Graphics, 11.2.1: the first chunk is IHDR."""
    if header.read(12, 4) != b"IHDR":
        return None
    return header.number(16, 4), header.number(20, 4)


def _gif(header: Header) -> Size:
    """GIF89a specification, 18: the logical screen."""
    return header.number(6, 2, little=True), header.number(8, 2, little=True)


def _bmp(header: Header) -> Size:
    """The height of a picture that is stored from its top is negative."""
    height = int.from_bytes(header.read(22, 4), "little", signed=True)
    return header.number(18, 4, little=True), abs(height)


def _webp(header: Header) -> Size | None:
    """RFC 9649: a simple lossy or lossless file, or an extended one."""
    kind = header.read(12, 4)
    if kind == b"VP8 ":
        if header.read(23, 3) != b"\x9d\x01\x2a":
            return None
        return header.number(26, 2, little=True) & 0x3FFF, header.number(28, 2, little=True) & 0x3FFF
    if kind == b"VP8L":
        bits = header.number(21, 4, little=True)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8X":
        return header.number(24, 3, little=True) + 1, header.number(27, 3, little=True) + 1
    return None


def _jpeg(header: Header) -> Size | None:
    """ITU-T T.81, annex B: segments, one behind the other, up to the frame's header."""
    offset = 2
    for _ in range(_MOST_SEGMENTS):
        marker = header.read(offset, 2)
        if marker[0] != 0xFF:
            return None
        if marker[1] == 0xFF or marker[1] in _ALONE:
            # Filling bytes may stand before any marker.
            offset += 1 if marker[1] == 0xFF else 2
            continue
        if marker[1] in _FRAMES:
            return header.number(offset + 7, 2), header.number(offset + 5, 2)
        if marker[1] in {0xD9, 0xDA}:
            return None
        offset += 2 + header.number(offset + 2, 2)
    return None


_READERS: dict[str, Callable[[Header], Size | None]] = {
    "image/png": _png,
    "image/gif": _gif,
    "image/bmp": _bmp,
    "image/webp": _webp,
    "image/jpeg": _jpeg,
}
