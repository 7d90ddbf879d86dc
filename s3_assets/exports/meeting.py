"""Whether two exports can ever write one key: decided, with a key that both would write.

Every character of a key is a digit of a moment, of an id, of a part number, a character of a partition key,
or always the same. Two shapes of keys meet if their characters can be equal, one by one, and the moments that
this makes are in the calendar. Where partition keys have any length, every length is tried that matters.
"""

from __future__ import annotations

from calendar import monthrange
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import product
from string import ascii_lowercase, digits
from typing import TYPE_CHECKING

from s3_assets.exports.key_space import Characters, KeySpace, Place, Shape, Symbol
from s3_assets.exports.key_template import MAX_KEY_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_RANGES = {"m": range(1, 13), "d": range(1, 32), "H": range(24), "M": range(60), "S": range(60)}
_YEARS = ["2025", "2024", *(f"{year:04}" for year in range(1, 10_000))]
# Months before days before years, so that the 30th of February fails before a year is looked for.
_ORDER = "mdHMSY"
_LEAP_YEAR = 2024
_NICE = ascii_lowercase + digits

Node = tuple[str, Place]
"""A place of one of the two sides."""


def common_key(one: KeySpace, other: KeySpace) -> str | None:
    """Return a key, of the bucket, that both exports may write; None if there is none."""
    # Most are told apart by their first letters.
    if not one.may_begin_with(other.start):
        return None
    for left, right in product(one.shapes(), other.shapes()):
        for symbols in _lengths(left, right):
            if (key := _Equation().solve(*symbols)) is not None:
                return key
    return None


def key_inside(space: KeySpace, folder: str) -> str | None:
    """Return a key of the export that begins with `folder`, which is empty or ends in a slash; or None."""
    if not space.may_begin_with(folder):
        return None
    start = [Symbol(Characters(frozenset(char))) for char in folder]
    for shape in space.shapes():
        # A longer partition key would fill the folder's name, as the one before does.
        for length in range(1, len(folder) + 3) if shape.free else (0,):
            symbols = shape.with_partition_key(length)
            if len(symbols) > len(start):
                rest = [Symbol(symbol.characters) for symbol in symbols[len(start) :]]
                key = _Equation().solve(symbols, start + rest)
                if key is not None:
                    return key
    return None


def _lengths(left: Shape, right: Shape) -> Iterator[tuple[list[Symbol], list[Symbol]]]:
    """Yield both sides with partition keys of lengths that make them equally long.

    Characters of the two partition keys that meet no others can be left out of both: with one partition key
    on each side, longer ones than all other characters tell nothing new. Twice as long ones are tried, since
    keys that stand there twice may be told by both sides.
    """
    most = min(MAX_KEY_BYTES, 2 * (left.fixed + right.fixed) + 4)
    for length in range(1, most + 1) if left.free else (0,):
        rest = left.fixed + left.free * length - right.fixed
        if right.free:
            other, odd = divmod(rest, right.free)
            if other < 1 or odd:
                continue
        elif rest:
            continue
        else:
            other = 0
        yield left.with_partition_key(length), right.with_partition_key(other)


@dataclass
class _Equation:
    """Places that hold one character, and what it may be."""

    parents: dict[Node, Node] = field(default_factory=dict)
    characters: dict[Node, Characters] = field(default_factory=dict)

    def solve(self, left: Sequence[Symbol], right: Sequence[Symbol]) -> str | None:
        """Return a key of both sides, which are equally long."""
        pairs = list(zip(left, right, strict=True))
        # Most differ in what is always the same.
        if any(not _possible(one.characters.common(other.characters)) for one, other in pairs):
            return None
        ends: list[Node] = []
        for index, (one, other) in enumerate(pairs):
            first = self._node("left", one, index)
            second = self._node("right", other, index)
            if not self._join(first, second):
                return None
            ends.append(first)
        chosen = self._moments()
        if chosen is None:
            return None
        return "".join(chosen.get(root := self._root(end)) or _nicest(self.characters[root]) for end in ends)

    def _node(self, side: str, symbol: Symbol, index: int) -> Node:
        node = side, symbol.place or Place("", "", index)
        if node not in self.parents:
            self.parents[node] = node
            self.characters[node] = symbol.characters
        return node

    def _root(self, node: Node) -> Node:
        while (parent := self.parents[node]) != node:
            # Halves the way for whoever comes after.
            node = self.parents[node] = self.parents[parent]
        return node

    def _join(self, one: Node, other: Node) -> bool:
        first, second = self._root(one), self._root(other)
        found = self.characters[first].common(self.characters[second])
        self.parents[second] = first
        self.characters[first] = found
        return _possible(found)

    def _moments(self) -> dict[Node, str] | None:
        """Return digits that make real moments, None if there are none."""
        fields: dict[tuple[str, str, str], list[Node]] = defaultdict(list)
        for side, place in sorted(self.parents, key=lambda node: node[1].index):
            if place.field:
                fields[side, place.owner, place.field].append(self._root((side, place)))
        waiting = sorted(fields.items(), key=lambda item: _ORDER.index(item[0][2]))
        return self._assign(waiting, {}, {})

    def _assign(
        self,
        waiting: Sequence[tuple[tuple[str, str, str], list[Node]]],
        chosen: dict[Node, str],
        known: dict[tuple[str, str, str], int],
    ) -> dict[Node, str] | None:
        if not waiting:
            return chosen
        (side, clock, name), roots = waiting[0]
        for value in _YEARS if name == "Y" else [f"{number:02}" for number in _RANGES[name]]:
            taken = dict(chosen)
            fits = all(
                taken.setdefault(root, digit) == digit and digit in self.characters[root]
                for root, digit in zip(roots, value, strict=True)
            )
            now = {**known, (side, clock, name): int(value)}
            if fits and _in_calendar(*(now.get((side, clock, each)) for each in "Ymd")):
                found = self._assign(waiting[1:], taken, now)
                if found is not None:
                    return found
        return None


def _in_calendar(year: int | None, month: int | None, day: int | None) -> bool:
    return month is None or day is None or day <= monthrange(year or _LEAP_YEAR, month)[1]


def _possible(characters: Characters) -> bool:
    return bool(characters.these) or characters.scripts


def _nicest(characters: Characters) -> str:
    return next((char for char in _NICE if char in characters.these), min(characters.these))
