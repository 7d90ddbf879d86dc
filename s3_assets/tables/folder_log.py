"""The log of the writes into a folder: numbered entries beside the data, and which of them are carried out.

    <table>/_s3_assets/log/commit-<number>.json   one write; created if absent, and that is its commit
    <table>/_s3_assets/log/commit-<number>.done   its files have the names that readers see

Whoever opens the log carries out its newest entry before adding another: at most that one is not yet carried
out. The number is the conflict check. The newest entry alone answers what every stream has committed, and
from which number on entries count: those before were taken away, and what a stalled process puts there is no
commit.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from s3_assets.errors import CommitConflictError, CursorError, ObjectMissingError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from s3_assets.location import Location
    from s3_assets.objects import Objects

FOLDER = "_s3_assets/log/"
STAGING = "_s3_assets/staging/"
"""The folder below which parts wait for their commit."""
KEPT = 100
"""So many entries are kept at least; at twice as many the older ones are taken away."""

_SCHEMA_VERSION = 1
_NAMED = re.compile(r"commit-(?P<number>\d{20})\.(?P<kind>json|done)$")
_LOOKS = 5


@dataclass(frozen=True)
class Move:
    """A part, by its path below the staging folder, and the file below the table that it becomes."""

    part: str
    file: str
    rows: int
    bytes: int


@dataclass(frozen=True)
class Entry:
    """One write: the parts that it takes in, the files that it takes out, and how far streams have come."""

    mode: str
    attempt: int
    oldest: int
    """The lowest number that counts, as of this entry."""
    staging: str
    """The folder of the parts, below the table."""
    moves: tuple[Move, ...]
    removals: tuple[str, ...]
    """Files below the table."""
    stamps: Mapping[str, int]
    """The number of every stream's newest commit up to this one."""
    notes: Mapping[str, str]

    def write(self) -> bytes:
        """Return the entry as JSON."""
        return json.dumps({"schema_version": _SCHEMA_VERSION, **asdict(self)}, indent=1).encode()

    @classmethod
    def read(cls, body: bytes) -> Entry:
        """Read what `write` wrote; raises `ValueError` for anything else."""
        try:
            found = json.loads(body)
            version = found.pop("schema_version")
            if version != _SCHEMA_VERSION:
                raise ValueError(f"it is of version {version}, this release reads {_SCHEMA_VERSION}")
            moves = tuple(Move(**each) for each in found.pop("moves"))
            return cls(moves=moves, removals=tuple(found.pop("removals")), **found)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"it lacks or has too much of something: {error}") from error


@dataclass(frozen=True)
class Head:
    """The newest state of a log; number 0 without an entry is that of a folder that was never written."""

    number: int = 0
    entry: Entry | None = None
    done: bool = True
    surplus: tuple[str, ...] = field(default=())
    """Keys of what counts no more."""

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
    done: set[int]
    keys: list[tuple[int, str]]


class FolderLog:
    """The log of one table."""

    def __init__(self, objects: Objects, table: Location) -> None:
        self.objects = objects
        self.table = table
        self._folder = f"{table.key}{FOLDER}"

    def head(self) -> Head:
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
                return Head(newest, entry, newest in listed.done, surplus)
        raise CommitConflictError(
            "the log of the folder moves on faster than it is read",
            remedy="Run it again.",
            location=f"s3://{self.table.bucket}/{self._folder}",
        )

    def entry(self, number: int) -> Entry | None:
        """Return an entry, None if there is none; raises `CursorError` for one that cannot be read."""
        key = self._key(number, "json")
        try:
            return Entry.read(self.objects.get(key))
        except ObjectMissingError:
            return None
        except ValueError as error:
            raise CursorError(
                f"the log of the folder cannot be read: {error}",
                remedy="Restore the entry from a backup or an older object version.",
                location=self.objects.url(key),
            ) from error

    def commit(self, number: int, entry: Entry) -> None:
        """Add an entry; raises `CommitConflictError` if it is not the first of its number.

        A process that stalled while many others wrote may find its number free again. It looks behind itself:
        where the newest entry says that the number counts no more, nobody will ever take it for a commit.
        """
        key = self._key(number, "json")
        if not self.objects.put_if_absent(key, entry.write()):
            raise self._conflict(number)
        if self._list(start_after=key).entries and self.head().oldest > number:
            self.objects.delete([key])
            raise self._conflict(number)

    def finish(self, number: int) -> None:
        """Say that an entry is carried out."""
        self.objects.put(self._key(number, "done"), b"done\n")

    def finished(self, number: int) -> bool:
        """Tell whether an entry is carried out, or others came behind it, which says the same."""
        listed = self._list(start_after=self._key(number - 1, "json"))
        return number in listed.done or max(listed.entries, default=0) > number

    def _conflict(self, number: int) -> CommitConflictError:
        return CommitConflictError(
            f"another write came first: the log of the folder has its entry {number}",
            remedy="Run it again.",
            location=self.table.url,
        )

    def _list(self, start_after: str | None = None) -> _Listed:
        listed = _Listed([], set(), [])
        for item in self.objects.list_objects(self._folder, start_after=start_after):
            if match := _NAMED.search(item.key):
                number = int(match["number"])
                listed.keys.append((number, item.key))
                if match["kind"] == "json":
                    listed.entries.append(number)
                else:
                    listed.done.add(number)
        return listed

    def _key(self, number: int, kind: str) -> str:
        return f"{self._folder}commit-{number:020d}.{kind}"
