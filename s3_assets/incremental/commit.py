"""One write: parts, audit, one commit that carries the cursors, and the clean-up behind it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from s3_assets.checks.gate import Gate
from s3_assets.engines.engine import Rows
from s3_assets.engines.steps import Fitted
from s3_assets.errors import (
    CheckFailedError,
    CommitConflictError,
    PartitionColumnError,
    RowsOutsideWindowError,
    SchemaMismatchError,
    TableMissingError,
)
from s3_assets.incremental.attempts import NOTE, OVERWRITE_STREAM, Attempt, Attempts, Span
from s3_assets.incremental.cursor import Cursor, NumberTakenError
from s3_assets.incremental.numbers import next_number
from s3_assets.incremental.publishing import (
    Publishing,
    StreamMovedError,
    StreamRead,
    moved,
    require_unmoved,
)
from s3_assets.incremental.run_notes import ReadNote, write_reads
from s3_assets.incremental.sweep import sweep_overwrites, sweep_refused, sweep_streams
from s3_assets.metrics import phase
from s3_assets.tables.schemas import fit
from s3_assets.tables.table import Capability, Commit, Merging, WriteMode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

    from s3_assets.checks.outcome import CheckOutcome
    from s3_assets.progress import Progress
    from s3_assets.tables.table import Merge, Table, Writer
    from s3_assets.windows import Slice, Window

__all__ = ["StreamMovedError", "StreamRead", "Written", "commit_frame", "open_writer"]

APPEND_STREAM = "s3_assets/append"
"""A write without a cursor of its own takes part in the same conflict check under this name."""
_DRAWS = 5


@dataclass(frozen=True)
class Written:
    """What a write did: the commit, the new cursors by stream, and how often it had to try."""

    commit: Commit
    schema: pl.Schema
    cursors: Mapping[str, Cursor] = field(default_factory=dict)
    tries: int = 1
    swept: int = 0
    checks: tuple[CheckOutcome, ...] = ()
    """What the checks before the commit found: of several commits, the last one's."""


@phase("open")
def open_writer(target: Table[Any]) -> Writer | None:
    """Open the target for one write; None only if the server says that there is no table."""
    try:
        return target.writer()
    except TableMissingError:
        return None


