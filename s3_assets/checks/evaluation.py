"""The checks of a table as it is: one look at its metadata, and one pass over its rows for what is left.

What metadata tells is not read: the number of rows, the columns, the newest value of a column, the time of
the newest commit. All checks of single rows share one pass; each check of uniqueness reads its own columns.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from s3_assets.checks import measures
from s3_assets.checks.columns import drift
from s3_assets.checks.duplicates import Compared, unique
from s3_assets.checks.one_pass import Asked, answer, ask, judged, lacks
from s3_assets.checks.outcome import CheckOutcome, outcome
from s3_assets.checks.rules import READS_ROWS, rules
from s3_assets.checks.shown import Shown
from s3_assets.connection.diagnosis import diagnosed
from s3_assets.errors import DataFilesMissingError, TableMissingError
from s3_assets.tables.check_settings import FreshnessCheck, RowCountCheck, SchemaCheck, UniqueCheck

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    import polars as pl

    from s3_assets.checks.rules import Rule
    from s3_assets.tables.table import State, Table
    from s3_assets.windows import Slice, Window

_NEWEST, _COUNT = "\x01newest", "\x01count"


@dataclass(frozen=True)
class Known:
    """What was known of a table before: columns with their types by name, and how many rows it had."""

    columns: Mapping[str, str] | None = None
    rows: int | None = None


def check_table(
    table: Table[Any],
    *,
    part: Window | Slice | None = None,
    known: Callable[[str], Known] | None = None,
    only: Collection[str] | None = None,
    now: datetime | None = None,
) -> list[CheckOutcome]:
    """Look at a table, and return what each of its checks found, in the order of the model.

    `part` are the partitions of a run: rows of others are not looked at, but for `against: table`. Freshness,
    the schema and the number of rows are the whole table's, `per: partition` excepted. `known` tells, for the
    token of the present version, what was known of the one before. `only` names checks.
    A table that is not there has no rows and no columns.
    """
    declared = rules(table.settings.checks)
    wanted = [each for each in declared if only is None or each.name in only]
    if not wanted:
        return []
    try:
        state = table.state()
        if state.describe is not None:
            rows, columns = None, state.describe().columns
        else:
            # No metadata tell the columns: the plan of a read does, and serves the read as well.
            rows = table.scan()
            columns = rows.collect_schema()
    except (TableMissingError, DataFilesMissingError):
        return [_absent(each) for each in wanted]
    before = known(state.version.token) if known is not None else Known()
    shown = Shown.of(declared, table.shown)
    look = _Look(table, part, before, now or datetime.now(UTC), shown, wanted, rows)
    # As it is declared: of some formats, only the opened table tells where it is.
    place = table.connection.location.folder(table.settings.path)
    with diagnosed(table.connection, place.url, OSError):
        return look.all(state, columns)


def _absent(rule: Rule) -> CheckOutcome:
    """Return what is true of a table that is not there: no row of it fails."""
    if isinstance(rule.settings, RowCountCheck):
        return outcome(rule, "there is no table yet", passed=not rule.settings.at_least, rows=0)
    found = not isinstance(rule.settings, FreshnessCheck | SchemaCheck)
    return outcome(rule, "there is no table yet", passed=found)


@dataclass
class _Look:
    """One look at a table."""

    table: Table[Any]
    part: Window | Slice | None
    known: Known
    now: datetime
    shown: Shown
    wanted: list[Rule]
    rows: pl.LazyFrame | None
    """All of the table's, if their read is planned already."""
    found: dict[str, CheckOutcome] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    besides: dict[str, pl.Expr] = field(default_factory=dict)
    whole: dict[str, pl.Expr] = field(default_factory=dict)
    """What is asked of all rows, whatever the part."""

    def all(self, state: State, columns: pl.Schema) -> list[CheckOutcome]:
        """Ask the metadata, then the rows for what is left."""
        for rule in self.wanted:
            told = self._by_metadata(rule, state, columns)
            if told is not None:
                self.found[rule.name] = told
            elif isinstance(rule.settings, READS_ROWS):
                asked = ask(rule, columns)
                if isinstance(asked, CheckOutcome):
                    self.found[rule.name] = asked
                else:
                    self.asked.append(asked)
        self._by_rows(state, columns)
        return [self.found[rule.name] for rule in self.wanted]

    def _by_metadata(self, rule: Rule, state: State, columns: pl.Schema) -> CheckOutcome | None:
        settings = rule.settings
        if isinstance(settings, SchemaCheck):
            return drift(rule, settings, columns, self.known.columns, self.table.name)
        if isinstance(settings, RowCountCheck):
            return self._count(rule, settings, state, columns)
        if isinstance(settings, FreshnessCheck):
            return self._fresh(rule, settings, state, columns)
        return None

    def _count(
        self, rule: Rule, settings: RowCountCheck, state: State, columns: pl.Schema
    ) -> CheckOutcome | None:
        import polars as pl

        if settings.per == "table":
            rows = state.statistics.rows
            if rows is not None:
                return measures.row_count(rule, settings, rows, self.known.rows, by="metadata")
            self.whole[_COUNT] = pl.len()
            return None
        parts = measures.pieces(self.table, self.part, self.now)
        regions = {label: self.table.bounds(each, columns) for label, each in parts.items()}
        counts = {label: state.count(each) if state.count else None for label, each in regions.items()}
        told = {label: rows for label, rows in counts.items() if rows is not None}
        if len(told) == len(counts):
            return measures.partition_counts(rule, settings, told, by="metadata")
        self.besides |= {f"{_COUNT} {label}": each.expression().sum() for label, each in regions.items()}
        return None

    def _fresh(
        self, rule: Rule, settings: FreshnessCheck, state: State, columns: pl.Schema
    ) -> CheckOutcome | None:
        import polars as pl

        if settings.column is None:
            moment = state.written() if state.written is not None else None
            return measures.freshness(rule, settings, moment, self.now, by="metadata")
        refused = of_time(rule, settings.column, columns)
        if refused is not None:
            return refused
        newest = state.newest(settings.column) if state.newest is not None else None
        if newest is not None:
            return measures.freshness(rule, settings, newest, self.now, by="metadata")
        self.whole[_NEWEST] = pl.col(settings.column).max()
        return None

    def _by_rows(self, state: State, columns: pl.Schema) -> None:
        left = [rule for rule in self.wanted if rule.name not in self.found]
        if not left:
            return
        frame = self._all_rows() if self.part is None else self.table.scan(window=self.part)
        told: dict[str, Any] = {}
        if self.part is None:
            self.besides |= self.whole
        elif self.whole:
            told |= answer(self._all_rows(), [], self.whole)[0]
        if self.asked or self.besides:
            besides, counted, rows = answer(with_columns(frame, columns), self.asked, self.besides)
            told |= besides
            for each in self.asked:
                self.found[each.rule.name] = judged(each, counted[each.rule.name], rows, frame, self.shown)
        for rule in left:
            if rule.name not in self.found:
                self.found[rule.name] = self._judge(rule, told, frame, state, columns)

    def _all_rows(self) -> pl.LazyFrame:
        return self.table.scan() if self.rows is None else self.rows

    def _judge(
        self, rule: Rule, told: Mapping[str, Any], frame: pl.LazyFrame, state: State, columns: pl.Schema
    ) -> CheckOutcome:
        settings = rule.settings
        if isinstance(settings, UniqueCheck):
            others = None
            if self.part is not None and settings.against == "table":
                others = self._all_rows().filter(self.table.bounds(self.part, columns).outside())
            size = state.statistics
            return unique(rule, Compared(frame, others, size.rows, size.bytes), self.shown)
        if isinstance(settings, FreshnessCheck):
            return measures.freshness(rule, settings, told[_NEWEST], self.now, by="rows")
        if not isinstance(settings, RowCountCheck):
            raise TypeError(rule.name)
        if settings.per == "table":
            return measures.row_count(rule, settings, told[_COUNT], self.known.rows, by="rows")
        prefix = f"{_COUNT} "
        counts = {name.removeprefix(prefix): int(told[name] or 0) for name in told if name.startswith(prefix)}
        return measures.partition_counts(rule, settings, counts, by="rows")


def of_time(rule: Rule, column: str, columns: pl.Schema) -> CheckOutcome | None:
    """Return the failure of a check of freshness whose column is not there, or tells no time."""
    import polars as pl

    if column not in columns:
        return lacks(rule, [column], columns)
    if columns[column] != pl.Date and not isinstance(columns[column], pl.Datetime):
        return outcome(rule, f"{column} is {columns[column]}, which is no time", passed=False)
    return None


def with_columns(frame: pl.LazyFrame, columns: pl.Schema) -> pl.LazyFrame:
    """Return the rows with all columns of the table: a folder without files of a part has none."""
    import polars as pl

    return frame if frame.collect_schema() else pl.LazyFrame(schema=columns)
