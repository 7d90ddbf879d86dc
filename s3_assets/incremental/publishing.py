"""One attempt on its way to a commit: written, audited, published, and known to have landed or not."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from s3_assets.engines.distributed import write_parts
from s3_assets.engines.engine import Rows
from s3_assets.engines.steps import Added
from s3_assets.engines.watching import watched
from s3_assets.errors import (
    CommitConflictError,
    ObjectMissingError,
    RequestTimeoutError,
    S3AssetsError,
    ServerFailureError,
    ThrottledError,
    UnreachableError,
)
from s3_assets.incremental.attempts import Attempts, Span, overtaken
from s3_assets.incremental.audit import audit, refuse_rows_outside
from s3_assets.incremental.sweep import sweep_interrupted, sweep_lost
from s3_assets.interruptions import deferred
from s3_assets.metrics import phase
from s3_assets.tables.table import Commit, TableVersion

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

    from s3_assets.checks.gate import Gate
    from s3_assets.incremental.cursor import Cursor, Cursors
    from s3_assets.progress import Progress
    from s3_assets.tables.parts import AuditedPart
    from s3_assets.tables.positions import Position
    from s3_assets.tables.regions import Region
    from s3_assets.tables.table import Merge, Table, WriteMode, Writer

_TRIES = 30
# The format's own library writes all rows anew for each try.
_REWRITES = 5
# Tries that nobody answered, each with the transport's own behind it: a server that swallows commits is left.
_UNANSWERED = 5
_LONGEST_WAIT = 2.0
# Answers after which the commit may have happened all the same.
_UNCERTAIN = (CommitConflictError, ThrottledError, RequestTimeoutError, UnreachableError, ServerFailureError)


@dataclass(frozen=True)
class StreamRead:
    """What one stream has read: from its committed cursor to a new position (None: the beginning).

    `files` and `bytes` of the source are for the commit's notes.
    """

    cursors: Cursors
    since: Cursor | None
    until: Position | None
    files: int = 0
    bytes: int = 0
    anew: bool = False
    """The position does not go on from `since`, but takes its place."""
    mirrored: bool = False
    """The commit makes the target equal to the source at this position."""


class StreamMovedError(CommitConflictError):
    """Another run has committed this stream, or overwritten this window, in between: begin again."""


def require_unmoved(writer: Writer, streams: Sequence[StreamRead], target: Table[Any]) -> None:
    """Raise `StreamMovedError` if a stream's cursor is no longer the one that was read."""
    for read in streams:
        expected = read.since.number if read.since else None
        if writer.committed(read.cursors.stream) != expected:
            raise moved(target, f"another run has committed the stream '{read.cursors.stream}'")


def moved(target: Table[Any], found: str) -> StreamMovedError:
    """Say what another run did in between."""
    return StreamMovedError(
        found, remedy="Run it again.", table=target.name, connection=target.connection.name
    )


