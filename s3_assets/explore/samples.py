"""The beginnings of some of a table's files: fetched, unpacked and decoded, in bounded bytes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from s3_assets.explore.charsets import Charset, decode, find_charset
from s3_assets.explore.packing import unpack
from s3_assets.tables.inference import sample
from s3_assets.threads import ThreadPoolExecutor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from s3_assets.objects import ObjectInfo, Objects

MOST_FILES = 10
HEAD = 1024 * 1024
"""Bytes that are fetched of a file at most: a block of bzip2 and more."""

MARK = 512
"""Bytes that tell a file's kind."""

FIRST = 32 * 1024
"""Bytes that are fetched of the first file, of which nothing is known: all of a small one."""

TEXT = 256 * 1024
"""Bytes of its text that are looked at: as many as the reader itself looks at."""


@dataclass(frozen=True)
class Head:
    """The first bytes of an object; `whole` says that it has no more."""

    place: str
    data: bytes
    whole: bool


@dataclass(frozen=True)
class Sample:
    """The beginning of a text file."""

    place: str
    packing: str
    data: bytes
    """The text's bytes, unpacked, in its own charset."""
    whole: bool

    @classmethod
    def of(cls, head: Head) -> Sample:
        """Unpack the beginning of a file."""
        packing, data, whole = unpack(head.data, TEXT, whole=head.whole, place=head.place)
        return cls(head.place, packing, data, whole)

    @cached_property
    def charset(self) -> Charset:
        """The charset that the bytes tell."""
        return find_charset(self.data, whole=self.whole)

    def text(self, charset: Charset | None = None) -> str:
        """Return the text, in its own charset or in that of the table."""
        return decode(self.data, charset or self.charset).removeprefix("\ufeff")


def fetch(objects: Objects, files: Sequence[ObjectInfo], most: int, begun: Head | None = None) -> list[Head]:
    """Fetch the beginnings of at most ten files, spread evenly; `begun` is one that was fetched before."""
    by_key = {each.key: each for each in files}
    chosen = sample(list(by_key), MOST_FILES)

    def one(key: str) -> Head:
        if begun is not None and begun.place == objects.url(key) and (begun.whole or len(begun.data) >= most):
            return begun
        data = objects.get_range(key, 0, min(most, by_key[key].size))
        return Head(objects.url(key), data, len(data) >= by_key[key].size)

    with ThreadPoolExecutor(MOST_FILES) as pool:
        return list(pool.map(one, chosen))
