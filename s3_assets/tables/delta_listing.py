"""Which versions a Delta log holds, told by the names of its entries (Delta Protocol, "Delta Log Entries").

Names sort as versions do, and versions have no holes but where the oldest entries were cleaned up: so that a
listing can begin anywhere, and whether there is anything behind a version is one request.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from s3_assets.errors import ObjectMissingError
from s3_assets.objects import Objects

if TYPE_CHECKING:
    from collections.abc import Iterator

    from s3_assets.tables.delta import DeltaTable

LOG = "_delta_log/"
_BEGINNING = 64 * 1024
_ENTRY = re.compile(r"(?P<version>\d{20})\.json")


@dataclass(frozen=True)
class LogListing:
    """The names in one table's log folder."""

    objects: Objects
    folder: str
    """The log's key, with its slash."""
    page: int = 1000
    """How many versions are looked at in one place when the newest is searched: what a request lists."""

    @classmethod
    def of(cls, table: DeltaTable) -> LogListing:
        """Return the listing of a table's log."""
        return cls(Objects(table.connection), f"{table.location.key}{LOG}")

    def entry(self, version: int) -> str:
        """Return the key of a version's entry."""
        return f"{self.folder}{version:020d}.json"

    def versions(self, first: int) -> Iterator[int]:
        """Yield the versions from `first` on whose entries are kept, a request for a thousand names."""
        after = self.entry(first - 1) if first > 0 else self.folder
        for each in self.objects.list_objects(self.folder, start_after=after):
            name = each.key.removeprefix(self.folder)
            if not name[:1].isdigit():
                # Sidecars of checkpoints and commits that are not done yet sort behind all entries.
                return
            if found := _ENTRY.fullmatch(name):
                yield int(found["version"])

    def identity(self) -> str | None:
        """Return the id that the table was made with, if its first entry is kept and begins with it."""
        try:
            for beginning in self.objects.stream(self.entry(0), _BEGINNING):
                for line in beginning.splitlines():
                    if b'"metaData"' in line:
                        return str(json.loads(line)["metaData"]["id"])
                return None
        except (ObjectMissingError, KeyError, TypeError, ValueError):
            return None
        return None

    def ends_with(self, version: int) -> bool:
        """Tell whether the entry of that version is there, and none behind it: by one page of names."""
        return list(islice(self.versions(version), 2)) == [version]

    def newest(self) -> int | None:
        """Return the newest version, or None if no entry is kept behind the last checkpoint.

        The listing begins at the last checkpoint. Where a table has none, or an old one, what follows is not
        listed through: a thousand names here and there tell where the log ends.
        """
        found, complete = self._some(self._checkpointed())
        if found is None or complete:
            return found
        step, end = self.page, None
        while end is None:
            farther, complete = self._some(found + step)
            if farther is None:
                end = found + step
            elif complete:
                return farther
            else:
                found, step = farther, 2 * step
        while found + 1 < end:
            # The log ends behind `found` and before `end`.
            middle = found + 1 if end - found <= self.page else (found + end) // 2
            farther, complete = self._some(middle)
            if farther is None:
                end = middle
            elif complete:
                return farther
            else:
                found = farther
        return found

    def _some(self, first: int) -> tuple[int | None, bool]:
        """Look at a thousand versions from `first` on: return the last, and whether it is the newest."""
        some = list(islice(self.versions(first), self.page))
        return some[-1] if some else None, len(some) < self.page

    def _checkpointed(self) -> int:
        try:
            told = json.loads(self.objects.get(f"{self.folder}_last_checkpoint"))
            return max(int(told["version"]), 0)
        except (ObjectMissingError, KeyError, TypeError, ValueError):
            return 0
