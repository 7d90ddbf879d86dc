"""Intents: what an attempt writes down before its first upload, so that what a crash leaves is found.

    _s3_assets/exports/<name>/intents/<number>-<lane>.json

An attempt is *dead* when its lane was committed behind the state that it began on: its own commit would meet
that one and fail. Whatever else it may be doing, its uploads are in nobody's way when they are aborted. An
attempt of which nothing of the kind is known may be alive, and is left alone until its uploads are so old
that they are given up.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from s3_assets.errors import ObjectMissingError
from s3_assets.exports.key_template import KeyPattern
from s3_assets.incremental.numbers import moment_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from s3_assets.exports.destination import Destination

FOLDER = "intents/"

_SCHEMA_VERSION = 1
_NAMED = re.compile(r"^(?P<number>\d+)-(?P<lane>[0-9a-f]{12})\.json$")
_DIGITS = 12


class Mark(NamedTuple):
    """What the name of an intent says: the attempt's number, and a digest of its lane."""

    attempt: int
    lane: str

    @property
    def begun(self) -> datetime:
        """When the number was drawn."""
        return moment_of(self.attempt)


@dataclass(frozen=True)
class Intent:
    """One attempt that was begun: its lane, the entry of the log that it began behind, its keys."""

    attempt: int
    lane: str
    pinned: int
    pattern: tuple[str, ...]
    run: str

    @property
    def keys(self) -> KeyPattern:
        """The whole keys that it may have uploads of."""
        return KeyPattern(self.pattern)

    @property
    def mark(self) -> Mark:
        """What its name says."""
        return Mark(self.attempt, lane_digest(self.lane))


def lane_digest(lane: str) -> str:
    """Return how names of intents tell a lane."""
    return sha256(lane.encode()).hexdigest()[:_DIGITS]


class Intents:
    """The intents of one export."""

    def __init__(self, destination: Destination) -> None:
        self._objects = destination.objects
        self._folder = f"{destination.folder}{FOLDER}"

    def begin(self, intent: Intent) -> bool:
        """Write an intent down; tell whether its number was free."""
        body = json.dumps({"schema_version": _SCHEMA_VERSION, **asdict(intent)}, indent=1).encode()
        return self._objects.put_if_absent(self._key(intent.mark), body)

    def marks(self) -> list[Mark]:
        """Return the marks of the attempts that have not ended, oldest first: one listing."""
        names = (item.key.removeprefix(self._folder) for item in self._objects.list_objects(self._folder))
        found = (match for name in names if (match := _NAMED.match(name)))
        return sorted(Mark(int(match["number"]), match["lane"]) for match in found)

    def read(self, marks: Iterable[Mark]) -> list[Intent]:
        """Return these intents but for those that have ended, or are of a later release."""
        return [found for mark in marks if (found := self._read(mark)) is not None]

    def end(self, marks: Iterable[Mark]) -> None:
        """Delete the intents of attempts that have no upload left."""
        self._objects.delete([self._key(mark) for mark in marks])

    def _read(self, mark: Mark) -> Intent | None:
        try:
            found = json.loads(self._objects.get(self._key(mark)))
            if found.pop("schema_version") != _SCHEMA_VERSION:
                return None
            return Intent(pattern=tuple(found.pop("pattern")), **found)
        except (ObjectMissingError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return None

    def _key(self, mark: Mark) -> str:
        return f"{self._folder}{mark.attempt}-{mark.lane}.json"
