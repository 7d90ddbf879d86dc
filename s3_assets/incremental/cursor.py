"""Cursors: how far a stream has committed, kept beside the target and named by its commit.

    <table>/_s3_assets/<stream>/<number>.json      written before the commit, never changed
    <table>/_s3_assets/<stream>/<number>.parquet   the files that this commit read (file ledgers only)

The target's transaction holds the number; the file of that number is the cursor. Ledger segments are merged
as they grow, so that their count stays logarithmic, and each commit writes in proportion to what is new.
"""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from s3_assets.errors import CommitConflictError, CursorError, ObjectMissingError, S3AssetsError
from s3_assets.incremental.position_text import read_position, write_position
from s3_assets.objects import Objects, empty_listing
from s3_assets.tables.positions import FilesPosition, ModifiedPosition, Position

if TYPE_CHECKING:
    import polars as pl

    from s3_assets.connection.settings import S3Connection
    from s3_assets.location import Location

FOLDER = "_s3_assets"
_SCHEMA_VERSION = 1
_NUMBERED = re.compile(r"^(?P<number>\d+)\.(?:json|parquet)$")
# Segments are merged when a new one is at least half as large: a binary counter.
_MERGE_RATIO = 2


class NumberTakenError(CommitConflictError):
    """Another attempt has this number, or a lost answer hid that it was ours: draw another."""

    def __init__(self) -> None:
        super().__init__("the attempt's number is taken", remedy="Draw another one.")


@dataclass(frozen=True)
class Segment:
    """One sorted file of the ledger, named by the attempt that wrote it."""

    number: int
    files: int


@dataclass(frozen=True)
class Cursor:
    """One committed cursor: its number, the one before it, and the position (None: the beginning)."""

    number: int
    previous: int | None
    position: Position | None
    segments: tuple[Segment, ...] = field(default=())

    def describe(self) -> dict[str, Any]:
        """Return the cursor for people and metadata."""
        if self.position is None:
            return {"beginning": True}
        files = sum(segment.files for segment in self.segments)
        found = write_position(self.position)
        del found["kind"]
        return {**found, "files": files} if isinstance(self.position, FilesPosition) else found


@dataclass(frozen=True)
class Survey:
    """What a commit leaves behind: attempts that can never be committed, and names of surplus files."""

    uncommitted: frozenset[int]
    surplus: tuple[str, ...]


