"""One write: parts, audit, one commit that carries the cursors, and the clean-up behind it."""

from __future__ import annotations

import random
import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from s3_assets.engines.polars import write_parts
from s3_assets.errors import (
    CommitConflictError,
    RequestTimeoutError,
    S3AssetsError,
    SchemaMismatchError,
    ServerFailureError,
    TableMissingError,
    ThrottledError,
    UnreachableError,
)
from s3_assets.incremental.audit import audit, refuse_rows_outside
from s3_assets.incremental.cursor import Cursor, Cursors
from s3_assets.incremental.numbers import next_number
from s3_assets.objects import Objects
from s3_assets.tables import guard
from s3_assets.tables.schemas import apply, fit
from s3_assets.tables.table import Commit, WriteMode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

    from s3_assets.progress import Progress
    from s3_assets.tables.parts import AuditedPart, Layout
    from s3_assets.tables.partitioning import Bounds
    from s3_assets.tables.table import Position, Table, Writer
    from s3_assets.windows import Window

# A write without a cursor of its own takes part in the same conflict check under this name.
_PLAIN_STREAMS = {WriteMode.APPEND: "s3_assets/append"}
_WHOLE_STREAM = "s3_assets/overwrite"
_TRIES = 30
_LONGEST_WAIT = 2.0
# Answers after which the commit may have happened all the same.
_UNCERTAIN = (CommitConflictError, ThrottledError, RequestTimeoutError, UnreachableError, ServerFailureError)
_PART_NAME = re.compile(r"-(?P<attempt>\d+)\.parquet$")


@dataclass(frozen=True)
class StreamRead:
    """What one stream has read: from its committed cursor to a new position."""

    cursors: Cursors
    since: Cursor | None
    until: Position


@dataclass(frozen=True)
class Written:
    """What a write did: the commit, the new cursors by stream, and how often it had to try."""

    commit: Commit
    schema: pl.Schema
    cursors: Mapping[str, Cursor] = field(default_factory=dict)
    tries: int = 1
    swept: int = 0


class StreamMovedError(CommitConflictError):
    """Another run has committed this stream in between: what was read has to be read again."""


def open_writer(target: Table[Any]) -> Writer | None:
    """Open the target for one write; None only if the server says that there is no table."""
    try:
        return target.writer()
    except TableMissingError:
        return None


