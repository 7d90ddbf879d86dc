"""All keys that an export may ever write, as characters: what each may be, and which are always equal."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from string import digits
from typing import TYPE_CHECKING

from s3_assets.exports.key_template import MAX_KEY_BYTES, Macro, Text
from s3_assets.exports.key_values import ESCAPE, HIDING, KEPT, kept
from s3_assets.exports.macros import (
    NAMED,
    PART,
    PART_DIGITS,
    PARTITION_KEY,
    RUNS,
    TIMES,
    Clock,
    TimeMacro,
    pieces,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from s3_assets.exports.key_template import KeyTemplate
    from s3_assets.exports.key_values import StreamNames

_DIGITS = frozenset(digits)
_HEXADECIMAL = frozenset("0123456789abcdef")
_UUID = "00000000-0000-0000-0000-000000000000"
_OF_STREAM = 24
"""From this character on, the id of a stream's run is that of the stream."""


@dataclass(frozen=True)
class Characters:
    """A set of characters: these, and, if `scripts`, the letters and digits that are not ASCII."""

    these: frozenset[str]
    scripts: bool = False

    @lru_cache(maxsize=4096)  # noqa: B019 - of small values, which are equal again and again
    def common(self, other: Characters) -> Characters:
        """Return those of both."""
        found = {char for char in self.these if char in other}
        found |= {char for char in other.these if char in self}
        return Characters(frozenset(found), self.scripts and other.scripts)

    def __contains__(self, char: str) -> bool:
        return char in self.these or (self.scripts and not char.isascii() and kept(char))


_FREE = Characters(KEPT | {ESCAPE}, scripts=True)
_FREE_FIRST = Characters((KEPT | {ESCAPE}) - HIDING, scripts=True)


@dataclass(frozen=True)
class Place:
    """Who a character belongs to: places that are equal hold one character."""

    owner: str
    field: str = ""
    index: int = 0


@dataclass(frozen=True)
class Symbol:
    """One character of a key; without a place it stands alone."""

    characters: Characters
    place: Place | None = None


@dataclass(frozen=True)
class Shape:
    """Keys of one shape: symbols, and None where a partition key of any length stands."""

    symbols: tuple[Symbol | None, ...]

    @property
    def fixed(self) -> int:
        """How many characters stand in every key."""
        return len(self.symbols) - self.free

    @property
    def free(self) -> int:
        """How often the partition key stands there."""
        return self.symbols.count(None)

    def with_partition_key(self, length: int) -> list[Symbol]:
        """Return the symbols of the keys whose partition key has that many characters."""
        found: list[Symbol] = []
        for symbol in self.symbols:
            if symbol is not None:
                found.append(symbol)
            else:
                found += _partition_key()[:length]
        return found


@dataclass(frozen=True)
class PartitionKeys:
    """Partition keys that are written moments: those of a table whose partitions are declared.

    `text` is strftime's. `utc` tells that partitions begin by UTC, so that one moment has one spelling;
    `repeated` that an hour may come twice, and the second one carries its distance from UTC.
    """

    text: str
    utc: bool = True
    repeated: bool = False


@dataclass(frozen=True)
class KeySpace:
    """All keys of an export: below `folder` (a key that is empty or ends in a slash) by its template.

    `partition_keys` None: any text. `cursor_is_load`: no other time is known to the export.
    """

    folder: str
    template: KeyTemplate
    names: StreamNames
    partition_keys: PartitionKeys | None = None
    cursor_is_load: bool = False

    def shapes(self) -> Iterator[Shape]:
        """Yield the shapes of its keys: one, or one for each spelling of the partition key."""
        for suffix in self._suffixes():
            symbols: list[Symbol | None] = [*_literal(self.folder)]
            for piece in self.template.pieces:
                symbols += _literal(piece.text) if isinstance(piece, Text) else self._macro(piece, suffix)
            yield Shape(tuple(symbols))

    @cached_property
    def start(self) -> str:
        """What all of its keys begin with."""
        found = self.folder
        for piece in self.template.pieces:
            if isinstance(piece, Macro) and piece.name not in NAMED:
                break
            found += piece.text if isinstance(piece, Text) else str(getattr(self.names, piece.name))
        return found

    def may_begin_with(self, start: str) -> bool:
        """Tell whether that is not out of the question from what all of its keys begin with."""
        return start.startswith(self.start) or self.start.startswith(start)

    def _suffixes(self) -> list[list[Symbol]]:
        keys = self.partition_keys
        if keys is None or not keys.repeated or PARTITION_KEY not in self.template.macros:
            return [[]]
        distance = [_digit("distance", "", index) for index in range(4)]
        return [[], [*_literal("-"), *distance], [*_literal(f"{ESCAPE}2B"), *distance]]

    def _macro(self, macro: Macro, suffix: list[Symbol]) -> list[Symbol | None]:
        name = macro.name
        if name in TIMES:
            return [*self._time(TIMES[name])]
        if name == PARTITION_KEY:
            if self.partition_keys is None:
                return [None]
            return [*_moment(Clock.CURSOR, self.partition_keys.text), *suffix]
        if name == PART:
            return [_digit(PART, "", index) for index in range(PART_DIGITS)]
        if name in RUNS:
            return [*self._run_id(name)]
        return [*_literal(str(getattr(self.names, name)))]

    def _time(self, macro: TimeMacro) -> Iterator[Symbol]:
        clock = Clock.LOAD if self.cursor_is_load else macro.clock
        # One moment, and yet other digits: the macros beside it are on the clock of the partitions.
        local = self.partition_keys is not None and not self.partition_keys.utc
        if clock is Clock.CURSOR and macro.utc and local:
            return _moment(f"{clock} in UTC", macro.text)
        return _moment(clock, macro.text)

    def _run_id(self, name: str) -> Iterator[Symbol]:
        end = str(self.names.stream_id)[_OF_STREAM:] if name == "stream_run_id" else ""
        for index, char in enumerate(_UUID[: len(_UUID) - len(end)]):
            hexadecimal = Symbol(Characters(_HEXADECIMAL), Place(name, "", index))
            yield hexadecimal if char == "0" else _literal(char)[0]
        yield from _literal(end)


@cache
def _partition_key() -> list[Symbol]:
    """Return the characters of the longest partition key that is free."""
    return [
        Symbol(_FREE if index else _FREE_FIRST, Place(PARTITION_KEY, "", index))
        for index in range(MAX_KEY_BYTES)
    ]


def _literal(text: str) -> list[Symbol]:
    return [Symbol(Characters(frozenset(char))) for char in text]


def _digit(owner: str, field: str, index: int) -> Symbol:
    return Symbol(Characters(_DIGITS), Place(owner, field, index))


def _moment(clock: str, text: str) -> Iterator[Symbol]:
    for piece in pieces(text):
        if piece.field:
            yield from (_digit(clock, piece.field, index) for index in range(piece.width))
        else:
            yield from _literal(piece.text)
