"""How much lies below a folder: objects and bytes, listed by several requests at once.

A listing names its keys in order, a thousand to a request, and the next request needs the last key: so it is
split, into ranges of keys that are listed beside each other. Ranges begin at the folders of the first levels;
where these are few, at the characters that follow what the first keys have in common.
"""

from __future__ import annotations

import string
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise, takewhile
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from s3_assets.objects import Objects

_AT_ONCE = 16
_ENOUGH = 32
_LEVELS = 3


@dataclass
class Size:
    """Objects and bytes of a folder, and of each folder directly in it."""

    prefix: str
    objects: int = 0
    bytes: int = 0
    folders: dict[str, Size] = field(default_factory=dict)
    """By their names, without slash; empty for those inside of these."""
    requests: int = 0

    def add(self, path: str, size: int) -> None:
        """Count an object, by its path below the folder."""
        self.objects += 1
        self.bytes += size
        name, slash, _ = path.partition("/")
        if slash:
            inside = self.folders.get(name)
            if inside is None:
                inside = self.folders[name] = Size(f"{self.prefix}{name}/")
            inside.objects += 1
            inside.bytes += size


@dataclass(frozen=True)
class KeyRange:
    """Keys behind `after`, up to and with `last`; no end: None."""

    after: str | None
    last: str | None


def measure(
    objects: Objects, prefix: str, *, at_once: int = _AT_ONCE, progress: Callable[[int], None] | None = None
) -> Size:
    """Count what lies below the folder `prefix`, folder markers and hidden objects included.

    `progress` is called with the number of objects so far, from one thread at a time.
    """
    found = Size(prefix, requests=1)
    first = objects.folder_page(prefix, deep=True)
    for each in first.objects:
        found.add(each.key.removeprefix(prefix), each.size)
    if first.more:
        keys = [each.key for each in first.objects]
        bounds = _folder_bounds(objects, prefix, found)
        if len(bounds) < _ENOUGH:
            bounds = [*bounds, *character_bounds(keys)]
        count_ranges(objects, found, ranges(keys[-1], bounds), at_once=at_once, progress=progress)
    return found


def ranges(after: str | None, bounds: Sequence[str]) -> list[KeyRange]:
    """Return ranges that lie behind each other and leave nothing out of what comes behind `after`."""
    inside = sorted({each for each in bounds if after is None or each > after}, key=str.encode)
    return [KeyRange(low, high) for low, high in pairwise([after, *inside, None])]


def count_ranges(
    objects: Objects,
    found: Size,
    parts: Sequence[KeyRange],
    *,
    at_once: int = _AT_ONCE,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Add the objects of some ranges of keys to what was counted of a folder, several ranges at once."""
    lock = Lock()

    def count(each: KeyRange) -> None:
        after, more = each.after, True
        while more:
            page = objects.folder_page(found.prefix, after, deep=True)
            kept = [one for one in page.objects if each.last is None or one.key <= each.last]
            more = page.more and len(kept) == len(page.objects) > 0
            after = page.objects[-1].key if page.objects else None
            with lock:
                found.requests += 1
                for one in kept:
                    found.add(one.key.removeprefix(found.prefix), one.size)
                if progress is not None:
                    progress(found.objects)

    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(count, parts))


def _folder_bounds(objects: Objects, prefix: str, found: Size) -> list[str]:
    """Return folders of the first levels, from the first page of each, until there are enough."""
    level, bounds = [prefix], list[str]()
    for _ in range(_LEVELS):
        if not level or len(bounds) >= _ENOUGH:
            break
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            pages = list(pool.map(objects.folder_page, level[:_ENOUGH]))
        found.requests += len(pages)
        level = [folder for page in pages for folder in page.folders]
        bounds += level
    return bounds


def character_bounds(keys: Sequence[str]) -> list[str]:
    """Return what keys may begin with, judged by those of a first page, which are sorted.

    That is what these have in common, without the zeros that a counter begins with, and one more character of
    the kind that follows.
    """
    pairs = zip(keys[0], keys[-1], strict=False)
    alike = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    stem = keys[0][:alike].rstrip("0")
    following = {key[len(stem) : len(stem) + 1] for key in keys}
    kinds = (string.digits, string.digits + "abcdef", string.digits + string.ascii_letters)
    characters = next((kind for kind in kinds if following <= set(kind)), kinds[-1])
    return [f"{stem}{each}" for each in sorted(characters)]
