"""The charset of a text: by its byte order mark, its zero bytes, or by being UTF-8."""

from __future__ import annotations

import codecs
import re
from typing import NamedTuple

_MARKS = (
    # UTF-32's little mark begins with UTF-16's.
    (codecs.BOM_UTF32_LE, "utf-32", "a UTF-32 byte order mark"),
    (codecs.BOM_UTF32_BE, "utf-32", "a UTF-32 byte order mark"),
    (codecs.BOM_UTF8, "auto", "a UTF-8 byte order mark"),
    (codecs.BOM_UTF16_LE, "auto", "a UTF-16 byte order mark, little end first"),
    (codecs.BOM_UTF16_BE, "auto", "a UTF-16 byte order mark, big end first"),
)
_DECODERS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_MANY, _FEW = 0.05, 0.005
_LOOKED_AT = 16_384
# Control characters of Latin-1, letters and signs of Windows' own charset.
_WINDOWS_ONLY = re.compile(rb"[\x80-\x9f]")
_SHOWN = re.compile(r"\w*[^\x00-\x7f]\w*")


class Charset(NamedTuple):
    """The setting (`auto` where the reader finds it by itself), the decoder's name, and the evidence."""

    setting: str
    decoder: str
    evidence: str
    doubt: bool = False


def find_charset(data: bytes, *, whole: bool) -> Charset:
    """Return the charset of the beginning of a text; `whole` says that it does not end in mid-character."""
    for mark, setting, evidence in _MARKS:
        if data.startswith(mark):
            return Charset(setting, _DECODERS.get(mark, setting), evidence)
    wide = _by_zeros(data[:_LOOKED_AT])
    if wide is not None:
        return wide
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data, final=whole)
    except UnicodeDecodeError as error:
        return _single_byte(data, error.start)
    told = "plain ASCII" if data.isascii() else "valid UTF-8"
    return Charset("auto", "utf-8", told)


def decode(data: bytes, charset: Charset) -> str:
    """Decode the beginning of a text; half a character at its end is left out."""
    return codecs.getincrementaldecoder(charset.decoder)("replace").decode(data, final=False)


def _by_zeros(data: bytes) -> Charset | None:
    """Tell UTF-16 and UTF-32 without a mark by where the zero bytes of ASCII characters stand."""
    if len(data) < 4 or 0 not in data:
        return None
    quarter = max(len(data) // 4, 1)
    zeros = [data[each::4].count(0) / quarter for each in range(4)]
    patterns = {
        "utf-32-le": (zeros[1:], zeros[:1]),
        "utf-32-be": (zeros[:3], zeros[3:]),
        "utf-16-le": (zeros[1::2], zeros[::2]),
        "utf-16-be": (zeros[::2], zeros[1::2]),
    }
    for name, (many, few) in patterns.items():
        if min(many) > _MANY and max(few) < max(_FEW, min(many) / 10):
            return Charset(name, name, f"its zero bytes stand where {name.upper()} has them, without a mark")
    return None


def _single_byte(data: bytes, at: int) -> Charset:
    name = "cp1252"
    try:
        text = data.decode(name)
    except UnicodeDecodeError:
        name = "latin-1"
        text = data.decode(name)
    words = list(dict.fromkeys(_SHOWN.findall(text)))[:3]
    sign = "with" if _WINDOWS_ONLY.search(data) else "without"
    return Charset(
        name,
        name,
        f"byte {at} is no UTF-8, and {name} reads all of it ({sign} bytes 80 to 9f); other one-byte charsets "
        f"would as well: look at {', '.join(repr(word) for word in words)}",
        doubt=True,
    )
