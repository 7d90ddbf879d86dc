"""What past writes into a folder of files did, as its own log tells; who wrote past the log is not in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from s3_assets.tables.folder_log import FOLDER, Entry, FolderLog
from s3_assets.tables.history import ATTEMPT, PastCommit
from s3_assets.tables.table import TableVersion
from s3_assets.threads import ThreadPoolExecutor

if TYPE_CHECKING:
    from datetime import datetime

    from s3_assets.location import Location
    from s3_assets.objects import Objects

_AT_ONCE = 16
_ENTRY = re.compile(r"commit-(?P<number>\d{20})\.json$")


def history(objects: Objects, table: Location, limit: int) -> list[PastCommit]:
    """Return the newest writes, newest first: one listing, and one request each."""
    log = FolderLog(objects, table)
    written = {
        int(match["number"]): item.modified
        for item in objects.list_objects(f"{table.key}{FOLDER}")
        if (match := _ENTRY.search(item.key))
    }
    newest = sorted(written, reverse=True)[:limit]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        read = zip(newest, pool.map(log.entry, newest), strict=True)
        found = [(number, entry) for number, entry in read if entry is not None]
    # What lies below the oldest number that counts is what is left of a log that was cut.
    oldest = found[0][1].oldest if found else 0
    return [_told(number, entry, written[number]) for number, entry in found if number >= oldest]


def _told(number: int, entry: Entry, written: datetime) -> PastCommit:
    return PastCommit(
        TableVersion(str(number), number),
        written,
        entry.mode,
        rows=sum(move.rows for move in entry.moves),
        files=len(entry.moves),
        bytes=sum(move.bytes for move in entry.moves),
        removed_files=len(entry.removals),
        notes={**entry.notes, ATTEMPT: str(entry.attempt)},
        # An entry repeats what others stamped before it.
        streams={stream: stamp for stream, stamp in entry.stamps.items() if stamp == entry.attempt},
    )
