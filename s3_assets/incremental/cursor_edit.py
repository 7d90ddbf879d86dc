"""Cursors as people look at them and move them: a move is a commit of the target, like that of any run.

It carries the stream's new number and no rows, through the handle from which the cursor was read. A run that
commits the stream in between makes it fail, and it makes every run fail that has read the cursor before: that
one begins again at the new position. The cursor that was moved away from stays the previous one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote

from s3_assets.errors import CursorError
from s3_assets.incremental.commit import StreamRead
from s3_assets.incremental.cursor import FOLDER, Cursor, Cursors, NumberTakenError
from s3_assets.incremental.numbers import next_number
from s3_assets.incremental.publishing import Publishing
from s3_assets.incremental.run_notes import ReadNote, position_words, write_reads
from s3_assets.objects import Objects
from s3_assets.tables.naming import naming
from s3_assets.tables.table import Capability, WriteMode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from s3_assets.connection.settings import S3Connection
    from s3_assets.location import Location
    from s3_assets.tables.positions import Position
    from s3_assets.tables.table import Commit, Table, Writer

_DRAWS = 5


class Target(Protocol):
    """What holds a stream's cursor."""

    @property
    def name(self) -> str:
        """Its name."""


@dataclass(frozen=True)
class StreamState:
    """A stream as its target has it now.

    `current` is None before the first commit. `damage` says why its file cannot be read: then the number is
    known, and the position is not.
    """

    target: Target
    cursors: Cursors
    current: Cursor | None
    damage: CursorError | None

    @property
    def name(self) -> str:
        """The stream's id."""
        return self.cursors.stream

    def earlier(self) -> list[int]:
        """Return the numbers of the committed cursors before the current one that are kept, newest first."""
        if self.current is None or self.damage is not None:
            return []
        return self.cursors.chain(self.current)[1:]

    def position_of(self, number: int) -> Position | None:
        """Return an earlier cursor's position; raises `CursorError` for one that is not kept."""
        earlier = self.earlier()
        if number not in earlier:
            kept = f"kept are {', '.join(map(str, earlier))}" if earlier else "none is kept"
            raise CursorError(
                f"the stream '{self.name}' has no earlier cursor {number}; {kept}",
                remedy="Name one of these; the next run that commits keeps the one before its own alone.",
                table=self.target.name,
            )
        return self.cursors.load(number).position


@dataclass(frozen=True)
class TableStream(StreamState):
    """A stream whose target is a table."""

    target: Table[Any]


@dataclass(frozen=True)
class OpenStream(TableStream):
    """A stream, with the handle of its target that may move it."""

    writer: Writer

    def move(self, position: Position | None, *, notes: Mapping[str, str] | None = None) -> Moved:
        """Commit a new position (None: the beginning); nothing else changes.

        Raises `StreamMovedError` if a run has committed the stream since it was opened.
        """
        self.target.require(Capability.TRANSACTIONS)
        after = self._save(position)
        publishing = Publishing(
            self.target,
            WriteMode.APPEND,
            None,
            [StreamRead(self.cursors, self.current, position)],
            {self.name: after.number},
            {**self._told(position), **(notes or {})},
            after.number,
            self.writer.pinned,
            None,
            None,
        )
        commit, _ = publishing.stamp(self.writer)
        return Moved(commit, self.current, after)

    def _told(self, position: Position | None) -> dict[str, str]:
        """Return the note from where to where the cursor was moved."""
        current = self.current
        if current is None:
            before = "nothing"
        else:
            before = "damaged" if self.damage is not None else position_words(current.position)
        return write_reads([ReadNote(self.name, since=before, until=position_words(position))])

    def _save(self, position: Position | None) -> Cursor:
        number = self.current.number if self.current else None
        for _ in range(_DRAWS):
            number = next_number(number)
            try:
                return self.cursors.save(number, position, self.current, anew=True)
            except NumberTakenError:
                continue
        raise NumberTakenError


@dataclass(frozen=True)
class Moved:
    """What moving a cursor did: the target's commit, and the cursor before and after it."""

    commit: Commit
    before: Cursor | None
    after: Cursor


def look_at(target: Table[Any], stream: str) -> TableStream:
    """Return a stream's state; nothing is written. Raises `TableMissingError` if there is no target yet."""
    with naming(target):
        number = target.committed(stream)
        return TableStream(target, *_load(target, stream, number))


def open_stream(target: Table[Any], stream: str) -> OpenStream:
    """Open a stream to move it; raises `TableMissingError` if there is no target yet."""
    with naming(target):
        writer = target.writer()
        return OpenStream(target, *_load(target, stream, writer.committed(stream)), writer)


def _load(
    target: Table[Any], stream: str, number: int | None
) -> tuple[Cursors, Cursor | None, CursorError | None]:
    cursors = Cursors(target.files_connection, target.location, stream)
    if number is None:
        return cursors, None, None
    try:
        return cursors, cursors.load(number), None
    except CursorError as error:
        return cursors, Cursor(number, None, None), error


def streams_of(target: Table[Any]) -> list[str]:
    """Return the ids of the streams that have left cursor files beside a table: one listing of folders."""
    return streams_at(target.files_connection, target.location)


def streams_at(connection: S3Connection, place: Location) -> list[str]:
    """Return the ids of the streams whose cursors lie below a folder: one listing of folders."""
    root = f"{place.key}{FOLDER}/"
    folders, _ = Objects(connection).list_folders(root)
    names = [unquote(folder.removeprefix(root).rstrip("/")) for folder in folders]
    # What s3-assets keeps for itself has no source.
    return sorted(name for name in names if "/" in name and not name.startswith("s3_assets/"))
