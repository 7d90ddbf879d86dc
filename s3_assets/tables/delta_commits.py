"""What commits did to the rows, told by their actions (Delta Transaction Log Protocol, "Actions").

Operation names differ between writers; the actions do not: a commit that only adds data files appends, one
that also removes some changes or replaces rows, one whose files carry no data change leaves the rows alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

from s3_assets.errors import ObjectMissingError
from s3_assets.tables.delta_entries import actions_of, entry_read
from s3_assets.threads import ThreadPoolExecutor

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from s3_assets.tables.delta_listing import LogListing

AT_ONCE = 16
"""How many entries are read side by side."""
# Operations that write the changed rows into the change feed; any other that removes data replaces rows.
_CHANGING = frozenset({"DELETE", "UPDATE", "MERGE"})
_ADDING_NONE = frozenset({"DELETE", "UPDATE"})


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

    `removed` are the paths that it took out, for whatever reason. `feed` tells whether the change feed is on
    from here, if the commit says anything of it, and `fed` whether it wrote to the feed itself. `schema`
    are the columns from here, as the log has them, if it says anything of them.
    """

    version: int
    operation: str
    effect: Effect
    added: tuple[AddedFile, ...]
    removed: frozenset[str]
    feed_files: int
    feed_bytes: int
    feed: bool | None = None
    fed: bool = False
    schema: str | None = None

    @property
    def adds_rows(self) -> bool:
        """Whether it may have added rows: what a DELETE or an UPDATE writes was there before."""
        return self.effect is not Effect.NONE and not (
            self.effect is Effect.CHANGE and self.operation in _ADDING_NONE
        )


def read_commits(listing: LogListing, versions: Sequence[int]) -> list[Commit | None]:
    """Return the commits of these versions; None for one whose log entry is gone.

    Raises `DataFileBrokenError` for one that cannot be read.
    """

    def read(version: int) -> Commit | None:
        key = listing.entry(version)
        try:
            body = listing.objects.get(key)
        except ObjectMissingError:
            return None
        with entry_read(version, listing.objects.url(key)):
            return parse_commit(version, actions_of(body))

    if len(versions) == 1:
        return [read(versions[0])]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(read, versions))


def parse_commit(version: int, actions: Iterable[dict[str, Any]]) -> Commit:
    """Judge one commit by its actions."""
    added: list[AddedFile] = []
    taken_out: set[str] = set()
    removed: list[int] = []
    changes: list[int] = []
    operation = ""
    feed: bool | None = None
    schema: str | None = None
    for action in actions:
        if "commitInfo" in action:
            operation = str(action["commitInfo"].get("operation", ""))
        elif "metaData" in action:
            properties = action["metaData"].get("configuration") or {}
            feed = str(properties.get("delta.enableChangeDataFeed", "")).lower() == "true"
            schema = action["metaData"].get("schemaString")
        elif "cdc" in action:
            changes.append(int(action["cdc"].get("size") or 0))
        elif "add" in action and action["add"].get("dataChange", True):
            added.append(AddedFile(unquote(action["add"]["path"]), int(action["add"].get("size") or 0)))
        elif "remove" in action:
            taken_out.add(unquote(action["remove"]["path"]))
            if action["remove"].get("dataChange", True):
                removed.append(int(action["remove"].get("size") or 0))
    sizes = changes or [*[each.size for each in added], *removed]
    effect = _effect(operation, added=bool(added), removed=bool(removed or changes))
    files = tuple(sorted(added))
    return Commit(
        version,
        operation,
        effect,
        files,
        frozenset(taken_out),
        len(sizes),
        sum(sizes),
        feed,
        fed=bool(changes),
        schema=schema,
    )


def _effect(operation: str, *, added: bool, removed: bool) -> Effect:
    if removed:
        return Effect.CHANGE if operation in _CHANGING else Effect.REPLACE
    return Effect.APPEND if added else Effect.NONE
