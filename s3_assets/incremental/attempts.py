"""Attempts to overwrite: a mark for each that is under way, so that what a crash leaves behind is found.

    <table>/_s3_assets/s3_assets%2Foverwrite/<number>.json  written before the parts, deleted after the commit

Overwrites of different windows run side by side and none of them owns the table, so that a low number alone
does not make an attempt a dead one. The rule that all keep: an attempt never commits behind an overlapping
attempt with a higher number (`overtaken`); therefore that one, once it is committed, may delete the parts of
those attempts below it whose marks it saw before its own commit.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from s3_assets.errors import CursorError, ObjectMissingError
from s3_assets.incremental.cursor import FOLDER, NumberTakenError
from s3_assets.objects import Objects

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from s3_assets.tables.partitioning import Bound
    from s3_assets.tables.regions import Condition, Region
    from s3_assets.tables.table import Table, Writer

OVERWRITE_STREAM = "s3_assets/overwrite"
NOTE = "overwrites"
_MARK = re.compile(r"^(?P<number>\d+)\.json$")


@dataclass(frozen=True)
class Span:
    """What an overwrite replaces: a range of the partition column, keys of other columns; else all rows."""

    column: str | None = None
    low: str | int | None = None
    high: str | int | None = None
    keys: Mapping[str, Sequence[str | int]] = field(default_factory=dict)

    @classmethod
    def of(cls, region: Region | None) -> Span:
        """Return the span of a region: from its first range to its last."""
        if region is None:
            return cls()
        ranged = next((each for each in region.conditions if each.ranges), None)
        keys = {each.column: _keys(each) for each in region.conditions if each.values}
        if ranged is None:
            return cls(keys=keys)
        low, high = (_plain(bound) for bound in (ranged.ranges[0].low, ranged.ranges[-1].high))
        return cls(ranged.column, low, high, keys)

    @classmethod
    def read(cls, text: str) -> Span:
        """Read what `write` wrote; what cannot be read is taken for the whole table."""
        try:
            return cls(**json.loads(text))
        except (ValueError, TypeError, RecursionError):
            return cls()

    def write(self) -> str:
        """Write the span for a mark or a commit's notes."""
        told = {"column": self.column, "low": self.low, "high": self.high}
        return json.dumps({**told, "keys": self.keys} if self.keys else told)

    def overlaps(self, other: Span) -> bool:
        """Tell whether the spans have a partition in common; in doubt they do."""
        shared = self.keys.keys() & other.keys.keys()
        if any(not set(self.keys[each]) & set(other.keys[each]) for each in shared):
            return False
        if self.column is None or self.column != other.column:
            return True
        if isinstance(self.low, int) and isinstance(self.high, int):
            if isinstance(other.low, int) and isinstance(other.high, int):
                return self.low < other.high and other.low < self.high
            return True
        if isinstance(other.low, int) or isinstance(other.high, int):
            return True
        return str(self.low) < str(other.high) and str(other.low) < str(self.high)


def _keys(condition: Condition) -> list[str | int]:
    return [_plain(value) for value in condition.values]


def _plain(value: Bound) -> str | int:
    return value if isinstance(value, str | int) else value.isoformat()


@dataclass(frozen=True)
class Attempt:
    """An overwrite that was begun: its number, what it replaces, the version that it was begun on."""

    number: int
    span: Span
    pinned: int


def overtaken(number: int, span: Span, commits: Iterable[Mapping[str, str]] | None) -> bool:
    """Tell whether a commit among these (None: not known) overwrote part of the span with a higher number."""
    return commits is None or any(
        NOTE in commit and int(commit.get("attempt", 0)) > number and span.overlaps(Span.read(commit[NOTE]))
        for commit in commits
    )


class Attempts:
    """The marks of overwrites beside one table."""

    def __init__(self, table: Table[Any]) -> None:
        self._objects = Objects(table.files_connection)
        self._folder = f"{table.location.key}{FOLDER}/{quote(OVERWRITE_STREAM, safe='')}/"

    def begin(self, own: Attempt) -> list[Attempt]:
        """Mark an attempt and return the overlapping ones below it; raises `NumberTakenError`."""
        mark = {"pinned": own.pinned, "span": own.span.write()}
        if not self._objects.put_if_absent(self._key(own.number), json.dumps(mark).encode()):
            raise NumberTakenError
        names = (item.key.removeprefix(self._folder) for item in self._objects.list_objects(self._folder))
        listed = [_MARK.match(name) for name in names]
        below = [int(found["number"]) for found in listed if found and int(found["number"]) < own.number]
        return [other for other in map(self._read, sorted(below)) if other and other.span.overlaps(own.span)]

    def end(self, numbers: Iterable[int]) -> None:
        """Delete the marks of attempts of which no uncommitted part is left."""
        self._objects.delete([self._key(number) for number in numbers])

    def _read(self, number: int) -> Attempt | None:
        try:
            body = self._objects.get(self._key(number))
        except ObjectMissingError:
            # It has ended since it was listed.
            return None
        try:
            mark = json.loads(body)
            return Attempt(number, Span.read(str(mark.get("span"))), int(mark["pinned"]))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise CursorError(
                f"the mark of an overwrite that is under way cannot be read: {error!r}",
                remedy="Delete it if no run is under way.",
                location=self._objects.url(self._key(number)),
            ) from error

    def _key(self, number: int) -> str:
        return f"{self._folder}{number}.json"


def uncommitted(rivals: Iterable[Attempt], writer: Writer) -> tuple[list[int], list[int]]:
    """Return the numbers of those that had not committed by the writer's state, and of those settled.

    An attempt of whose time the log is gone is settled, but nothing is said of its parts: they are left to a
    vacuum of the table.
    """
    dead, settled = [], []
    for rival in rivals:
        commits = writer.commits_since(rival.pinned)
        settled.append(rival.number)
        if commits is not None and all(each.get("attempt") != str(rival.number) for each in commits):
            dead.append(rival.number)
    return dead, settled
