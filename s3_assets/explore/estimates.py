"""How much a listing will find, told from its beginning: by how fast the numbers in keys grow.

Keys that differ in numbers alone, such as `sales/date=2026-01-05/part-00017.parquet`, are of one shape, and
their numbers are the digits of one large number, each as large as it was seen. What is left of a part of the
keys goes on as thick as its last page, up to the part's end or to the end of what is of that shape.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from s3_assets.explore.parallel_listing import Part

_PAGE = 1000
# UUIDs, hashes, and all else that is counted.
_NUMBER = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{12,}|\d+)")
_DIGIT = re.compile("[0-9a-f]")

Shape = tuple[str, ...]
"""What stands between a key's numbers."""


@dataclass(frozen=True)
class Estimate:
    """About how many objects and bytes there are, and the requests and seconds that counting them takes."""

    objects: int
    bytes: int
    requests: int
    seconds: float


class Shapes:
    """The shapes of the keys that were seen, and between which values each of their numbers lies."""

    def __init__(self) -> None:
        self._seen: dict[Shape, list[tuple[int, int]]] = {}

    def add(self, keys: Iterable[str]) -> None:
        """Take note of keys."""
        for key in keys:
            shape, numbers = _taken_apart(key)
            spans = [_span(each) for each in numbers]
            known = self._seen.get(shape, spans)
            self._seen[shape] = [
                (min(low, first), max(high, last))
                for (low, high), (first, last) in zip(known, spans, strict=True)
            ]

    def left(self, first: str, after: str, last: str | None, count: int) -> float:
        """Return about how many keys there are behind `after`, up to `last`.

        `count` keys lie between `first` and `after`.
        """
        place, end = self._place(after), self._end(after, last)
        begin = self._place(first) if _taken_apart(first)[0] == _taken_apart(after)[0] else 0.0
        return count * max(end - place, 0.0) / (place - begin) if place > begin else 0.0

    def _end(self, after: str, last: str | None) -> float:
        if last is None:
            return 1.0
        # Where a part is cut, a key is cut: its rest is the smallest that it can be.
        smallest = _NUMBER.sub(lambda found: _DIGIT.sub("0", found[0]), after)
        whole = last + smallest[len(last) :]
        return self._place(whole) if _taken_apart(whole)[0] == _taken_apart(after)[0] else 1.0

    def _place(self, key: str) -> float:
        """Return where a key lies among all of its shape, from 0 to 1."""
        shape, numbers = _taken_apart(key)
        found, weight = 0.0, 1.0
        for (low, high), each in zip(self._seen.get(shape, ()), map(_value, numbers), strict=False):
            weight /= high - low + 1
            found += weight * min(max(each - low, 0), high - low + 1)
        return min(found, 1.0)


def _taken_apart(key: str) -> tuple[Shape, list[str]]:
    pieces = _NUMBER.split(key)
    return tuple(pieces[::2]), pieces[1::2]


def _value(number: str) -> int:
    return int(number) if number.isdigit() else int(number.replace("-", ""), 16)


def _span(number: str) -> tuple[int, int]:
    """Return which numbers are to be expected: all that are as long, of those that follow no order."""
    if number.isdigit():
        return int(number), int(number)
    return 0, 16 ** len(number.replace("-", "")) - 1


def estimate(
    parts: Sequence[Part[int]],
    shapes: Shapes,
    *,
    objects: int,
    bytes_: int,
    requests: int,
    seconds: float,
) -> Estimate:
    """Return what the whole will be, from what was counted, by so many requests, in so many seconds."""
    read = [index for index, each in enumerate(parts) if each.first is not None]
    left = 0.0
    for index, following in pairwise([*read, len(parts)]):
        part = parts[index]
        # What nobody has looked into yet goes on as what is before it.
        left += shapes.left(part.first or "", part.after or "", parts[following - 1].last, part.count)
    further = left / _PAGE + len(parts)
    return Estimate(
        round(objects + left),
        round(bytes_ * (1 + left / objects)) if objects else bytes_,
        round(requests + further),
        seconds * (1 + further / requests),
    )
