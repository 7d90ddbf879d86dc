"""A listing by several requests at once: it is split where it turns out to be long.

A page names the next thousand keys behind a key, and only then is the next key known: one request waits for
the other. So the keys are split into parts that are read beside each other. Whoever reads a page while others
have nothing to do gives away what is left of its part, cut at strings that its keys suggest (`pivots`); a
part in which nothing lies costs one request. No more than three parts are made for each page that was read.

What is won by that is the time in which nobody does anything but wait for an answer. A server that is near
has answered before a page is read, and each part costs a request more: there, few are sent at once.
"""

from __future__ import annotations

import math
import time
from bisect import bisect_right
from collections import deque
from dataclasses import dataclass, field
from threading import Condition
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from s3_assets.explore.pivots import pivots
from s3_assets.threads import ThreadPoolExecutor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Item = TypeVar("Item")

AT_ONCE = 16
AT_ONCE_NEARBY = 3
"""As many as keep client and server at work."""
NEARBY = 0.012
"""Seconds; who answers a page as quickly as that is no farther than the next room."""
_AHEAD = 96
_PARTS_FOR_A_PAGE = 3
# In order, parts of few pages are wanted: every third of the nearest strings is some pages behind the last.
_STRIDE = 3


class Page(NamedTuple, Generic[Item]):
    """Keys of one page in their order, what is told of each, and whether there is more."""

    keys: list[str]
    items: list[Item]
    more: bool


@dataclass(eq=False)
class Part(Generic[Item]):
    """Keys behind `after`, up to and with `last`; no end: None."""

    after: str | None
    last: str | None
    first: str | None = None
    """The first key of the last page."""
    count: int = 0
    """How many keys that page had."""
    pages: deque[Page[Item]] = field(default_factory=deque)
    """Pages that wait for those before them."""
    is_read: bool = False
    is_done: bool = False

    @property
    def is_open(self) -> bool:
        """Whether somebody may read its next page."""
        return not (self.is_read or self.is_done)


