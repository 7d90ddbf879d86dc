"""How much lies below a folder: objects and bytes, listed by several requests at once."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from s3_assets.explore.estimates import Estimate, Shapes, estimate
from s3_assets.explore.parallel_listing import AT_ONCE, Page, ParallelListing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from s3_assets.objects import Objects

FIRST_REQUESTS = 48
"""Requests after which the size is estimated, if they were not enough."""

_FOLDERS = 16
_EVERY = 50


@dataclass
class Size:
    """Objects and bytes of a folder, and of each folder directly in it."""

    prefix: str
    objects: int = 0
    bytes: int = 0
    folders: dict[str, Size] = field(default_factory=dict)
    """By their names, without slash; empty for those inside of these."""
    requests: int = 0

    def add(self, keys: Sequence[str], sizes: Sequence[int]) -> None:
        """Count objects by their keys, which are in order, and sizes."""
        if not keys:
            return
        first, last = self._folder(keys[0]), self._folder(keys[-1])
        if first == last:
            # In order: so are all between them.
            self._count(first, len(keys), sum(sizes))
            return
        for key, size in zip(keys, sizes, strict=True):
            self._count(self._folder(key), 1, size)

    def _folder(self, key: str) -> str | None:
        name, slash, _ = key[len(self.prefix) :].partition("/")
        return name if slash else None

    def _count(self, folder: str | None, objects: int, bytes_: int) -> None:
        self.objects += objects
        self.bytes += bytes_
        if folder is not None:
            inside = self.folders.get(folder)
            if inside is None:
                inside = self.folders[folder] = Size(f"{self.prefix}{folder}/")
            inside.objects += objects
            inside.bytes += bytes_


class Measurement:
    """What lies below the folder `prefix` is counted, folder markers and hidden objects included.

    It can stop after its first requests, when it knows about how much there is, and be finished later.
    """

    def __init__(self, objects: Objects, prefix: str, *, at_once: int = AT_ONCE) -> None:
        self.size = Size(prefix)
        self._objects = objects
        self._at_once = at_once
        self._listing: ParallelListing[int] | None = None
        self._shapes = Shapes()
        self.seconds = 0.0
        """How long it has taken, without what was between."""

    @property
    def is_done(self) -> bool:
        """Whether everything was counted."""
        return self._listing is not None and not self._listing.parts

    def begin(self, most: int = FIRST_REQUESTS) -> Estimate:
        """Send the first requests, and return what they say of the whole."""
        begun = time.monotonic()
        self._listing = self._begun()
        self._run(self._listing, most=most - 2)
        self.seconds += time.monotonic() - begun
        found = self.size
        return estimate(
            self._listing.parts,
            self._shapes,
            objects=found.objects,
            bytes_=found.bytes,
            requests=found.requests,
            seconds=self.seconds,
        )

    def finish(self, progress: Callable[[int], None] | None = None) -> Size:
        """Count the rest; `progress` is told the number of objects so far, from one thread at a time."""
        begun = time.monotonic()
        if self._listing is None:
            self._listing = self._begun()
        self._run(self._listing, progress=progress)
        self.seconds += time.monotonic() - begun
        return self.size

    def _begun(self) -> ParallelListing[int]:
        prefix, size = self.size.prefix, self.size
        first = self._objects.sizes_page(prefix)
        size.requests += 1
        self._take(Page(first.keys, first.sizes, first.more))
        bounds: list[str] = []
        answered = math.inf
        if first.more:
            # Not the first request, for which a connection is made.
            begun = time.monotonic()
            bounds = self._folders(first.keys[-1])
            answered = time.monotonic() - begun
        listing = ParallelListing(
            self._page,
            after=first.keys[-1] if first.keys else None,
            bounds=bounds,
            fixed=len(prefix),
            at_once=self._at_once,
            answered=answered,
        )
        if not first.more:
            listing.parts.clear()
        return listing

    def _folders(self, last: str) -> list[str]:
        """Return some of the folders behind a key, if one page names them all."""
        page = self._objects.folder_page(self.size.prefix)
        self.size.requests += 1
        behind = [each for each in page.folders if each > last]
        if page.more or len(behind) < 2:
            return []
        step = max(len(behind) // _FOLDERS, 1)
        return behind[::step][:_FOLDERS]

    def _page(self, after: str | None) -> Page[int]:
        page = self._objects.sizes_page(self.size.prefix, after)
        return Page(page.keys, page.sizes, page.more)

    def _take(self, page: Page[int]) -> None:
        self.size.add(page.keys, page.items)
        self._shapes.add((*page.keys[::_EVERY], *page.keys[-1:]))

    def _run(
        self,
        listing: ParallelListing[int],
        most: int | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        def take(page: Page[int]) -> None:
            if most is not None:
                self._take(page)
            else:
                self.size.add(page.keys, page.items)
            if progress is not None:
                progress(self.size.objects)

        before = listing.requests
        listing.run(take, most)
        self.size.requests += listing.requests - before


def measure(
    objects: Objects, prefix: str, *, at_once: int = AT_ONCE, progress: Callable[[int], None] | None = None
) -> Size:
    """Count what lies below the folder `prefix`; see `Measurement`."""
    return Measurement(objects, prefix, at_once=at_once).finish(progress)
