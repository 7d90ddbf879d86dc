"""The objects of one page of a listing, taken out of its XML column by column.

A parser of XML makes an element of each field of each object: that takes longer than most servers need for
the page. The servers of S3 write all objects behind each other, each field once and without attributes, so
that the values of a field are found by one expression. A page that looks otherwise is left to a parser.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple, Protocol
from urllib.parse import unquote_plus
from xml.etree import ElementTree as ET
from xml.sax.saxutils import unescape

Column = list[str | None]
"""What a page tells of its objects in one field, as text; None: nothing."""

_BEGIN, _END, _KEY = b"<Contents>", b"</Contents>", "Key"
_OTHER_CHARSET = re.compile(rb"^<\?xml[^>]*encoding=['\"](?!utf-8['\"])", re.IGNORECASE)
_URL_ENCODED = b"<EncodingType>url</EncodingType>"
_QUOTES = {"&quot;": '"', "&apos;": "'"}
_ESCAPES = re.compile("%[0-9A-Fa-f]{2}")
_NEWLINE, _PERCENT = "%0A", "%25"


class ListedObjects(Protocol):
    """The objects of a page."""

    def __len__(self) -> int:
        """Return how many they are."""

    def column(self, field: str) -> Column:
        """Return the field, by its name in the S3 API, of each object."""


class Taken(NamedTuple):
    """A page without its objects, and these."""

    rest: bytes
    objects: ListedObjects


def take_objects(body: bytes) -> Taken | None:
    """Take the objects out of a page; None: it is no XML."""
    begin, end = body.find(_BEGIN), body.rfind(_END) + len(_END)
    if begin < 0 or end < begin:
        # Without any object, or with a namespace before each name.
        return _parsed(body)
    inside, rest = body[begin:end], body[:begin] + body[end:]
    if b"CommonPrefixes" in inside or b"&#" in inside or b"<!" in inside or _OTHER_CHARSET.match(body):
        return _parsed(body)
    try:
        text = inside.decode()
    except UnicodeDecodeError:
        return _parsed(body)
    return Taken(rest, _Written(text, inside.count(_BEGIN), encoded=_URL_ENCODED in rest))


class _Written:
    """Objects as they are written; the values of a field are looked for when they are asked for."""

    def __init__(self, text: str, count: int, *, encoded: bool) -> None:
        self._text = text
        self._count = count
        self._encoded = encoded

    def __len__(self) -> int:
        return self._count

    def column(self, field: str) -> Column:
        found: list[str] = _values(field).findall(self._text)
        if not found:
            return [None] * self._count
        if len(found) != self._count:
            # Some objects have it, some have not.
            elements = list(ET.fromstring(f"<Page>{self._text}</Page>"))  # noqa: S314 - as botocore reads it
            return _Parsed(elements, "", encoded=self._encoded).column(field)
        if "&" in "".join(found):
            found = [unescape(each, _QUOTES) for each in found]
        return [*(_decoded(found) if field == _KEY and self._encoded else found)]


class _Parsed:
    """Objects as a parser reads them."""

    def __init__(self, elements: list[ET.Element], space: str, *, encoded: bool) -> None:
        self._elements = elements
        self._space = space
        self._encoded = encoded

    def __len__(self) -> int:
        return len(self._elements)

    def column(self, field: str) -> Column:
        told = [each.findtext(self._space + field) for each in self._elements]
        if field == _KEY and self._encoded:
            return [None if key is None else unquote_plus(key) for key in told]
        return [*told]


def _parsed(body: bytes) -> Taken | None:
    try:
        root = ET.fromstring(body)  # noqa: S314 - as botocore reads it, from the same server
    except ET.ParseError:
        return None
    space = root.tag.partition("}")[0] + "}" if root.tag.startswith("{") else ""
    elements = root.findall(f"{space}Contents")
    encoded = root.findtext(f"{space}EncodingType") == "url"
    for each in elements:
        root.remove(each)
    return Taken(ET.tostring(root), _Parsed(elements, space, encoded=encoded))


@cache
def _values(field: str) -> re.Pattern[str]:
    return re.compile(f"<{field}>([^<]*)</{field}>")


def _decoded(keys: list[str]) -> list[str]:
    """Decode what `encoding-type=url` has encoded, of all keys at once where they allow it."""
    text = "\n".join(keys)
    escapes = set(_ESCAPES.findall(text))
    if _NEWLINE in {each.upper() for each in escapes} or any(each[1] > "7" for each in escapes):
        return [unquote_plus(each) for each in keys]
    text = text.replace("+", " ")
    # The percent sign comes last: what it makes is no escape.
    for each in sorted(escapes, key=_PERCENT.__eq__):
        text = text.replace(each, chr(int(each[1:], 16)))
    return text.split("\n")
