"""What a commit says of the run that made it: the notes from which `s3-assets history` is told.

A commit's notes are texts by short names, kept by the target's own log (Delta: `commitInfo`, Iceberg: the
snapshot's summary, folders: the commit's document), so that a table alone tells what was done to it:

    import    name of the import, if one made the commit
    asset     name of the asset, if an asset of the user did
    run       id of Dagster's run
    by        what ran, if it was not Dagster
    began     the moment at which the run began, in UTC (ISO 8601): the run's duration ends with the commit
    reads     what was read: JSON, one object for each stream or source, without spaces

An object of `reads` has these fields, of which the empty ones are left out:

    name      the stream's id, or the source's name where there is no cursor
    from, to  where the cursor stood before and stands now, as text for people
    files     source files that were read
    bytes     their size
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from s3_assets.progress import count
from s3_assets.tables.positions import (
    FilesPosition,
    ModifiedPosition,
    PathPosition,
    StatePosition,
    VersionPosition,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from s3_assets.incremental.cursor import Cursor
    from s3_assets.incremental.publishing import StreamRead
    from s3_assets.tables.positions import Position
    from s3_assets.tables.table import Plan

IMPORT, ASSET, RUN, BY, BEGAN, READS = "import", "asset", "run", "by", "began", "reads"


@dataclass(frozen=True)
class ReadNote:
    """What one commit read of one stream or source; `since` and `until` are None where there is no cursor."""

    name: str
    files: int = 0
    bytes: int = 0
    since: str | None = None
    until: str | None = None

    @classmethod
    def of_stream(cls, stream: str, plan: Plan, since: Cursor | None) -> ReadNote:
        """Tell what a plan reads for a stream, whose cursor was `since`."""
        return cls(stream, plan.files, plan.bytes, *_from_to(since, plan.until))

    @classmethod
    def of_read(cls, read: StreamRead) -> ReadNote:
        """Tell what a commit takes in of a stream."""
        return cls(
            read.cursors.stream, read.files, read.bytes, *_from_to(read.since, read.until, anew=read.anew)
        )

    @classmethod
    def of_source(cls, source: str, plan: Plan) -> ReadNote:
        """Tell what a plan reads of a source as it is now."""
        return cls(source, plan.files, plan.bytes)


def began(moment: datetime) -> dict[str, str]:
    """Return the note of the moment at which a run began."""
    return {BEGAN: moment.astimezone(UTC).isoformat(timespec="milliseconds")}


def write_reads(reads: Iterable[ReadNote]) -> dict[str, str]:
    """Return the note of what was read."""
    written = [
        {
            "name": each.name,
            **({} if each.since is None else {"from": each.since}),
            **({} if each.until is None else {"to": each.until}),
            **({"files": each.files} if each.files else {}),
            **({"bytes": each.bytes} if each.bytes else {}),
        }
        for each in reads
    ]
    return {READS: json.dumps(written, separators=(",", ":"), ensure_ascii=False)} if written else {}


def read_reads(notes: Mapping[str, str]) -> tuple[ReadNote, ...]:
    """Return what `write_reads` wrote; nothing for notes without it, or of a later release."""
    try:
        found: list[dict[str, Any]] = json.loads(notes.get(READS, "[]"))
        return tuple(
            ReadNote(
                str(each["name"]),
                int(each.get("files", 0)),
                int(each.get("bytes", 0)),
                each.get("from"),
                each.get("to"),
            )
            for each in found
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return ()


def seconds_until(notes: Mapping[str, str], committed: datetime | None) -> float | None:
    """Return how long the run took up to its commit; None if one of the two moments is not known."""
    try:
        start = datetime.fromisoformat(notes[BEGAN])
    except (KeyError, ValueError):
        return None
    return None if committed is None else max((committed - start).total_seconds(), 0.0)


def _from_to(since: Cursor | None, until: Position | None, *, anew: bool = False) -> tuple[str, str]:
    """Say where a cursor stood and will stand; a ledger grows by what is read, unless it is written anew."""
    known = sum(segment.files for segment in since.segments) if since else 0
    before = "nothing" if since is None else position_words(since.position, files=known)
    new = until.files.height if isinstance(until, FilesPosition) else 0
    return before, position_words(until, files=new if anew else known + new)


def position_words(position: Position | None, *, files: int | None = None) -> str:  # noqa: PLR0911 - one return for each kind
    """Say in a few words where a cursor stands; `files` is the size of its ledger, where it has one."""
    match position:
        case None:
            return "beginning"
        case VersionPosition(version, _, None):
            return f"version {version}"
        case VersionPosition(version, _, partly) if partly is not None:
            return f"version {version}, {count(partly.files, 'file')} of it"
        case FilesPosition(read):
            return count(read.height if files is None else files, "file")
        case PathPosition(path):
            return path
        case ModifiedPosition():
            return position.modified.isoformat()
        case StatePosition(token):
            # What follows the state's own marker is how much of the target shows it.
            return f"state {token.partition(' ')[0]}"
    raise TypeError(f"not a position: {position!r}")
