"""A mirror: a target's rows become those of its source, by key; then the target equals the source.

What has changed goes into the target in one commit that carries the stream's cursor. The changes are held in
memory, the tables are not: where all rows of large ones are compared, their keys wait on the local disk.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from s3_assets.engines.engine import Rows
from s3_assets.errors import SettingError, UnsupportedError
from s3_assets.incremental.append import PASSED, open_cursor
from s3_assets.incremental.changes import settle
from s3_assets.incremental.commit import StreamRead, commit_frame
from s3_assets.incremental.cursor_edit import streams_of
from s3_assets.incremental.outcome import Outcome
from s3_assets.incremental.rounds import until_unmoved
from s3_assets.incremental.row_keys import check_columns, require_unique
from s3_assets.incremental.source_changes import Source
from s3_assets.tables.table import Capability, Merge, ReadMode, WriteMode

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import polars as pl

    from s3_assets.engines.engine import Engine
    from s3_assets.incremental.changes import Changes
    from s3_assets.incremental.commit import Written
    from s3_assets.incremental.cursor import Cursor, Cursors
    from s3_assets.incremental.source_changes import Found, OnGap, Transform
    from s3_assets.progress import Progress
    from s3_assets.tables.positions import Position
    from s3_assets.tables.table import Table, Writer

# How far back commits of others are looked for.
_COMMITS = 5
# What the logs call commits that move rows to other files, and change none.
_MOVES = frozenset({"OPTIMIZE", "replace"})


def mirror(
    target: Table[Any],
    stream: str,
    source: Table[Any],
    *,
    keys: Sequence[str],
    transform: Transform | None = None,
    notes: Mapping[str, str] | None = None,
    progress: Progress | None = None,
    on_gap: OnGap = "fail",
    uncompared: Collection[str] = (),
    engine: Engine | None = None,
) -> Outcome:
    """Make the target equal to the source, with the stream's cursor in the same commit.

    The first run replaces all rows of the target. A later one applies what has changed since, as told by

    1. the source's change feed, reduced to the last state of each key;
    2. else the files that only one of the source's two states has, if it keeps the older one;
    3. else all rows of the source, compared with those of the target.

    Nothing new is a success without a commit. A target that cannot be written by key gets all rows anew.

    `keys` are columns behind `transform`, which works row by row and may leave rows out. `on_gap` says what
    becomes of a change feed that does not reach back to the cursor: an error, or the third way. `uncompared`
    are columns that tell when a row was loaded: by themselves they make no change. An `engine`
    writes, looks up and compares all rows, where they can be cut; what has changed comes to this process.

    The target is the mirror's: rows that others write there stay until a run compares all rows, or its cursor
    is reset; if others have written since the last run, the outcome says so.

    Raises, before anything is written, `RowKeyError` if rows of the source share a key or have a null in it,
    `SettingError` if all rows were to be replaced or compared and other streams have written the target, and
    a `HistoryGapError` for a gap.
    """
    target.require(Capability.TRANSACTIONS)
    behind = Source(source, tuple(keys), transform, frozenset(uncompared), engine)
    run = _Mirror(target, stream, behind, on_gap, dict(notes or {}), progress)
    return until_unmoved(target, stream, run.once)


@dataclass(frozen=True)
class _Mirror:
    """One run, that begins again when another run of its stream was faster."""

    target: Table[Any]
    stream: str
    source: Source
    on_gap: OnGap
    notes: Mapping[str, str]
    progress: Progress | None

    def once(self, writer: Writer | None) -> Outcome:
        """Look what has changed since the cursor, and commit it."""
        cursors, since = open_cursor(self.target, writer, self.stream)
        # Another import's cursor, or one that was moved by hand, says nothing of the rows that are there.
        position = since.position if since is not None and since.mirrored else None
        told: tuple[str, ...] = ()
        if writer is None or position is None:
            found = self.source.current()
        else:
            found = self.source.since(position, self.target, writer, self.on_gap)
            if found.plan.empty:
                return self._nothing(writer, cursors, since, found)
            told = self._others()
            if found.changes is None and found.plan.mode is not ReadMode.CURRENT:
                found = self.source.current()
        if found.plan.mode is ReadMode.CURRENT:
            self._refuse_shared(writer)
        read = StreamRead(
            cursors, since, found.until, found.plan.files, found.plan.bytes, anew=True, mirrored=True
        )
        if writer is None or found.changes is None:
            written = self._all(writer, read, found)
        else:
            written = self._changed(writer, read, found.until, found.changes)
        until = written.cursors[self.stream]
        return Outcome(found.plan, written, since, until, notes=(*found.plan.remarks, *told))

    def _nothing(self, writer: Writer, cursors: Cursors, since: Cursor | None, found: Found) -> Outcome:
        """Commit nothing, or the cursor alone if it would fall ever farther behind."""
        plan = found.plan
        if plan.passed < PASSED:
            return Outcome(plan, None, since, since, notes=plan.notes)
        read = StreamRead(cursors, since, found.until, anew=True, mirrored=True)
        moved = self._commit(writer, _no_rows(writer), WriteMode.APPEND, read)
        return Outcome(plan, None, since, moved.cursors[self.stream], notes=plan.notes)

    def _refuse_shared(self, writer: Writer | None) -> None:
        """Raise `SettingError` if other streams write the target: what the source lacks would be lost."""
        if writer is None:
            return
        names = streams_of(self.target)
        others = [name for name in names if name != self.stream and writer.committed(name) is not None]
        if others:
            raise SettingError(
                f"a mirror removes what its source lacks, and others have written here: {', '.join(others)}",
                remedy="Give each stream a table of its own.",
                table=self.target.name,
                connection=self.target.connection.name,
            )

    def _all(self, writer: Writer | None, read: StreamRead, found: Found) -> Written:
        """Write all rows of the source anew."""
        rows, table = found.rows or Rows(found.plan.frame), self.source.table.name
        check_columns(self.source.keys, rows.frame.collect_schema(), table)
        with self.source.reading():
            require_unique(rows, self.source.keys, table, self.source.rows(found.plan), found.plan.bytes)
        return self._commit(writer, rows, WriteMode.REPLACE, read)

    def _changed(self, writer: Writer, read: StreamRead, until: Position, changes: Changes) -> Written:
        """Write what has changed."""
        touched = changes.touched
        held = writer.held(touched)
        settled = settle(
            changes,
            held,
            lambda wanted: self.source.look_up(until, wanted),
            self.source.table.name,
        )
        if held.is_empty():
            # Nothing is to be taken out: rows that are all new, or the cursor alone.
            return self._commit(writer, settled.rows.lazy(), WriteMode.APPEND, read)
        return self._commit(writer, settled.rows.lazy(), WriteMode.MERGE, read, Merge(touched))

    def _commit(
        self,
        writer: Writer | None,
        rows: pl.LazyFrame | Rows,
        mode: WriteMode,
        read: StreamRead,
        merge: Merge | None = None,
    ) -> Written:
        return commit_frame(
            self.target,
            writer,
            rows,
            mode,
            streams=[read],
            merge=merge,
            notes=self.notes,
            progress=self.progress,
        )

    def _others(self) -> tuple[str, ...]:
        """Say whether somebody else has changed the target's rows since the stream's last commit."""
        try:
            commits = self.target.history(_COMMITS)
        except UnsupportedError:
            return ()
        for commit in commits:
            if self.stream in commit.streams:
                break
            changed = commit.rows or commit.removed_files
            if changed and commit.operation not in _MOVES:
                found = f"another writer has changed the target ({commit.operation}, {commit.version.token})"
                return (f"{found}: its rows stay until all rows are compared, or the cursor is reset",)
        return ()


def _no_rows(writer: Writer) -> pl.LazyFrame:
    import polars as pl

    return pl.LazyFrame(schema=writer.schema)
