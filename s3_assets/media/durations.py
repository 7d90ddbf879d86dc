"""How long a sound or a video is, in seconds, where its header says so; nothing is decoded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.media.header import HeaderEndsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from s3_assets.media.header import Header

_MOST_CHUNKS = 64
# ISO/IEC 14496-12, 8.2.2: "all ones" is a duration that is not known.
_UNKNOWN = (2**32 - 1, 2**64 - 1)


def duration(kind: str | None, header: Header) -> float | None:
    """Return the seconds; None for a kind whose header does not tell, or a header that is none."""
    read = _READERS.get(kind or "")
    if read is None:
        return None
    try:
        found = read(header)
    except HeaderEndsError:
        return None
    return round(found, 3) if found is not None else None


def _wav(header: Header) -> float | None:
    """Microsoft, "Multimedia Programming Interface and Data Specifications": the chunks `fmt ` and `data`."""
    rate = 0
    for name, offset, length in _chunks(header):
        if name == b"fmt ":
            rate = header.number(offset + 8, 4, little=True)
        if name == b"data":
            # One that is recorded as a stream names a length that it does not have.
            stored = min(length, header.size - offset)
            return stored / rate if rate else None
    return None


def _chunks(header: Header) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, place and length of a RIFF file's chunks, which begin at even places."""
    offset = 12
    for _ in range(_MOST_CHUNKS):
        length = header.number(offset + 4, 4, little=True)
        yield header.read(offset, 4), offset + 8, length
        offset += 8 + length + length % 2


def _flac(header: Header) -> float | None:
    """RFC 9639, 8.2: STREAMINFO comes first: 20 bits of rate, 3 of channels, 5 of depth, 36 of samples."""
    found = header.number(18, 8)
    rate, samples = found >> 44, found & (2**36 - 1)
    return samples / rate if rate and samples else None


def _mp4(header: Header) -> float | None:
    """ISO/IEC 14496-12, 8.2: the box `mvhd` inside of `moov`, which stands at the beginning or at the end."""
    for name, begin, end in _boxes(header, 0, header.size):
        if name != b"moov":
            continue
        for inner, start, _ in _boxes(header, begin, end):
            if inner == b"mvhd":
                return _movie(header, start)
    return None


def _boxes(header: Header, offset: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, beginning and end of the boxes' contents."""
    for _ in range(_MOST_CHUNKS):
        if offset + 8 > end:
            return
        length, name, inside = header.number(offset, 4), header.read(offset + 4, 4), 8
        if length == 1:
            length, inside = header.number(offset + 8, 8), 16
        elif length == 0:
            length = end - offset
        if length < inside:
            return
        yield name, offset + inside, min(offset + length, end)
        offset += length


def _movie(header: Header, start: int) -> float | None:
    wide = header.number(start, 1) == 1
    scale = header.number(start + (20 if wide else 12), 4)
    length = header.number(start + (24 if wide else 16), 8 if wide else 4)
    return length / scale if scale and length not in _UNKNOWN else None


_READERS: dict[str, Callable[[Header], float | None]] = {
    "audio/wav": _wav,
    "audio/flac": _flac,
    "audio/mp4": _mp4,
    "video/mp4": _mp4,
    "video/quicktime": _mp4,
    "video/3gpp": _mp4,
}
