"""One look at rows that are about to be committed: by the footers of their parts, else by the rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from s3_assets.checks import measures
from s3_assets.checks.duplicates import Compared, unique
from s3_assets.checks.evaluation import of_time, with_columns
from s3_assets.checks.one_pass import Asked, answer, ask, judged
from s3_assets.checks.outcome import CheckOutcome, outcome
from s3_assets.checks.rules import READS_ROWS
from s3_assets.tables.check_settings import FreshnessCheck, NotNullCheck, RowCountCheck, UniqueCheck
from s3_assets.tables.table import HELD, WriteMode

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from s3_assets.checks.gate import Gate
    from s3_assets.checks.rules import Rule
    from s3_assets.checks.staged import Staged
    from s3_assets.tables.regions import Region
    from s3_assets.tables.table import Merge, State, Writer

_NEWEST, _COUNT = "\x01newest", "\x01count"


@dataclass
class Examination:
    """One look at the rows of one write."""

    gate: Gate
    writer: Writer
    staged: Staged
    region: Region | None
    merge: Merge | None
    found: dict[str, CheckOutcome] = field(default_factory=dict)

    def all(self, wanted: Sequence[Rule]) -> dict[str, CheckOutcome]:
        """Ask the footers, then the rows for what is left: all of them in one pass, but for uniqueness."""
        asked: list[Asked] = []
        besides: dict[str, pl.Expr] = {}
        for rule in wanted:
            told = self._begin(rule, besides)
            if isinstance(told, Asked):
                asked.append(told)
            elif told is not None:
                self.found[rule.name] = told
        values: dict[str, Any] = {}
        rows = self.staged.rows
        counts = any(isinstance(each.settings, RowCountCheck) for each in wanted)
        if asked or besides or (rows is None and counts):
            found, counted, rows = answer(self.staged.frame, asked, besides)
            values |= found
            for each in asked:
                self.found[each.rule.name] = judged(
                    each, counted[each.rule.name], rows, self.staged.frame, self.gate.shown
                )
        for rule in wanted:
            if rule.name not in self.found:
                self.found[rule.name] = self._end(rule, values, rows)
        return self.found

    def _begin(self, rule: Rule, besides: dict[str, pl.Expr]) -> Asked | CheckOutcome | None:
        """Answer a rule by the footers, or say what is to be asked of the rows."""
        import polars as pl

        settings, schema = rule.settings, self.staged.schema
        if isinstance(settings, READS_ROWS):
            asked = ask(rule, schema)
            if isinstance(settings, NotNullCheck) and self.staged.without_nulls(settings.columns):
                rows = self.staged.rows
                return outcome(rule, f"none of {rows:,} rows fails", passed=True, failed_rows=0, rows=rows)
            return asked
        if isinstance(settings, FreshnessCheck) and settings.column is not None:
            refused = of_time(rule, settings.column, schema)
            if refused is not None:
                return refused
            if self.staged.newest(settings.column) is None:
                besides[_NEWEST] = pl.col(settings.column).max()
        if isinstance(settings, RowCountCheck) and settings.per == "partition":
            if self.gate.part is None:
                return outcome(
                    rule, "the write is of no partitions: they are counted behind the commit", passed=True
                )
            for label, region in self._partitions.items():
                besides[f"{_COUNT} {label}"] = region.expression().sum()
        return None

    def _end(self, rule: Rule, values: dict[str, Any], rows: int | None) -> CheckOutcome:
        settings = rule.settings
        if isinstance(settings, UniqueCheck):
            return self._unique(rule, settings)
        if isinstance(settings, FreshnessCheck):
            return self._fresh(rule, settings, values)
        if not isinstance(settings, RowCountCheck):
            raise TypeError(rule.name)
        if settings.per == "partition":
            there = self._rows_added_to()
            told = {
                label: int(values[f"{_COUNT} {label}"] or 0) + there.get(label, 0)
                for label in self._partitions
            }
            return measures.partition_counts(rule, settings, told, by="rows")
        before = self._rows_before
        after = before - self._rows_taken_out() + (rows or 0)
        return measures.row_count(rule, settings, after, before, by="metadata")

    def _fresh(self, rule: Rule, settings: FreshnessCheck, values: dict[str, Any]) -> CheckOutcome:
        """Judge the table as it would be: fresh by the new rows, or by those that it has."""
        import polars as pl

        column = settings.column or ""
        now = datetime.now(UTC)
        newest = values.get(_NEWEST) or self.staged.newest(column)
        found = measures.freshness(rule, settings, newest, now, by="rows")
        if found.passed or self.gate.mode is WriteMode.REPLACE or column not in self.writer.schema:
            return found
        state = self._table
        there = state.newest(column) if state.newest is not None else None
        if there is None:
            there = self.gate.table.scan().select(pl.col(column).max()).collect(engine="streaming").item()
        other = measures.freshness(rule, settings, there, now, by="rows")
        return other if other.passed else found

    def _unique(self, rule: Rule, settings: UniqueCheck) -> CheckOutcome:
        others, total = None, self.staged.rows
        if settings.against == "table" and set(rule.columns) <= set(self.staged.schema):
            others = self._others(rule)
        if others is not None:
            total = max(total or 0, self._rows_before)
        size = sum(each.part.bytes for each in self.staged.parts or ())
        return unique(rule, Compared(self.staged.frame, others, total, size), self.gate.shown)

    def _others(self, rule: Rule) -> pl.LazyFrame | None:
        """Return the rows that stay in the table beside those of the write; None if there are none."""
        if self.gate.mode is WriteMode.REPLACE or not self._rows_before:
            return None
        there = self.gate.table.scan()
        if not set(rule.columns) <= set(there.collect_schema()):
            return None
        if self.merge is not None:
            return there.join(self.merge.touched.lazy(), on=self.merge.keys, how="anti")
        if self.gate.mode is WriteMode.OVERWRITE and self.region is not None:
            return there.filter(self.region.outside())
        return there

    @cached_property
    def _rows_before(self) -> int:
        """The rows of the table as it is."""
        import polars as pl

        statistics = self._table.statistics
        if statistics.rows is not None or not statistics.files:
            return statistics.rows or 0
        return int(self.gate.table.scan().select(pl.len()).collect(engine="streaming").item())

    def _rows_taken_out(self) -> int:
        """Return the rows that the write replaces."""
        import polars as pl

        if self.gate.mode is WriteMode.APPEND:
            return 0
        if self.merge is not None:
            return int(self.writer.held(self.merge.touched)[HELD].sum())
        if self.gate.mode is WriteMode.REPLACE or self.region is None:
            return self._rows_before
        if not self._table.statistics.files:
            return 0
        told = self._table.count(self.region) if self._table.count is not None else None
        if told is not None:
            return told
        inside = self.gate.table.scan(window=self.gate.part)
        return int(inside.select(pl.len()).collect(engine="streaming").item())

    @cached_property
    def _partitions(self) -> dict[str, Region]:
        """The single partitions of the write."""
        parts = measures.pieces(self.gate.table, self.gate.part, datetime.now(UTC))
        return {label: self.gate.table.bounds(each, self.staged.schema) for label, each in parts.items()}

    def _rows_added_to(self) -> dict[str, int]:
        """Return the rows that the partitions of the write have already, and keep."""
        if self.gate.mode is not WriteMode.APPEND or not self._table.statistics.files:
            return {}
        count = self._table.count
        counted = {
            label: count(each) if count is not None else None for label, each in self._partitions.items()
        }
        told = {label: rows for label, rows in counted.items() if rows is not None}
        if len(told) == len(counted):
            return told
        frame = with_columns(self.gate.table.scan(window=self.gate.part), self.staged.schema)
        found = answer(
            frame, [], {label: each.expression().sum() for label, each in self._partitions.items()}
        )[0]
        return {label: int(rows or 0) for label, rows in found.items()}

    @cached_property
    def _table(self) -> State:
        return self.gate.table.state()