@dataclass
class Publishing:
    """One attempt number, with all that its commit will carry."""

    target: Table[Any]
    mode: WriteMode
    bounds: Region | None
    streams: Sequence[StreamRead]
    stamps: Mapping[str, int]
    notes: Mapping[str, str]
    number: int
    pinned: int
    """The version on which the attempt began: it cannot have landed before."""
    overwrites: Span | None
    progress: Progress | None
    merge: Merge | None = None
    """What is written by key."""
    gate: Gate | None = None
    """The checks that come before the commit."""
    _unsettled: bool = field(default=False, init=False)
    """Whether a commit was sent whose end is not known: the server may still carry it out."""
    _unanswered: int = field(default=0, init=False)
    """How many of the tries came to no known end."""
    _carried: list[str] = field(default_factory=list, init=False)
    """The keys of the parts that were written for the current try alone."""

    @property
    def settled(self) -> bool:
        """Whether no commit of it may land any more, if it has not by now."""
        return not self._unsettled

    def write(self, writer: Writer, rows: Rows) -> tuple[Commit, int]:
        """Write parts, audit them, publish them."""
        rows = rows.then(Added(writer.arrange(rows.frame.collect_schema())))
        arranged = rows.frame
        layout = writer.layout(self.number)
        schema = arranged.collect_schema()
        connection = self.target.files_connection
        try:
            parts, lost = write_parts(rows, layout, connection, self.progress, self.bounds)
            if lost:
                sweep_lost(self.target, self.number, {layout.root.key + part.path for part in parts})
        except BaseException as error:
            # Interrupted, and no commit was sent: nobody will ever need what is there.
            if not isinstance(error, Exception):
                sweep_interrupted(self.target, self.number)
            raise
        try:
            audited = audit(parts, layout, connection)
            if self.bounds is not None:
                refuse_rows_outside(audited, layout, self.bounds, schema, connection)
            writer.inspect(audited)
            self._examine(writer, arranged, audited)
            with deferred():
                return self._publish(writer, audited, arranged)
        except S3AssetsError as error:
            # In doubt the parts stay: a commit that lands later needs them, and a later success sweeps them.
            if not self._unsettled:
                writer.discard([*(layout.root.key + part.path for part in parts), *self._carried])
                if self.overwrites is not None:
                    Attempts(self.target).end([self.number])
            if isinstance(error, ObjectMissingError) and not self._unsettled:
                # A faster run has swept the parts: then this says so, and all begins again.
                self._require_current(self.target.writer())
            raise

    def stamp(self, writer: Writer) -> tuple[Commit, int]:
        """Commit the streams' new numbers, and no rows."""
        return self._publish(writer, [])

    def rewrite(self, writer: Writer, frame: pl.LazyFrame) -> tuple[Commit, int]:
        """Let the format's library write, with the frame run anew for every try."""
        for tries in range(1, _REWRITES + 1):
            if self.gate is not None and (tries == 1 or self.gate.compares):
                self.gate.frame(writer, frame, self.bounds, self.merge)
            try:
                commit = self._by_library(writer, frame)
            except _UNCERTAIN as error:
                writer, landed = self._after(error, writer, tries, _REWRITES)
                if landed is not None:
                    return Commit(landed, 0, 0, 0), tries
            else:
                return commit, tries
        raise AssertionError  # the last try returns or raises

    @phase("write")
    def _by_library(self, writer: Writer, frame: pl.LazyFrame) -> Commit:
        frame = watched(frame, self.progress)
        if self.merge is not None:
            return writer.publish_merge(frame, self.merge, stamps=self.stamps, notes=self.notes)
        return writer.publish_frame(
            frame, self.mode, window=self.bounds, stamps=self.stamps, notes=self.notes
        )

    def _examine(self, writer: Writer, arranged: pl.LazyFrame, audited: Sequence[AuditedPart]) -> None:
        """Raise `CheckFailedError` if a check that comes before the commit fails."""
        if self.gate is not None:
            layout = writer.layout(self.number)
            self.gate.parts(writer, arranged, layout, audited, self.bounds, self.merge)

    @phase("commit")
    def _publish(
        self, writer: Writer, audited: Sequence[AuditedPart], arranged: pl.LazyFrame | None = None
    ) -> tuple[Commit, int]:
        """Commit, and commit again on a newer state as long as nobody did the same work.

        The same parts serve every try: they hold the rows between two positions of the source, or the whole
        window, whatever else happens in the target.
        """
        rows: dict[str, int] = {}
        for each in audited:
            folder = each.part.path.rpartition("/")[0]
            rows[folder] = rows.get(folder, 0) + each.part.rows
        size = sum(each.part.bytes for each in audited)
        for tries in range(1, _TRIES + 1):
            if tries > 1 and self.gate is not None and self.gate.compares and arranged is not None:
                # What the rows were compared with is another state by now.
                self._examine(writer, arranged, audited)
            carried = self._carry(writer)
            try:
                commit = writer.publish(
                    [*audited, *carried], self.mode, window=self.bounds, stamps=self.stamps, notes=self.notes
                )
            except _UNCERTAIN as error:
                tried = writer
                try:
                    writer, landed = self._after(error, tried, tries, _TRIES)
                except S3AssetsError:
                    self._forget(tried)
                    raise
                if landed is not None:
                    return Commit(landed, sum(rows.values()), size, len(audited), rows), tries
                self._forget(tried)
            except S3AssetsError:
                self._unsettled = True
                raise
            else:
                removed = commit.removed_files
                return Commit(commit.version, sum(rows.values()), size, len(audited), rows, removed), tries
        raise AssertionError  # the last try returns or raises

    def _carry(self, writer: Writer) -> list[AuditedPart]:
        """Write again what would otherwise be taken out with the rows of the window, or of the keys."""
        carried = None
        if self.merge is not None:
            carried = writer.beside(self.merge.touched)
        elif self.overwrites is not None:
            carried = writer.carried(self.bounds)
        if carried is None:
            return []
        connection, audited = self.target.files_connection, []
        for frame in carried.frames:
            # Names of their own: a commit of an earlier try may yet land, and needs its parts as they are.
            layout = replace(writer.layout(self.number), first=random.randrange(10**9, 10**15))  # noqa: S311
            rows = Rows(frame).then(Added(writer.arrange(frame.collect_schema())))
            parts, _ = write_parts(rows, layout, connection)
            self._carried += [layout.root.key + part.path for part in parts]
            audited += audit(parts, layout, connection)
        written = sum(each.part.rows for each in audited)
        if written != carried.rows:
            raise ServerFailureError(
                f"{written:,} rows were carried over where {carried.rows:,} are in the files",
                remedy="Look at the table with another reader; nothing was committed.",
                table=self.target.name,
            )
        return audited

    def _forget(self, writer: Writer) -> None:
        """Delete what was written for a try alone, if that one surely failed."""
        if self._unsettled:
            return
        writer.abandon()
        writer.discard(self._carried)
        self._carried = []

    def _after(
        self, error: S3AssetsError, writer: Writer, tries: int, most: int
    ) -> tuple[Writer, TableVersion | None]:
        """Look at the table after a failed commit: has it landed, may it be tried again, or begun anew?"""
        # Until the table has been seen, nothing is known.
        self._unsettled = True
        fresh = self.target.writer()
        landed = self._landed(fresh)
        if landed is not None:
            return fresh, landed
        # A conflict says that the version which was to be written is somebody else's. Anything else may mean
        # that the server has yet to write it; a later try that meets a conflict settles that one, too.
        self._unsettled = not isinstance(error, CommitConflictError)
        self._require_current(fresh)
        if fresh.keeps_schema and fresh.shape != writer.shape:
            raise moved(self.target, "another commit has changed the table's columns")
        self._unanswered += self._unsettled
        if tries >= most or self._unanswered >= _UNANSWERED:
            raise error
        time.sleep(random.uniform(0, min(_LONGEST_WAIT, 0.05 * 2**tries)))  # noqa: S311 - jitter, not a secret
        return fresh, None

    def _require_current(self, fresh: Writer) -> None:
        """Raise `StreamMovedError` if another run did the same work by now, and may have swept the parts."""
        require_unmoved(fresh, self.streams, self.target)
        if self.overwrites is not None and overtaken(
            self.number, self.overwrites, fresh.commits_since(self.pinned)
        ):
            raise moved(self.target, "a run that began later has overwritten the same partitions")

    def _landed(self, fresh: Writer) -> TableVersion | None:
        """Return the version that this attempt committed, if it did."""
        for commit in fresh.commits_since(self.pinned) or ():
            if commit.get("attempt") == str(self.number):
                return TableVersion(commit["version"], int(commit.get("number", commit["version"])))
        if all(fresh.committed(stream) == number for stream, number in self.stamps.items()):
            # Its log entry is gone, its stamp is not.
            return fresh.version
        return None
