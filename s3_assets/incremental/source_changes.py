"""What became of a source's rows since a cursor: by its change feed, by its files, or by all of its rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from s3_assets.connection.diagnosis import diagnosed
from s3_assets.engines.engine import Rows
from s3_assets.errors import (
    ChangeFeedMissingError,
    HistoryGapError,
    HistoryLostError,
    ObjectMissingError,
    SourceRewrittenError,
)
from s3_assets.incremental.changes import Changes
from s3_assets.incremental.comparison import compare, rows_of
from s3_assets.incremental.feed import reduce_feed
from s3_assets.metrics import phase
from s3_assets.tables.positions import StatePosition, VersionPosition
from s3_assets.tables.table import Capability, Difference, Plan, ReadMode

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    import polars as pl

    from s3_assets.engines.engine import Engine
    from s3_assets.tables.positions import Position
    from s3_assets.tables.table import Table, Writer

    Transform = Callable[[pl.LazyFrame], pl.LazyFrame]

OnGap = Literal["fail", "full_refresh"]
# If more keys than these differ, all rows are written anew, as a stream, instead of being held.
_MOST_HELD = 2_000_000
# Below so many bytes it does not matter how many rows there are: their keys fit into memory.
_FEW_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True)
class Found:
    """What was found: `changes` is None where all rows are to be written anew."""

    plan: Plan
    until: Position
    changes: Changes | None = None
    rows: Rows | None = None
    """All rows of the source behind its filters, where they were planned."""


@dataclass(frozen=True)
class Source:
    """A source that is mirrored, behind its filters."""

    table: Table[Any]
    keys: tuple[str, ...]
    transform: Transform | None = None
    uncompared: frozenset[str] = frozenset()
    """Columns that say when a row was loaded, and nothing of the row."""
    engine: Engine | None = None
    """Who runs all rows of the source, where they can be cut; None: Polars, in this process."""

    @phase("plan")
    def current(self) -> Found:
        """Plan all rows as they are now."""
        # Before the plan: what comes in between is seen again by the next run.
        token = None if self._has_versions else self.table.version().token
        plan = self.table.plan()
        until = plan.until if token is None else StatePosition(token)
        rows = Rows.planned(plan, self.transform, self.engine)
        return Found(replace(plan, frame=rows.frame, look_first=None), until, rows=rows)

    @phase("plan")
    def since(self, position: Position, target: Table[Any], writer: Writer, on_gap: OnGap) -> Found:
        """Find what has changed; the plan is empty if nothing has.

        Raises `HistoryLostError` and `SourceRewrittenError` if the feed does not reach back to the position,
        unless `on_gap` lets all rows be compared then.
        """
        told: tuple[str, ...] = ()
        if Capability.READ_CHANGES in self.table.capabilities:
            try:
                return self._by_feed(position, writer)
            except ChangeFeedMissingError:
                # Nothing is lost with it: its files, or its rows, tell the same.
                pass
            except (HistoryGapError, SourceRewrittenError) as error:
                if on_gap == "fail":
                    raise
                told = (f"{error.found}: all rows were compared (on_gap: full_refresh)",)
                return self._by_rows(target, writer, told)
        if not self._has_versions and position == StatePosition(self.table.version().token):
            return Found(_nothing(position), position)
        try:
            difference = self.table.difference(position)
            if difference is not None:
                return self._by_files(difference, writer)
        except (HistoryLostError, ObjectMissingError):
            told = ("the files that were read before are gone: all rows were compared",)
        return self._by_rows(target, writer, told)

    def look_up(self, until: Position, wanted: pl.DataFrame) -> pl.DataFrame:
        """Return the rows of these keys as they were at `until`."""
        at = until.version if isinstance(until, VersionPosition) else None
        with self.reading():
            return rows_of(Rows.planned(self.table.plan(at=at), self.transform, self.engine), wanted)

    def filtered(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Run the filters."""
        return frame if self.transform is None else self.transform(frame)

    def rows(self, plan: Plan) -> int | None:
        """Return how many rows a plan of all rows reads, if it matters and is known."""
        return self.table.statistics().rows if plan.bytes > _FEW_BYTES else None

    @property
    def _has_versions(self) -> bool:
        return Capability.TIME_TRAVEL in self.table.capabilities

    def _by_feed(self, position: Position, writer: Writer) -> Found:
        plan = self.table.plan(ReadMode.CHANGES, since=position)
        if plan.empty or writer.merges is None:
            return Found(plan, plan.until)
        feed = plan.frame.collect(engine="streaming")
        return Found(plan, plan.until, reduce_feed(feed, self.keys, self.transform, self.table.name))

    def _by_files(self, found: Difference, writer: Writer) -> Found:
        before, after = Rows(self.filtered(found.before)), Rows(self.filtered(found.after))
        plan = Plan(after.frame, ReadMode.CHANGES, found.until, found.files, found.bytes, empty=found.empty)
        if found.empty or writer.merges is None:
            return Found(plan, found.until)
        # The target has the source's other rows: only there it shows that a new key is none.
        return Found(plan, found.until, self._compared(before, after, plan, known=False))

    def _by_rows(self, target: Table[Any], writer: Writer, told: tuple[str, ...]) -> Found:
        found = self.current()
        plan = replace(found.plan, notes=(*found.plan.notes, *told))
        if writer.merges is None or found.rows is None:
            return replace(found, plan=plan)
        pinned = int(writer.version.token) if Capability.TIME_TRAVEL in target.capabilities else None
        before = Rows.planned(target.plan(at=pinned), None, self.engine)
        changes = self._compared(before, found.rows, plan, known=True)
        return replace(found, plan=plan, changes=changes)

    def _compared(self, before: Rows, after: Rows, plan: Plan, *, known: bool) -> Changes | None:
        """Compare two states; `known`: the first one is the whole target."""
        with self.reading():
            found = compare(
                before,
                after,
                self.keys,
                uncompared=self.uncompared,
                table=self.table.name,
                count=self.rows(plan) if known else None,
                size=plan.bytes,
                most=_MOST_HELD,
            )
            if found is None or found.keyless:
                return None
            none = found.gone.clear()
            return Changes(rows_of(after, found.put), found.gone, none if known else found.fresh, none)

    def reading(self) -> AbstractContextManager[None]:
        """Turn what an engine raises while it reads into errors of ours."""
        return diagnosed(self.table.files_connection, self.table.location.url, OSError)


def _nothing(position: Position) -> Plan:
    import polars as pl

    return Plan(pl.LazyFrame(), ReadMode.CURRENT, position, 0, 0, empty=True)
