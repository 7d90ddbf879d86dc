"""A log of numbered entries in a folder: an entry is there or not, and the first of its number wins.

    <folder>/commit-<number>.json   one commit; created if absent, and that is the commit
    <folder>/commit-<number>.done   it is carried out
    <folder>/commit-<number>.void   it could not be, and nothing is left of it

Whoever opens the log carries out its newest entry before adding another: at most that one is not yet ended.
The number is the conflict check. The newest entry alone answers what every stream has committed, and from
which number on entries count: those before were taken away, and what a stalled process puts there is no
commit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Generic, NamedTuple, Protocol, TypeVar

from s3_assets.errors import CommitConflictError, CursorError, ObjectMissingError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from s3_assets.objects import Objects

KEPT = 100
"""So many entries are kept at least; at twice as many the older ones are taken away."""

_NAMED = re.compile(r"commit-(?P<number>\d{20})\.(?P<kind>json|done|void)$")
_ENTRY = "json"
_LOOKS = 5


class LogEntry(Protocol):
    """What a log holds."""

    @property
    def oldest(self) -> int:
        """The lowest number that counts, as of this entry."""

    @property
    def stamps(self) -> Mapping[str, int]:
        """The number of every stream's newest commit up to this one."""

    def write(self) -> bytes:
        """Return the entry as JSON."""


E = TypeVar("E", bound=LogEntry)


def require_numbers(entry: LogEntry) -> None:
    """Raise `TypeError` for an entry whose numbers are none."""
    for number in (entry.oldest, *entry.stamps.values()):
        if not isinstance(number, int):
            raise TypeError(f"{number!r} is no number")


class Ending(StrEnum):
    """What became of an entry."""

    DONE = "done"
    VOID = "void"


@dataclass(frozen=True)
class Head(Generic[E]):
    """The newest state of a log; number 0 without an entry is that of a log that was never written."""

    number: int = 0
    entry: E | None = None
    ending: Ending | None = Ending.DONE
    surplus: tuple[str, ...] = field(default=())
    """Keys of what counts no more."""

    @property
    def done(self) -> bool:
        """Whether nothing is left to be done for the newest entry."""
        return self.ending is not None

    @property
    def oldest(self) -> int:
        """The lowest number that counts."""
        return self.entry.oldest if self.entry else 1

    def committed(self, stream: str) -> int | None:
        """Return the number of the stream's last commit."""
        return self.entry.stamps.get(stream) if self.entry else None

    def oldest_of_next(self) -> int:
        """Return the lowest number that counts once another entry is there."""
        following = self.number + 1
        return following - KEPT if following - self.oldest >= 2 * KEPT else self.oldest


class _Listed(NamedTuple):
    entries: list[int]
    endings: dict[int, Ending]
    keys: list[tuple[int, str]]


class NumberedLog(Generic[E]):
    """A log of one kind of entries: `title` is what messages call it, `place` where they say it is."""

    def __init__(
        self, objects: Objects, folder: str, read: Callable[[bytes], E], *, title: str, place: str
    ) -> None:
        self.objects = objects
        self._folder = folder
        self._read = read
        self._title = title
        self._place = place

    def head(self) -> Head[E]:
        """Return the newest state: one listing, and one read if there is an entry."""
        for _ in range(_LOOKS):
            listed = self._list()
            if not listed.entries:
                return Head()
            newest = max(listed.entries)
            entry = self.entry(newest)
            # Otherwise many more came since it was listed.
            if entry is not None:
                surplus = tuple(key for number, key in listed.keys if number < entry.oldest)
                return Head(newest, entry, listed.endings.get(newest), surplus)
        raise CommitConflictError(
            f"{self._title} moves on faster than it is read",
            remedy="Run it again.",
            location=self.objects.url(self._folder),
        )

    def entry(self, number: int) -> E | None:
        """Return an entry, None if there is none; raises `CursorError` for one that cannot be read."""
        key = self._key(number, _ENTRY)
        try:
            return self._read(self.objects.get(key))
        except ObjectMissingError:
            return None
        except ValueError as error:
            raise CursorError(
                f"{self._title} cannot be read: {error}",
                remedy="Restore the entry from a backup or an older object version.",
                location=self.objects.url(key),
            ) from error

    def commit(self, number: int, entry: E) -> None:
        """Add an entry; raises `CommitConflictError` if it is not the first of its number.

        A process that stalled while many others wrote may find its number free again. It looks behind itself:
        where the newest entry says that the number counts no more, nobody will ever take it for a commit.
        """
        key = self._key(number, _ENTRY)
        if not self.objects.put_if_absent(key, entry.write()):
            raise self._conflict(number)
        if self._list(start_after=key).entries and self.head().oldest > number:
            self.objects.delete([key])
            raise self._conflict(number)

    def finish(self, number: int, ending: Ending = Ending.DONE) -> None:
        """Say that an entry is carried out, or void."""
        self.objects.put(self._key(number, ending), f"{ending}\n".encode())

    def finished(self, number: int) -> bool:
        """Tell whether an entry has ended, or others came behind it, which says the same."""
        listed = self._list(start_after=self._key(number - 1, _ENTRY))
        return number in listed.endings or max(listed.entries, default=0) > number

    def _conflict(self, number: int) -> CommitConflictError:
        return CommitConflictError(
            f"another write came first: {self._title} has its entry {number}",
            remedy="Run it again.",
            location=self._place,
        )

    def _list(self, start_after: str | None = None) -> _Listed:
        listed = _Listed([], {}, [])
        for item in self.objects.list_objects(self._folder, start_after=start_after):
            if match := _NAMED.search(item.key):
                number = int(match["number"])
                listed.keys.append((number, item.key))
                if match["kind"] == _ENTRY:
                    listed.entries.append(number)
                else:
                    # What was carried out is, whatever a slower process made of it.
                    ending = Ending(match["kind"])
                    listed.endings[number] = min(ending, listed.endings.get(number, ending))
        return listed

    def _key(self, number: int, kind: str) -> str:
        return f"{self._folder}commit-{number:020d}.{kind}"