def commit_frame(
    target: Table[Any],
    writer: Writer | None,
    frame: pl.LazyFrame | Rows,
    mode: WriteMode,
    *,
    window: Window | Slice | None = None,
    streams: Sequence[StreamRead] = (),
    merge: Merge | None = None,
    notes: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Written:
    """Write the frame's rows and commit them together with the streams' new positions.

    `Rows` may name an engine that writes them. `writer` is the one from which the streams' cursors were read
    (None: there was no table then). `merge` goes with the mode merge, and names the keys of which the frame
    has the new rows. Raises `StreamMovedError` if a stream was committed, or the window overwritten, by
    somebody else since, `RowsOutsideWindowError` and `CheckFailedError` before anything is visible,
    `SchemaMismatchError` before anything is written.
    """
    if streams:
        target.require(Capability.TRANSACTIONS)
    rows = Rows.of(frame)
    gate = Gate.of(target, mode, window)
    if gate is not None:
        # Before the table is made, or gets new columns.
        gate.columns(rows.frame.collect_schema(), writer)
    writer, fitted = _prepare(target, writer, rows, streams)
    schema = fitted.frame.collect_schema()
    bounds = target.bounds(window, schema) if window is not None else None
    writer.refuse(mode, bounds)
    overwrites = None if mode in {WriteMode.APPEND, WriteMode.MERGE} else Span.of(bounds)
    # A window that is appended to is only what the rows are held against: no file has to line up with it.
    replaced = None if overwrites is None else bounds
    by_parts = not writer.rewrites(replaced) if merge is None else writer.merges is Merging.PARTS
    begun = _begin(target, writer, streams, overwrites if by_parts else None)
    stamps = dict.fromkeys(begun.cursors, begun.number)
    if overwrites is not None or not stamps:
        stamps[_plain_stream(overwrites)] = begun.number
    publishing = Publishing(
        target,
        mode,
        bounds,
        streams,
        stamps,
        {
            **write_reads(map(ReadNote.of_read, streams)),
            **(notes or {}),
            **({NOTE: overwrites.write()} if overwrites else {}),
        },
        begun.number,
        writer.pinned,
        overwrites,
        progress,
        merge,
        gate,
    )
    try:
        commit, tries = (
            publishing.write(writer, fitted) if by_parts else publishing.rewrite(writer, fitted.frame)
        )
    except (CheckFailedError, RowsOutsideWindowError):
        if publishing.settled:
            sweep_refused(target, [read.cursors for read in streams], begun.number)
        raise
    swept = sweep_streams(target, [(read.cursors, begun.cursors[read.cursors.stream]) for read in streams])
    if overwrites is not None and by_parts:
        swept += sweep_overwrites(target, begun.number, begun.rivals)
    checks = tuple(gate.told.values()) if gate is not None else ()
    return Written(commit, schema, begun.cursors, tries, swept, checks)


@dataclass(frozen=True)
class _Begun:
    """An attempt whose number, cursor files and mark are on the server, before its first part."""

    number: int
    cursors: dict[str, Cursor]
    rivals: list[Attempt]


@phase("begin")
def _begin(target: Table[Any], writer: Writer, streams: Sequence[StreamRead], marks: Span | None) -> _Begun:
    """Draw a number above all that the pinned state knows; write what has to precede the parts."""
    known = [read.since.number for read in streams if read.since]
    known += [number for name in (APPEND_STREAM, OVERWRITE_STREAM) if (number := writer.committed(name))]
    for _ in range(_DRAWS):
        number = next_number(max(known, default=None))
        known.append(number)
        try:
            rivals = Attempts(target).begin(Attempt(number, marks, writer.pinned)) if marks else []
            cursors = {
                read.cursors.stream: read.cursors.save(
                    number, read.until, read.since, anew=read.anew, mirrored=read.mirrored
                )
                for read in streams
            }
        except NumberTakenError:
            continue
        return _Begun(number, cursors, rivals)
    raise NumberTakenError


def _plain_stream(overwrites: Span | None) -> str:
    return APPEND_STREAM if overwrites is None else OVERWRITE_STREAM


@phase("prepare")
def _prepare(
    target: Table[Any], writer: Writer | None, rows: Rows, streams: Sequence[StreamRead]
) -> tuple[Writer, Rows]:
    """Create the table, add its columns and fit the rows to them."""
    import polars as pl

    columns = rows.frame.collect_schema()
    _check_partition_column(target, columns)
    if writer is None:
        place = target.location
        target.create(columns)
        writer = target.writer()
        require_unmoved(writer, streams, target)
        if streams and target.location != place:
            # Cursors lie beside the table, and were looked for where it was to be.
            raise moved(target, f"the catalog has the table at {target.location.url}, not at {place.url}")
    writer.admit(columns)
    if not writer.keeps_schema:
        return writer, rows
    adds = getattr(target.settings, "on_new_columns", "add") == "add"
    widened = writer.widened(columns) if adds else {}
    fitting = fit(columns, pl.Schema({**writer.schema, **widened}), target.name)
    if fitting.added and not adds:
        raise SchemaMismatchError(
            f"the rows have columns that the table lacks: {', '.join(fitting.added)}",
            remedy="Drop them, or set on_new_columns: add.",
            table=target.name,
        )
    if fitting.added or widened:
        try:
            writer.add_columns({**fitting.added, **widened})
        except CommitConflictError:
            # Perhaps the same columns: the next round sees them.
            raise moved(target, "another commit came before the new columns") from None
        # A commit of its own: what was pinned before is no longer the state to commit on.
        writer = target.writer()
        require_unmoved(writer, streams, target)
        fitting = fit(columns, writer.schema, target.name)
    order = tuple(column for column in writer.schema if column in columns or column not in writer.filled)
    return writer, rows.then(Fitted(fitting, order))


def _check_partition_column(target: Table[Any], columns: pl.Schema) -> None:
    partitions = target.settings.partitions
    declared = (*((partitions.column,) if partitions else ()), *target.settings.key_columns)
    missing = next((column for column in declared if column not in columns), None)
    if not columns or missing is None:
        return
    raise PartitionColumnError(
        f"the partition column '{missing}' is not among the columns to write: {', '.join(columns)}",
        remedy="Add the column to the rows, or name one of these in the table's partitions or "
        "partition_columns.",
        table=target.name,
        connection=target.connection.name,
    )
