"""What commits did to the rows, told by their actions (Delta Transaction Log Protocol, "Actions").

Operation names differ between writers; the actions do not: a commit that only adds data files appends, one
that also removes some changes or replaces rows, one whose files carry no data change leaves the rows alone.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

from s3_assets.errors import ObjectMissingError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from s3_assets.objects import Objects

_AT_ONCE = 16
# Operations that write the changed rows into the change feed; any other that removes data replaces rows.
_CHANGING = frozenset({"DELETE", "UPDATE", "MERGE"})


class Effect(Enum):
    """What became of the rows."""

    NONE = auto()
    APPEND = auto()
    CHANGE = auto()
    REPLACE = auto()


class AddedFile(NamedTuple):
    """A data file that a commit added: path below the table as the server has it, size in bytes."""

    path: str
    size: int


@dataclass(frozen=True)
class Commit:
    """One version: what it did, the files it added, and the files and bytes that its change feed reads.

    `feed` tells whether the change feed is on from here, if the commit says anything of it.
    """

    version: int
    operation: str
    effect: Effect
    added: tuple[AddedFile, ...]
    feed_files: int
    feed_bytes: int
    feed: bool | None = None


def read_commits(objects: Objects, log: str, after: int, until: int) -> list[Commit]:
    """Return the commits in `(after, until]`, oldest first; those whose log entry is gone are missing."""

    def read(version: int) -> Commit | None:
        try:
            text = objects.get(f"{log}{version:020d}.json").decode()
        except ObjectMissingError:
            return None
        return parse_commit(version, (json.loads(line) for line in text.splitlines() if line.strip()))

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return [found for found in pool.map(read, range(after + 1, until + 1)) if found is not None]


def parse_commit(version: int, actions: Iterable[dict[str, Any]]) -> Commit:
    """Judge one commit by its actions."""
    added: list[AddedFile] = []
    removed: list[int] = []
    changes: list[int] = []
    operation = ""
    feed: bool | None = None
    for action in actions:
        if "commitInfo" in action:
            operation = str(action["commitInfo"].get("operation", ""))
        elif "metaData" in action:
            properties = action["metaData"].get("configuration") or {}
            feed = str(properties.get("delta.enableChangeDataFeed", "")).lower() == "true"
        elif "cdc" in action:
            changes.append(int(action["cdc"].get("size") or 0))
        elif "add" in action and action["add"].get("dataChange", True):
            added.append(AddedFile(unquote(action["add"]["path"]), int(action["add"].get("size") or 0)))
        elif "remove" in action and action["remove"].get("dataChange", True):
            removed.append(int(action["remove"].get("size") or 0))
    sizes = changes or [*[each.size for each in added], *removed]
    effect = _effect(operation, added=bool(added), removed=bool(removed or changes))
    return Commit(version, operation, effect, tuple(added), len(sizes), sum(sizes), feed)


def _effect(operation: str, *, added: bool, removed: bool) -> Effect:
    if removed:
        return Effect.CHANGE if operation in _CHANGING else Effect.REPLACE
    return Effect.APPEND if added else Effect.NONE
