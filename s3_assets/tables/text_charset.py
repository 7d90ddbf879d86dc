"""From any charset to UTF-8, where what is no text of the charset becomes bytes that are no UTF-8."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING, BinaryIO

from s3_assets.errors import BadRowError

if TYPE_CHECKING:
    from collections.abc import Iterator

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_HANDLER = "s3_assets.no_text"
_NO_TEXT = "\udcff"


def _mark(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return _NO_TEXT, error.end


codecs.register_error(_HANDLER, _mark)


def utf8_chunks(stream: BinaryIO, charset: str, size: int) -> Iterator[bytes]:
    r"""Yield the text as UTF-8, without its byte order mark; no chunk ends between `\r` and `\n`."""
    held = b""
    for chunk in _chunks(stream, charset, size):
        whole = held + chunk if held else chunk
        held = b"\r" if whole.endswith(b"\r") else b""
        yield whole[:-1] if held else whole
    if held:
        yield held


def _chunks(stream: BinaryIO, charset: str, size: int) -> Iterator[bytes]:
    start = _read(stream, max(size, len(codecs.BOM_UTF8)))
    for mark, marked in _MARKS:
        if start.startswith(mark) and charset.lower().replace("_", "-") in ("auto", marked, "utf-16", "utf8"):
            start, charset = start[len(mark) :], marked
            break
    if charset == "auto" or codecs.lookup(charset).name == "utf-8":
        while start:
            yield start
            start = _read(stream, size)
        return
    decoder = codecs.getincrementaldecoder(charset)(_HANDLER)
    while start:
        yield _decoded(decoder, start)
        start = _read(stream, size)
    yield decoder.decode(b"", final=True).encode("utf-8", "surrogatepass")


def _decoded(decoder: codecs.IncrementalDecoder, part: bytes) -> bytes:
    try:
        return decoder.decode(part).encode("utf-8", "surrogatepass")
    except UnicodeError as error:
        # Not of some bytes, which the handler marks: UTF-16 and UTF-32 begin with the order of theirs.
        raise BadRowError(
            f"the text is not of its charset: {error}",
            remedy="Set charset to what the file is, such as utf-16-le.",
        ) from None


def _read(stream: BinaryIO, size: int) -> bytes:
    # Unpackers hand out less than is asked for; what is nearly enough is not worth a copy.
    parts = []
    least = (size + 1) // 2
    while least > 0 and (part := stream.read(size)):
        parts.append(part)
        least -= len(part)
    return b"".join(parts)
