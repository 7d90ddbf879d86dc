"""Plans of Iceberg reads: of one snapshot, whole or some of its files, and of what came behind a cursor."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from s3_assets.errors import HistoryLostError
from s3_assets.tables import iceberg_files
from s3_assets.tables.change_columns import change_schema
from s3_assets.tables.iceberg_added import behind, expired, start_of
from s3_assets.tables.iceberg_changes import as_inserts, changes
from s3_assets.tables.iceberg_deletes import targets
from s3_assets.tables.iceberg_files import Files
from s3_assets.tables.iceberg_portions import cut as portions
from s3_assets.tables.iceberg_range import take
from s3_assets.tables.iceberg_rows import rows
from s3_assets.tables.iceberg_scan import Scanner
from s3_assets.tables.iceberg_snapshots import NO_SNAPSHOT, position_of
from s3_assets.tables.positions import Limit, Partly, Position, VersionPosition
from s3_assets.tables.table import Plan, ReadMode

if TYPE_CHECKING:
    import polars as pl
    from pyiceberg.schema import Schema
    from pyiceberg.table import Table as Handle
    from pyiceberg.table.snapshots import Snapshot

    from s3_assets.tables.iceberg import IcebergTable
    from s3_assets.tables.regions import Region


@dataclass(frozen=True)
class Planner:
    """An open table, the columns that are read, and the window that they are read in."""

    table: IcebergTable
    handle: Handle
    schema: Schema
    columns: pl.Schema
    mode: ReadMode
    window: Region | None

    def snapshot(self, snapshot: Snapshot | None, limit: Limit | None = None, begun: int = 0) -> Plan:
        """Plan the rows of a snapshot; `begun` files of it, by path, were read before."""
        import polars as pl

        until = position_of(self.handle, snapshot)
        if begun or limit is not None:
            whole = iceberg_files.live(self.handle, snapshot, self.schema)
            files, end = self._some(whole, limit, begun)
            if end < len(whole.data):
                until = replace(until, partly=Partly(end, of_snapshot=True))
        else:
            files = iceberg_files.live(self.handle, snapshot, self.schema, self.window)
        frame = self._rows(files)
        if self.mode is ReadMode.CHANGES:
            empty = pl.LazyFrame(schema=change_schema(self.columns))
            frame = empty if snapshot is None else as_inserts(frame, self.handle, snapshot)
            cut = None
        else:
            cut = portions(self.table, self.schema, files, self.window)
        total = iceberg_files.summarized(snapshot)
        return Plan(
            frame,
            self.mode,
            until,
            files.count,
            files.bytes,
            total_files=None if total is None else total.files,
            total_bytes=None if total is None else total.bytes,
            empty=not files.data,
            more=until.partly is not None,
            cut=cut,
        )

    def since(self, since: Position, current: Snapshot | None, limit: Limit | None) -> Plan:
        """Plan what came behind a position; raises a `HistoryGapError` if that cannot be told."""
        start = start_of(self.handle, since)
        if start.version == NO_SNAPSHOT:
            return self.snapshot(current, limit)
        if start.partly is not None and start.partly.of_snapshot:
            return self._resume(start, current, limit)
        if self.mode is ReadMode.CHANGES and start.partly is not None:
            raise HistoryLostError(
                f"of snapshot {start.version} {start.partly.files:,} files were read, and its changes are "
                "read whole",
                remedy="Go on with read_mode: added, or reset the cursor.",
            )
        return self._range(start, current, limit)

    def _resume(self, start: VersionPosition, current: Snapshot | None, limit: Limit | None) -> Plan:
        # That it is still an ancestor of the current one: else its rows are no longer the table's.
        newer = behind(self.handle, replace(start, partly=None), current)
        pinned = self.handle.snapshot_by_id(start.version)
        if pinned is None or start.partly is None:
            raise expired(self.handle, start)
        found = self.snapshot(pinned, limit, start.partly.files)
        return replace(found, more=found.more or bool(newer))

    def _range(self, start: VersionPosition, current: Snapshot | None, limit: Limit | None) -> Plan:
        import polars as pl

        taken = take(self.handle, start, current, self.mode, limit)
        cut = None
        if self.mode is ReadMode.ADDED:
            added = Files(tuple(each for files in taken.files.values() for each in files))
            added = self._inside(added)
            frame, count, size = self._rows(added), added.count, added.bytes
            cut = portions(self.table, self.schema, added, self.window)
        else:
            frames, count, size = changes(Scanner(self.table, self.handle), self.schema, taken)
            columns = change_schema(self.columns)
            frame = pl.concat(frames).select(list(columns)) if frames else pl.LazyFrame(schema=columns)
            if self.window is not None:
                frame = frame.filter(self.window.expression())
        return Plan(
            frame,
            self.mode,
            taken.until,
            count,
            size,
            empty=not count,
            more=taken.more,
            passed=0 if count else len(taken.steps),
            notes=taken.notes,
            cut=cut,
        )

    def _some(self, whole: Files, limit: Limit | None, begun: int) -> tuple[Files, int]:
        """Return files behind the first `begun` up to the limit, and how many of all have been read then.

        Files outside the window cost nothing.
        """
        ordered = sorted(whole.data, key=lambda each: each.file.file_path)
        rest = Files(tuple(ordered[begun:]), whole.deletes)
        chosen = self._inside(rest)
        if limit is None:
            return chosen, len(ordered)
        count = limit.count(each.file.file_size_in_bytes for each in chosen.data)
        if count == len(chosen.data):
            return chosen, len(ordered)
        return Files(chosen.data[:count], chosen.deletes), ordered.index(chosen.data[count])

    def _inside(self, files: Files) -> Files:
        if self.window is None:
            return files
        return iceberg_files.inside(self.handle, files, self.schema, self.window)

    def _rows(self, files: Files) -> pl.LazyFrame:
        import polars as pl

        if not files.data:
            return pl.LazyFrame(schema=self.columns)
        frame = rows(Scanner(self.table, self.handle), self.schema, targets(files))
        return frame if self.window is None else frame.filter(self.window.expression())
