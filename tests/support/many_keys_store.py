"""Sorted keys of a bucket in memory, and the pages of a listing of them, found by bisection."""

import hashlib
from array import array
from base64 import urlsafe_b64decode, urlsafe_b64encode
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate, chain
from typing import NamedTuple
from urllib.parse import quote
from xml.sax.saxutils import escape

MODIFIED = "2026-01-05T06:07:08.000Z"
MOST_KEYS = 1000
# What Amazon leaves as it is where it writes keys for encoding-type=url.
_PLAIN = "/*"


class Asked(NamedTuple):
    """The parameters of ListObjectsV2 that decide what a page has."""

    prefix: bytes = b""
    delimiter: bytes = b""
    start_after: bytes = b""
    token: str = ""
    most: int = MOST_KEYS
    encoded: bool = False


@dataclass
class Page:
    """Spans of places in the list of keys, common prefixes, and where the next page begins."""

    spans: list[tuple[int, int]] = field(default_factory=list)
    prefixes: list[bytes] = field(default_factory=list)
    next: int | None = None


class Rendered(NamedTuple):
    """The XML of all objects behind each other, and where each begins."""

    text: bytes
    starts: "array[int]"


class KeyStore:
    """The objects of one bucket: keys in the order of their bytes, sizes, and bodies by key or by ending."""

    def __init__(self, objects: Iterable[tuple[str, int]], bodies: Mapping[str, bytes]) -> None:
        self._bodies = bodies
        listed = sorted(
            (key.encode(), size if (body := self._given(key)) is None else len(body)) for key, size in objects
        )
        self.keys = [key for key, _ in listed]
        self.sizes = array("Q", (size for _, size in listed))

    def body(self, key: str) -> bytes | None:
        """Return an object's bytes: those that were given for it, or zeros."""
        wanted = key.encode()
        place = bisect_left(self.keys, wanted)
        if place == len(self.keys) or self.keys[place] != wanted:
            return None
        given = self._given(key)
        return bytes(self.sizes[place]) if given is None else given

    def _given(self, key: str) -> bytes | None:
        return self._bodies.get(key, self._bodies.get("." + key.rpartition(".")[2]))

    def prepare(self) -> None:
        """Write all objects as pages for boto3 have them, which the first listing would wait for."""
        _ = self._encoded

    def page(self, asked: Asked) -> Page:
        """Return what one page has."""
        place, end = self._first(asked), self._behind(asked.prefix)
        if not asked.delimiter:
            until = min(place + asked.most, end)
            more = until if until < end and asked.most else None
            return Page([(place, until)] if place < until else [], next=more)
        page, found = Page(), 0
        while place < end and found < asked.most:
            folder = self._folder(place, asked)
            if folder is None:
                page.spans.append((place, place + 1))
                place += 1
            else:
                page.prefixes.append(folder)
                place = self._behind(folder)
            found += 1
        page.next = place if place < end and asked.most else None
        return page

    def _first(self, asked: Asked) -> int:
        if asked.token:
            return int(urlsafe_b64decode(asked.token))
        place = max(bisect_left(self.keys, asked.prefix), bisect_right(self.keys, asked.start_after))
        inside = asked.start_after[len(asked.prefix) :]
        if asked.delimiter and asked.delimiter in inside and asked.start_after.startswith(asked.prefix):
            # Whoever has come to a key in a folder has seen the folder: so do Ceph and the embedded server.
            folder = inside.partition(asked.delimiter)[0] + asked.delimiter
            place = max(place, self._behind(asked.prefix + folder))
        return place

    def _folder(self, place: int, asked: Asked) -> bytes | None:
        name, found, _ = self.keys[place][len(asked.prefix) :].partition(asked.delimiter)
        return asked.prefix + name + found if found else None

    def _behind(self, prefix: bytes) -> int:
        """Return the place behind all keys that begin with the prefix; no key's bytes reach 0xFF."""
        return bisect_left(self.keys, prefix + b"\xff")

    def answer(self, bucket: str, asked: Asked) -> list[bytes]:
        """Return one page as S3 writes it, in pieces."""
        page = self.page(asked)
        rendered = self._encoded if asked.encoded else self._plain
        contents = [
            rendered.text[rendered.starts[first] : rendered.starts[until]] for first, until in page.spans
        ]
        count = sum(until - first for first, until in page.spans) + len(page.prefixes)
        told = {
            "Name": bucket,
            "Prefix": _written(asked.prefix, encoded=asked.encoded),
            "Delimiter": _written(asked.delimiter, encoded=asked.encoded),
            "StartAfter": _written(asked.start_after, encoded=asked.encoded),
            "EncodingType": "url" if asked.encoded else "",
            "MaxKeys": str(asked.most),
            "KeyCount": str(count),
            "ContinuationToken": asked.token,
            "NextContinuationToken": ""
            if page.next is None
            else urlsafe_b64encode(str(page.next).encode()).decode(),
            "IsTruncated": str(page.next is not None).lower(),
        }
        head = "".join(f"<{name}>{text}</{name}>" for name, text in told.items() if text)
        folders = "".join(
            f"<CommonPrefixes><Prefix>{_written(each, encoded=asked.encoded)}</Prefix></CommonPrefixes>"
            for each in page.prefixes
        )
        begin = (
            f'<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{head}'
        )
        return [begin.encode(), *contents, f"{folders}</ListBucketResult>".encode()]

    @cached_property
    def _plain(self) -> Rendered:
        return self._rendered(encoded=False)

    @cached_property
    def _encoded(self) -> Rendered:
        return self._rendered(encoded=True)

    def _rendered(self, *, encoded: bool) -> Rendered:
        pieces = [
            f"<Contents><Key>{_written(key, encoded=encoded)}</Key><LastModified>{MODIFIED}</LastModified>"
            f"<ETag>&quot;{etag(key)}&quot;</ETag><Size>{size}</Size>"
            "<StorageClass>STANDARD</StorageClass></Contents>".encode()
            for key, size in zip(self.keys, self.sizes, strict=True)
        ]
        return Rendered(b"".join(pieces), array("Q", chain((0,), accumulate(map(len, pieces)))))


def etag(key: bytes) -> str:
    """Return an ETag as long as that of an object."""
    return hashlib.md5(key, usedforsecurity=False).hexdigest()


def _written(text: bytes, *, encoded: bool) -> str:
    return quote(text, safe=_PLAIN) if encoded else escape(text.decode())