def commit_frame(
    target: Table[Any],
    writer: Writer | None,
    frame: pl.LazyFrame,
    mode: WriteMode,
    *,
    window: Window | None = None,
    streams: Sequence[StreamRead] = (),
    notes: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Written:
    """Write the frame's rows and commit them together with the streams' new positions.

    `writer` is the one from which the streams' cursors were read (None: there was no table then). Raises
    `StreamMovedError` if a stream was committed by somebody else since, `RowsOutsideWindowError` before
    anything is visible, `SchemaMismatchError` before anything is written.
    """
    writer, fitted = _prepare(target, writer, frame, streams)
    schema = fitted.collect_schema()
    bounds = target.bounds(window, schema) if window is not None else None
    last = max((read.since.number for read in streams if read.since), default=None)
    number = next_number(last)
    cursors = {read.cursors.stream: read.cursors.save(number, read.until, read.since) for read in streams}
    stamps = dict.fromkeys(cursors, number) or {_PLAIN_STREAMS.get(mode, _WHOLE_STREAM): number}
    job = _Job(target, mode, bounds, streams, stamps, {**(notes or {})}, number, progress)
    commit, tries = job.rewrite(writer, fitted) if writer.rewrites(bounds) else job.write(writer, fitted)
    swept = sum(_sweep(target, read.cursors, cursors[read.cursors.stream]) for read in streams)
    return Written(commit, schema, cursors, tries, swept)


def _prepare(
    target: Table[Any], writer: Writer | None, frame: pl.LazyFrame, streams: Sequence[StreamRead]
) -> tuple[Writer, pl.LazyFrame]:
    """Create the table, add its columns and fit the frame to them."""
    columns = frame.collect_schema()
    _check_partition_column(target, columns)
    if writer is None:
        target.create(columns)
        writer = target.writer()
        _require_unmoved(writer, streams, target)
    if not writer.keeps_schema:
        return writer, frame
    fitting = fit(columns, writer.schema, target.name)
    if fitting.added:
        if getattr(target.settings, "on_new_columns", "add") == "fail":
            raise SchemaMismatchError(
                f"the rows have columns that the table lacks: {', '.join(fitting.added)}",
                remedy="Drop them, or set on_new_columns: add.",
                table=target.name,
            )
        writer.add_columns(fitting.added)
        # A commit of its own: what was pinned before is no longer the state to commit on.
        writer = target.writer()
        _require_unmoved(writer, streams, target)
        fitting = fit(columns, writer.schema, target.name)
    return writer, apply(frame, fitting, list(writer.schema))


def _check_partition_column(target: Table[Any], columns: pl.Schema) -> None:
    partitions = target.settings.partitions
    if partitions is None or not columns or partitions.column in columns:
        return
    from s3_assets.errors import PartitionColumnError

    raise PartitionColumnError(
        f"the partition column '{partitions.column}' is not among the columns to write: {', '.join(columns)}",
        remedy="Add the column to the rows, or name one of these in the table's partitions.",
        table=target.name,
        connection=target.connection.name,
    )


def _require_unmoved(writer: Writer, streams: Sequence[StreamRead], target: Table[Any]) -> None:
    for read in streams:
        expected = read.since.number if read.since else None
        if writer.committed(read.cursors.stream) != expected:
            raise StreamMovedError(
                f"another run has committed the stream '{read.cursors.stream}'",
                remedy="Run it again: it reads on from there.",
                table=target.name,
                connection=target.connection.name,
            )


@dataclass
class _Job:
    """One attempt number on its way to a commit."""

    target: Table[Any]
    mode: WriteMode
    bounds: Bounds | None
    streams: Sequence[StreamRead]
    stamps: Mapping[str, int]
    notes: Mapping[str, str]
    number: int
    progress: Progress | None

    def write(self, writer: Writer, frame: pl.LazyFrame) -> tuple[Commit, int]:
        """Write parts, audit them, publish them."""
        arranged = writer.arrange(frame)
        layout = writer.layout(self.number)
        schema = arranged.collect_schema()
        parts = write_parts(arranged, layout, self.target.connection, self.progress)
        keys = [layout.root.key + part.path for part in parts]
        try:
            audited = audit(parts, layout, self.target.connection)
            if self.bounds is not None:
                refuse_rows_outside(audited, layout, self.bounds, schema, self.target.connection)
            return self._publish(writer, audited, layout)
        except S3AssetsError:
            if not self._landed():
                writer.discard(keys)
            raise

    def rewrite(self, writer: Writer, frame: pl.LazyFrame) -> tuple[Commit, int]:
        """Let the format's library write, with the frame run anew for every try."""
        if self.bounds is not None:
            guard.refuse_outside(frame, self.bounds)
        tries = 1
        while True:
            try:
                commit = writer.publish_frame(
                    frame, self.mode, window=self.bounds, stamps=self.stamps, notes=self.notes
                )
            except _UNCERTAIN as error:
                writer, landed = self._after(error, writer, tries)
                if landed is not None:
                    return landed, tries
                tries += 1
            else:
                return commit, tries

    def _publish(self, writer: Writer, audited: Sequence[AuditedPart], layout: Layout) -> tuple[Commit, int]:
        """Commit, and commit again on a newer state as long as the streams have not moved.

        The same parts serve every try: they hold the rows between two positions of the source, or the whole
        window, whatever else happens in the target.
        """
        tries = 1
        rows: dict[str, int] = {}
        for each in audited:
            folder = each.part.path.rpartition("/")[0]
            rows[folder] = rows.get(folder, 0) + each.part.rows
        while True:
            try:
                commit = writer.publish(
                    audited, self.mode, window=self.bounds, stamps=self.stamps, notes=self.notes
                )
            except _UNCERTAIN as error:
                writer, landed = self._after(error, writer, tries)
                if landed is None:
                    tries += 1
                    continue
                totals = sum(each.part.rows for each in audited), sum(each.part.bytes for each in audited)
                commit = Commit(landed.version, *totals, len(audited))
            del layout
            return Commit(
                commit.version, commit.rows, commit.bytes, commit.files, rows, commit.removed_files
            ), tries

    def _after(self, error: S3AssetsError, writer: Writer, tries: int) -> tuple[Writer, Commit | None]:
        """Look at the table after a failed commit: did it land, may it be tried again, or is all to do anew?"""
        fresh = self.target.writer()
        if self._stamped(fresh):
            version = fresh.version_of(self.number)
            if version is not None:
                return fresh, Commit(version, 0, 0, 0)
        _require_unmoved(fresh, self.streams, self.target)
        if fresh.schema != writer.schema or fresh.partition_by != writer.partition_by or tries >= _TRIES:
            raise error
        time.sleep(random.uniform(0, min(_LONGEST_WAIT, 0.05 * 2**tries)))  # noqa: S311 - jitter, not a secret
        return fresh, None

    def _stamped(self, writer: Writer) -> bool:
        return all(writer.committed(stream) == number for stream, number in self.stamps.items())

    def _landed(self) -> bool:
        """Tell whether the attempt may have been committed; in doubt it was."""
        try:
            fresh = self.target.writer()
        except S3AssetsError:
            return True
        return self._stamped(fresh) or fresh.version_of(self.number) is not None


def _sweep(target: Table[Any], cursors: Cursors, committed: Cursor) -> int:
    """Delete what crashed attempts left behind; return how many data files that were."""
    dead = set(cursors.sweep(committed))
    if not dead:
        return 0
    objects = Objects(target.connection)
    root = target.location.key
    found = [
        item.key
        for item in objects.list_objects(root)
        if (match := _PART_NAME.search(item.key)) and int(match["attempt"]) in dead
    ]
    if not found:
        return 0
    # A part of an attempt that was never committed cannot be live; looking costs one read of the log.
    live = target.writer().live()
    return objects.delete(key for key in found if key.removeprefix(root) not in live)
