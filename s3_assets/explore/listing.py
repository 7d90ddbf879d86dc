"""What lies below a prefix, from a bounded number of list pages."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from s3_assets.progress import count
from s3_assets.tables.files import hidden

if TYPE_CHECKING:
    from s3_assets.objects import ObjectInfo, Objects

PAGE = 1000
"""Keys in one page of a listing (Amazon S3 API Reference, "ListObjectsV2")."""

FIRST_PAGES = 5
JUMPS = 8
_LAST_CHARACTER = "\U0010ffff"


@dataclass(frozen=True)
class Listing:
    """The data files that were seen, by key, and whether they are all."""

    prefix: str
    files: tuple[ObjectInfo, ...]
    complete: bool
    keys: tuple[str, ...]
    """All keys that were listed, data or not."""
    known: int | None = None
    """How many data files there are, where `files` are no more than some of them."""

    @property
    def total(self) -> str:
        """How many data files there are, for people."""
        known = count(len(self.files) if self.known is None else self.known, "file")
        return known if self.complete else f"more than {known} (the listing was not read to its end)"


class FirstPage(NamedTuple):
    """What lies below a prefix, or the first thousand objects of it."""

    prefix: str
    objects: list[ObjectInfo]

    @property
    def complete(self) -> bool:
        """Whether there are no more."""
        return len(self.objects) < PAGE

    @property
    def keys(self) -> list[str]:
        """The objects' keys."""
        return [each.key for each in self.objects]


def first_page(objects: Objects, prefix: str) -> FirstPage:
    """List one page below the folder."""
    return FirstPage(prefix, list(islice(objects.list_objects(prefix), PAGE)))


def look(objects: Objects, first: FirstPage) -> Listing:
    """List more pages behind the first one; of a large folder also the first page of some later folders.

    At most 13 pages of a thousand keys are listed in all.
    """
    prefix, found, complete = first.prefix, list(first.objects), first.complete
    if not complete:
        behind = objects.list_objects(prefix, start_after=found[-1].key)
        found += islice(behind, (FIRST_PAGES - 1) * PAGE)
        complete = len(found) < FIRST_PAGES * PAGE
    if not complete:
        found += _further(objects, prefix, found[-1].key)
    unique = {each.key: each for each in found}
    data = [each for each in unique.values() if is_data(each, prefix)]
    return Listing(prefix, tuple(sorted(data, key=lambda each: each.key)), complete, tuple(unique))


def is_data(found: ObjectInfo, prefix: str) -> bool:
    """Tell whether an object may hold rows: it has bytes, and no hidden segment below the prefix."""
    segments = found.key.removeprefix(prefix).split("/")
    return bool(found.size) and not any(hidden(segment) for segment in segments)


def _further(objects: Objects, prefix: str, last: str) -> list[ObjectInfo]:
    found: list[ObjectInfo] = []
    for _ in range(JUMPS):
        folder, slash, _ = last.removeprefix(prefix).partition("/")
        after = f"{prefix}{folder}/{_LAST_CHARACTER}" if slash else last
        page = list(islice(objects.list_objects(prefix, start_after=after), PAGE))
        if not page:
            break
        found += page
        last = page[-1].key
    return found
