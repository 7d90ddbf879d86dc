"""Imports: S3 files or tables become rows of a table."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from s3_assets.engines.engine import Rows
from s3_assets.incremental.batches import append_in_batches
from s3_assets.incremental.outcome import Outcome
from s3_assets.incremental.overwrite import overwrite
from s3_assets.incremental.run_notes import IMPORT, ReadNote, began, write_reads
from s3_assets.metrics import phase
from s3_assets.movement.load import Load
from s3_assets.movement.modes import ImportMode
from s3_assets.movement.replacing import replace_on_new_data
from s3_assets.movement.shaping import Shaping
from s3_assets.tables.naming import naming
from s3_assets.tables.portions import TableReference
from s3_assets.tables.table import Plan, ReadMode

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from s3_assets.engines.engine import Engine
    from s3_assets.movement.filters import Filters
    from s3_assets.movement.placement import Placement
    from s3_assets.progress import Progress
    from s3_assets.tables.positions import Limit
    from s3_assets.tables.table import Table
    from s3_assets.windows import Window

__all__ = ["Import", "ImportMode"]


@dataclass(frozen=True)
class Import:
    """One import, ready to run: tables are opened when it does."""

    name: str
    source: Table[Any]
    target: Table[Any]
    mode: ImportMode
    filters: Filters | None = None
    placement: Placement | None = None
    key: tuple[str, ...] = ()
    on_gap: Literal["fail", "full_refresh"] = "fail"
    limit: Limit | None = None
    max_batches: int | None = None
    engine: Engine | None = None
    """Who runs the rows; None: Polars, in this process."""

    @property
    def stream(self) -> str:
        """The stable id of the cursor: the target's name, then the source's."""
        return f"{self.target.name}/{self.source.name}"

    @property
    def sorts_out(self) -> bool:
        """Whether placement tells the rows of a window: the source has no partitions that could be read."""
        placed = self.placement is not None and self.placement.column is not None
        return placed and self.source.settings.partitions is None

    def run(
        self,
        *,
        window: Window | None = None,
        notes: Mapping[str, str] | None = None,
        progress: Progress | None = None,
    ) -> Outcome:
        """Run it once; `window` is for the modes that replace, and names the partitions that are replaced.

        One moment is the load time of all rows. Raises `SchemaMismatchError` for filters and placements that
        do not fit the source's columns, before a row is read.
        """
        if self.engine is not None and self.filters is not None:
            self.filters.require_declared()
        run = _Run(self, Load(self.name, self.source.name, datetime.now(UTC)), window)
        told = {IMPORT: self.name, **began(run.load.moment), **(notes or {})}
        with naming(self.target, self.source), run.load.reading():
            outcome = self._run(run, told, progress)
        told_besides = (*outcome.notes, *run.load.remarks, *self._uncut(outcome))
        return replace(outcome, notes=told_besides, origins=run.load.origins)

    def _uncut(self, outcome: Outcome) -> tuple[str, ...]:
        """Say that workers were not asked, though they should have been."""
        if self.engine is None or outcome.written is None or outcome.plan.cut is not None:
            return ()
        if self.mode is ImportMode.MIRROR:
            return ()
        why = "its rows are told by a change feed, or not by whole files"
        return (
            f"'{self.source.name}' could not be cut for {self.engine.name} ({why}): this process read it",
        )

    def _run(self, run: _Run, notes: Mapping[str, str], progress: Progress | None) -> Outcome:
        if self.mode is ImportMode.APPEND:
            return append_in_batches(
                self.target,
                self.stream,
                self.source,
                limit=self.limit,
                max_batches=self.max_batches,
                transform=run.shape,
                notes=notes,
                progress=progress,
                on_gap=self.on_gap,
                engine=self.engine,
            )
        if self.mode is ImportMode.REPLACE:
            return run.replace(notes, progress)
        if self.mode is ImportMode.MIRROR:
            # What it compares with takes a while to load.
            from s3_assets.incremental.mirror import mirror

            return mirror(
                self.target,
                self.stream,
                self.source,
                keys=self.key,
                transform=run.shape,
                notes=notes,
                progress=progress,
                on_gap=self.on_gap,
                uncompared=run.load_times,
                engine=self.engine,
            )
        return replace_on_new_data(
            self.target,
            self.stream,
            self.source,
            read=run.plan,
            transform=run.shape,
            window=run.window,
            notes=notes,
            progress=progress,
            engine=self.engine,
        )

    def shaped(self, frame: pl.LazyFrame, *, moment: datetime | None = None) -> pl.LazyFrame:
        """Return rows of the source as a run at that moment (left out: now) would write them."""
        load = Load(self.name, self.source.name, moment or datetime.now(UTC))
        return _Run(self, load, None).shape(frame)


class _Run:
    """One run: its load time, and its window."""

    def __init__(self, job: Import, load: Load, window: Window | None) -> None:
        self._job = job
        self.load = load
        self.window = window
        self.shape = Shaping(
            load,
            job.filters,
            job.placement,
            TableReference.of(job.target),
            # Of a mirror, a row that did not change stays where it is: the load time has to be asked for.
            assumes=window is None and job.mode is not ImportMode.MIRROR,
            sorted_out=window if job.sorts_out else None,
        )

    @property
    def load_times(self) -> frozenset[str]:
        """The columns that tell when a row was loaded, and nothing of the row."""
        job = self._job
        added = job.filters.add_time if job.filters is not None else None
        found = {added.column} if added is not None else set[str]()
        partitions = job.target.settings.partitions
        if partitions is not None and job.placement is not None and job.placement.column is None:
            found.add(partitions.column)
        return frozenset(found)

    @phase("plan")
    def plan(self) -> Plan:
        """Plan a read of the window's rows as they are now."""
        window = None if self._job.sorts_out else self.window
        return self._job.source.plan(ReadMode.CURRENT, window=window)

    def replace(self, notes: Mapping[str, str], progress: Progress | None) -> Outcome:
        """Replace the window, or all rows."""
        job = self._job
        started = time.monotonic()
        plan = self.plan()
        read = write_reads([ReadNote.of_source(job.source.name, plan)])
        written = overwrite(
            job.target,
            Rows.planned(plan, self.shape, job.engine),
            window=self.window,
            notes={**notes, **read},
            progress=progress,
        )
        return Outcome(plan, written, seconds=time.monotonic() - started, notes=plan.remarks)