class ParallelListing(Generic[Item]):
    """All keys behind `after`, read by `read(after)`, whose pages are those of a listing in order.

    The first `fixed` characters are the same in all keys. `answered` is how many seconds the
    server took for a request before; one of `nearby` or less is sent few at once.
    """

    def __init__(
        self,
        read: Callable[[str | None], Page[Item]],
        *,
        after: str | None = None,
        bounds: Sequence[str] = (),
        fixed: int = 0,
        at_once: int = AT_ONCE,
        answered: float = math.inf,
        nearby: float = NEARBY,
    ) -> None:
        self.requests = 0
        self.parts: list[Part[Item]] = [Part(after, None)]
        """Those that are not done, in the order of their keys."""
        self._read = read
        self._fixed = fixed
        self._at_once = at_once
        self._made = 0
        self._waiting = 0
        self._reading = 0
        self._quickest = answered
        self._nearby = nearby
        self._held = 0
        self._most: int | None = None
        self._in_order = False
        self._stopped = False
        self._changed = Condition()
        self._cut(self.parts[0], bounds)

    def run(self, take: Callable[[Page[Item]], None], most: int | None = None) -> None:
        """Give each page to `take`, in any order, one at a time; stop after `most` requests in all.

        It can be run on. What a request raises, it raises.
        """
        self._most = most
        with ThreadPoolExecutor(self._at_once) as pool:
            workers = [pool.submit(self._work, take) for _ in range(self._at_once)]
            try:
                for each in workers:
                    each.result()
            except BaseException:
                # Also where somebody presses Ctrl-C: nobody waits for the rest.
                self._stop()
                raise

    def in_order(self) -> Iterator[Page[Item]]:
        """Yield the pages in the order of their keys; at most 96 that were read ahead are held."""
        self._in_order = True
        with ThreadPoolExecutor(self._at_once) as pool:
            workers = [pool.submit(self._work, None) for _ in range(self._at_once)]
            try:
                while (page := self._next_page()) is not None:
                    yield page
            finally:
                self._stop()
            for each in workers:
                each.result()

    def _next_page(self) -> Page[Item] | None:
        with self._changed:
            while self.parts and not self._stopped:
                head = self.parts[0]
                if head.pages:
                    self._held -= 1
                    self._changed.notify_all()
                    return head.pages.popleft()
                if head.is_done:
                    del self.parts[0]
                    self._changed.notify_all()
                else:
                    self._changed.wait()
        return None

    def _work(self, take: Callable[[Page[Item]], None] | None) -> None:
        while (part := self._claimed()) is not None:
            try:
                begun = time.monotonic()
                page = self._read(part.after)
                seconds = time.monotonic() - begun
                with self._changed:
                    self._quickest = min(self._quickest, seconds)
                    self._reading -= 1
                    self._received(part, page, take)
                    self._changed.notify_all()
            except BaseException:
                self._stop()
                raise

    def _claimed(self) -> Part[Item] | None:
        """Return a part to read a page of, as soon as there is one; None: there is nothing to do any more."""
        with self._changed:
            while True:
                spent = self._most is not None and self.requests >= self._most
                if self._stopped or spent or all(each.is_done for each in self.parts):
                    self._changed.notify_all()
                    return None
                part = next((each for each in self.parts if each.is_open), None) if self._free > 0 else None
                if part is not None and (self._held < _AHEAD or self._is_wanted(part)):
                    part.is_read = True
                    self._reading += 1
                    self.requests += 1
                    return part
                self._waiting += 1
                self._changed.wait()
                self._waiting -= 1

    @property
    def _free(self) -> int:
        """How many requests more may be sent now."""
        is_near = self._quickest <= self._nearby
        return (min(self._at_once, AT_ONCE_NEARBY) if is_near else self._at_once) - self._reading

    def _is_wanted(self, part: Part[Item]) -> bool:
        """Tell whether somebody waits for the very next page of a part."""
        return part is self.parts[0] and not part.pages

    def _received(
        self, part: Part[Item], page: Page[Item], take: Callable[[Page[Item]], None] | None
    ) -> None:
        kept = len(page.keys) if part.last is None else bisect_right(page.keys, part.last)
        part.is_read = False
        part.is_done = not page.more or kept < len(page.keys)
        if kept:
            part.first, part.after, part.count = page.keys[0], page.keys[kept - 1], kept
            own = page if kept == len(page.keys) else Page(page.keys[:kept], page.items[:kept], more=False)
            if take is not None:
                take(own)
            else:
                part.pages.append(own)
                self._held += 1
        if not part.is_done:
            self._split(part, page.keys)
        elif take is not None:
            self.parts.remove(part)

    def _split(self, part: Part[Item], keys: Sequence[str]) -> None:
        """Give what is left of a part to those that wait."""
        allowed = _PARTS_FOR_A_PAGE * self.requests - self._made
        # One of those that may be sent goes on with the part itself.
        number = min(self._waiting, self._free - 1, allowed) if self._held < _AHEAD else 0
        if number <= 0:
            return
        found = pivots(keys, part.last, fixed=self._fixed)
        if self._in_order:
            chosen = found[_STRIDE - 1 :: _STRIDE][:number] or found[-1:]
        else:
            # As many in front of the first as between two.
            places = (round((each + 1) * (len(found) + 1) / (number + 1)) for each in range(number))
            chosen = [found[place - 1] for place in dict.fromkeys(places) if 1 <= place <= len(found)]
        self._cut(part, chosen)

    def _cut(self, part: Part[Item], bounds: Sequence[str]) -> None:
        if not bounds:
            return
        ends = [*bounds[1:], part.last]
        part.last = bounds[0]
        place = self.parts.index(part) + 1
        self.parts[place:place] = [Part(low, high) for low, high in zip(bounds, ends, strict=True)]
        self._made += len(bounds)

    def _stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