class Cursors:
    """The cursors of one stream beside one target."""

    def __init__(self, connection: S3Connection, table: Location, stream: str) -> None:
        self._objects = Objects(connection)
        self._table = table
        self.stream = stream
        self.folder = f"{table.key}{FOLDER}/{quote(stream, safe='')}/"

    def load(self, number: int) -> Cursor:
        """Return the cursor of a committed number; raises `CursorError` if its file is gone or damaged."""
        document = self._document(number)
        try:
            position = document["position"]
            segments = tuple(Segment(**each) for each in document.get("segments", ()))
            found = None if position is None else read_position(position, lambda: self._ledger(segments))
            return Cursor(number, document["previous"], found, segments)
        except S3AssetsError:
            raise
        except (KeyError, TypeError, ValueError) as error:
            raise self._damaged(number, f"its file holds no position of this release: {error!r}") from error

    def save(
        self, number: int, position: Position | None, since: Cursor | None, *, anew: bool = False
    ) -> Cursor:
        """Write the files of a number that is about to be committed; raises `NumberTakenError`.

        `anew`: the position does not go on from `since`, but takes its place.
        """
        previous = since.number if since else None
        if isinstance(position, FilesPosition):
            ledger = self._save_ledger(number, position.files, None if anew else since)
            cursor = replace(ledger, previous=previous)
        elif isinstance(position, ModifiedPosition):
            # Only what lies inside the look-back: written anew each time.
            cursor = replace(
                self._save_ledger(number, position.files, None), previous=previous, position=position
            )
        else:
            cursor = Cursor(number, previous, position)
        document = {
            "schema_version": _SCHEMA_VERSION,
            "stream": self.stream,
            "previous": previous,
            "position": None if position is None else write_position(position),
            "segments": [{"number": each.number, "files": each.files} for each in cursor.segments],
        }
        self._put(self._key(number, "json"), json.dumps(document, indent=1).encode())
        return cursor

    def numbers(self) -> list[int]:
        """Return the numbers of all attempts that left a cursor file, in order."""
        return sorted(number for number, name in self._names() if name.endswith(".json"))

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
        names = [(number, name) for number, name in self._names() if number < committed.number]
        surplus = sorted(
            (number, name)
            for number, name in names
            if (name.endswith(".json") and number not in kept)
            or (name.endswith(".parquet") and number not in segments)
        )
        uncommitted = {number for number, _ in names if number not in chain}
        return Survey(
            # What lies before the known part of the chain was looked at by the success that cut it.
            frozenset(number for number in uncommitted if complete or number > chain[-1]),
            tuple(name for _, name in surplus),
        )

    def discard(self, survey: Survey) -> None:
        """Delete the surplus, oldest first, so that a crash leaves the rest of the chain in one piece."""
        self._objects.delete(self.folder + name for name in survey.surplus)

    def _chain(self, committed: Cursor) -> tuple[list[int], bool]:
        """Follow the commits back as far as their files are kept, and tell whether the first one was reached.

        The last number of an incomplete chain was committed, too; nothing is known of what lies before it.
        """
        chain, previous = [committed.number], committed.previous
        while previous is not None:
            chain.append(previous)
            try:
                previous = self._document(previous)["previous"]
            except CursorError:
                return chain, False
        return chain, True

    def _segments(self, number: int, committed: Cursor) -> tuple[Segment, ...]:
        if number == committed.number:
            return committed.segments
        try:
            return tuple(Segment(**each) for each in self._document(number).get("segments", ()))
        except CursorError:
            return ()

    def _save_ledger(self, number: int, files: pl.DataFrame, since: Cursor | None) -> Cursor:
        import polars as pl

        kept = list(since.segments) if since else []
        frames, count = [files], files.height
        while kept and kept[-1].files <= count * _MERGE_RATIO:
            merged = kept.pop()
            frames.append(self._read(merged))
            count += merged.files
        buffer = io.BytesIO()
        pl.concat(frames).sort("key").write_parquet(buffer, compression="zstd")
        self._put(self._key(number, "parquet"), buffer.getvalue())
        segments = (*kept, Segment(number, count))
        return Cursor(number, since.number if since else None, FilesPosition(files), segments)

    def _ledger(self, segments: tuple[Segment, ...]) -> pl.DataFrame:
        import polars as pl

        return pl.concat([empty_listing(), *[self._read(segment) for segment in segments]])

    def _read(self, segment: Segment) -> pl.DataFrame:
        import polars as pl

        try:
            return pl.read_parquet(io.BytesIO(self._objects.get(self._key(segment.number, "parquet"))))
        except ObjectMissingError:
            raise self._damaged(segment.number, "a part of its file ledger is gone") from None

    def _document(self, number: int) -> dict[str, Any]:
        try:
            document: dict[str, Any] = json.loads(self._objects.get(self._key(number, "json")))
        except ObjectMissingError:
            raise self._damaged(number, "its file is gone") from None
        except ValueError as error:
            raise self._damaged(number, f"its file is damaged: {error}") from error
        if document.get("schema_version") != _SCHEMA_VERSION:
            raise self._damaged(
                number,
                f"it is of version {document.get('schema_version')}, this release reads {_SCHEMA_VERSION}",
            )
        return document

    def _damaged(self, number: int, found: str) -> CursorError:
        return CursorError(
            f"the cursor {number} of stream '{self.stream}' cannot be read: {found}",
            remedy=f"Restore {self._key(number, 'json')} from a backup or an older object version, or "
            "have the stream begin anew with `s3-assets cursor reset`.",
            location=self._table.url,
        )

    def _put(self, key: str, body: bytes) -> None:
        # Never over another attempt's file: its commit would then name rows that it did not read.
        if not self._objects.put_if_absent(key, body):
            raise NumberTakenError

    def _names(self) -> list[tuple[int, str]]:
        found = []
        for item in self._objects.list_objects(self.folder):
            name = item.key.removeprefix(self.folder)
            if match := _NUMBERED.match(name):
                found.append((int(match["number"]), name))
        return found

    def _key(self, number: int, suffix: str) -> str:
        return f"{self.folder}{number}.{suffix}"
