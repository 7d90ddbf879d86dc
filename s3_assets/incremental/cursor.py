"""Cursors: how far a stream has committed, kept beside the target and named by its commit.

    <table>/_s3_assets/<stream>/<number>.json      written before the commit, never changed
    <table>/_s3_assets/<stream>/<number>.ledger    the files that this commit read (file ledgers only)

The target's transaction holds the number; the file of that number is the cursor.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from s3_assets.errors import CursorError, S3AssetsError
from s3_assets.incremental.ledger import Segment, read_ledger, write_ledger
from s3_assets.incremental.position_text import read_position, write_position
from s3_assets.incremental.stream_files import CURSOR, FOLDER, SEGMENT, NumberTakenError, StreamFiles
from s3_assets.tables.positions import FilesPosition, ModifiedPosition, Position

if TYPE_CHECKING:
    from s3_assets.connection.settings import S3Connection
    from s3_assets.location import Location

__all__ = ["FOLDER", "Cursor", "Cursors", "NumberTakenError", "Segment", "Survey"]

# 2: ledgers have their ETags in 16 bytes, and positions are paths and times besides.
_SCHEMA_VERSION = 2
_READ_VERSIONS = (1, 2)


@dataclass(frozen=True)
class Cursor:
    """One committed cursor: its number, the one before it, and the position (None: the beginning)."""

    number: int
    previous: int | None
    position: Position | None
    segments: tuple[Segment, ...] = field(default=())
    mirrored: bool = False
    """Whether its commit made the target equal to the source there; other imports only add rows."""

    def describe(self) -> dict[str, Any]:
        """Return the cursor for people and metadata."""
        if self.position is None:
            return {"beginning": True}
        found = write_position(self.position)
        del found["kind"]
        if isinstance(self.position, FilesPosition | ModifiedPosition):
            found["files"] = sum(segment.files for segment in self.segments)
        return found


@dataclass(frozen=True)
class Survey:
    """What a commit leaves behind: attempts that can never be committed, and names of surplus files."""

    uncommitted: frozenset[int]
    surplus: tuple[str, ...]


class Cursors:
    """The cursors of one stream beside one target."""

    def __init__(self, connection: S3Connection, table: Location, stream: str) -> None:
        self.stream = stream
        self._files = StreamFiles(connection, table, stream)
        self.folder = self._files.folder

    def load(self, number: int) -> Cursor:
        """Return the cursor of a committed number; raises `CursorError` if its file is gone or damaged."""
        document = self._document(number)
        try:
            position = document["position"]
            segments = tuple(Segment(**each) for each in document.get("segments", ()))
            found = (
                None
                if position is None
                else read_position(position, lambda: read_ledger(self._files, segments))
            )
            mirrored = bool(document.get("mirrored", False))
            return Cursor(number, _earlier(document["previous"], number), found, segments, mirrored)
        except S3AssetsError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise self._files.damaged(
                number, f"its file holds no position of this release: {error!r}"
            ) from error

    def save(
        self,
        number: int,
        position: Position | None,
        since: Cursor | None,
        *,
        anew: bool = False,
        mirrored: bool = False,
    ) -> Cursor:
        """Write the files of a number that is about to be committed; raises `NumberTakenError`.

        `anew`: the position does not go on from `since`, but takes its place.
        """
        previous = since.number if since else None
        segments = self._segments_of(number, position, None if anew else since)
        cursor = Cursor(number, previous, position, segments, mirrored)
        document = {
            "schema_version": _SCHEMA_VERSION,
            "stream": self.stream,
            "previous": previous,
            "position": None if position is None else write_position(position),
            "segments": [{"number": each.number, "files": each.files} for each in cursor.segments],
            **({"mirrored": True} if mirrored else {}),
        }
        self._files.put(number, CURSOR, json.dumps(document, indent=1).encode())
        return cursor

    def forget(self, number: int) -> None:
        """Delete the files of a number that will never be committed."""
        self._files.delete(f"{number}.{kind}" for kind in (SEGMENT, CURSOR))

    def numbers(self) -> list[int]:
        """Return the numbers of all attempts that left a cursor file, in order."""
        return sorted(number for number, kind in self._files.list_files() if kind == CURSOR)

    def chain(self, committed: Cursor) -> list[int]:
        """Return the committed numbers as far back as their files are kept, newest first."""
        chain, complete = self._chain(committed)
        return chain if complete else chain[:-1]

    def survey(self, committed: Cursor) -> Survey:
        """Find what no reader needs any more; nothing is deleted.

        Kept are the committed cursor and the one before it, for a reader that opened the table earlier.
        Attempts with a higher number may still be under way and are left alone. An attempt with a lower
        number that is not in the chain of commits can never be committed: it drew its number above the
        cursor that it read, so that its handle is older than this commit, and the commit through it fails.
        """
        chain, complete = self._chain(committed)
        kept = chain[:2]
        segments = {each.number for number in kept for each in self._segments(number, committed)}
        files = [file for file in self._files.list_files() if file.number < committed.number]
        needed = {CURSOR: {*kept}, SEGMENT: segments}
        surplus = sorted(file for file in files if file.number not in needed[file.kind])
        uncommitted = {file.number for file in files if file.number not in chain}
        return Survey(
            # What lies before the known part of the chain was looked at by the success that cut it.
            frozenset(number for number in uncommitted if complete or number > chain[-1]),
            tuple(file.name for file in surplus),
        )

    def discard(self, survey: Survey) -> None:
        """Delete the surplus, oldest first, so that a crash leaves the rest of the chain in one piece."""
        self._files.delete(survey.surplus)

    def _chain(self, committed: Cursor) -> tuple[list[int], bool]:
        """Follow the commits back as far as their files are kept, and tell whether the first one was reached.

        The last number of an incomplete chain was committed, too; nothing is known of what lies before it.
        """
        chain, previous = [committed.number], committed.previous
        while previous is not None:
            chain.append(previous)
            try:
                previous = _earlier(self._document(previous)["previous"], previous)
            except (CursorError, KeyError, ValueError):
                return chain, False
        return chain, True

    def _segments(self, number: int, committed: Cursor) -> tuple[Segment, ...]:
        if number == committed.number:
            return committed.segments
        try:
            return tuple(Segment(**each) for each in self._document(number).get("segments", ()))
        except (CursorError, TypeError):
            return ()

    def _segments_of(
        self, number: int, position: Position | None, since: Cursor | None
    ) -> tuple[Segment, ...]:
        """Write the files that a position holds; return all segments of its ledger."""
        if isinstance(position, FilesPosition):
            return write_ledger(self._files, number, position.files, since.segments if since else ())
        if isinstance(position, ModifiedPosition):
            # Only what lies inside the look-back: written anew each time.
            return write_ledger(self._files, number, position.files)
        return ()

    def _document(self, number: int) -> dict[str, Any]:
        body = self._files.get(number, CURSOR)
        try:
            document: dict[str, Any] = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise self._files.damaged(number, f"its file is damaged: {error}") from error
        if not isinstance(document, dict):
            raise self._files.damaged(number, "its file is damaged: it is no JSON object")
        if document.get("schema_version") not in _READ_VERSIONS:
            known = " and ".join(map(str, _READ_VERSIONS))
            raise self._files.damaged(
                number, f"it is of version {document.get('schema_version')}, this release reads {known}"
            )
        return document


def _earlier(previous: object, number: int) -> int | None:
    """Return the number of the commit before; raises `ValueError` for one that could not be: numbers grow."""
    if previous is None or (isinstance(previous, int) and previous < number):
        return previous
    raise ValueError(f"{previous!r} is no commit before {number}")
