"""The checks of a table one by one: each with its name, how grave it is, and when it is run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from s3_assets.tables.check_settings import (
    AcceptedValuesCheck,
    CheckSettings,
    ExpressionCheck,
    FreshnessCheck,
    NotNullCheck,
    RowCountCheck,
    SchemaCheck,
    UniqueCheck,
)
from s3_assets.tables.durations import readable_duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from s3_assets.tables.check_settings import ChecksSettings, Severity

_NO_NAME = re.compile(r"[^A-Za-z0-9_]")


@dataclass(frozen=True)
class Rule:
    """One check of a table."""

    name: str
    path: tuple[str | int, ...]
    """Where it stands below `checks` in the registry."""
    settings: CheckSettings
    columns: tuple[str, ...]
    """The columns that it names; an expression names its own in SQL."""
    expected: str
    """What is demanded, for people."""
    severity: Severity
    blocking: bool
    before_commit: bool

    @property
    def description(self) -> str:
        """What is demanded, in the registry's words if it has any."""
        return self.settings.description or f"{self.expected[0].upper()}{self.expected[1:]}."

    @property
    def compares(self) -> bool:
        """Whether, before a commit, the answer depends on what the table has already."""
        if isinstance(self.settings, UniqueCheck):
            return self.settings.against == "table"
        # Of partitions, too: an append adds to the rows that they have.
        return isinstance(self.settings, RowCountCheck)


def rules(checks: ChecksSettings | None) -> tuple[Rule, ...]:
    """Return the checks of a table, in the order in which the model has them."""
    return tuple(_rules(checks)) if checks is not None else ()


def _rules(checks: ChecksSettings) -> Iterator[Rule]:
    fresh, schema, count = checks.freshness, checks.schema_, checks.row_count
    if fresh is not None:
        columns: tuple[str, ...] = (fresh.column,) if fresh.column is not None else ()
        what = f"the newest {fresh.column}" if fresh.column is not None else "the newest rows"
        expected = f"{what} no older than {readable_duration(fresh.within)}"
        yield _rule(checks, "freshness", ("freshness",), fresh, columns, expected)
    if schema is not None:
        declared = tuple(schema.columns or ())
        told = f"the {len(declared)} declared columns" if declared else "the columns that there were"
        yield _rule(checks, "schema", ("schema",), schema, declared, told)
    if count is not None:
        yield _rule(checks, "row_count", ("row_count",), count, (), _count_words(count))
    for index, unique in enumerate(checks.unique):
        name = "_".join(("unique", *(_NO_NAME.sub("_", each) for each in unique.columns)))
        expected = f"no two rows with the same {', '.join(unique.columns)}"
        yield _rule(checks, name, ("unique", index), unique, unique.columns, expected)
    if checks.not_null is not None:
        columns = checks.not_null.columns
        expected = f"a value of {', '.join(columns)} in every row"
        yield _rule(checks, "not_null", ("not_null",), checks.not_null, columns, expected)
    for column, accepted in checks.accepted_values.items():
        name = f"accepted_values_{_NO_NAME.sub('_', column)}"
        expected = f"{column} one of {', '.join(map(str, accepted.values))}"
        yield _rule(checks, name, ("accepted_values", column), accepted, (column,), expected)
    for name, expression in checks.expressions.items():
        yield _rule(checks, name, ("expressions", name), expression, (), f"{expression.sql} in every row")


def _rule(
    checks: ChecksSettings,
    name: str,
    path: tuple[str | int, ...],
    settings: CheckSettings,
    columns: tuple[str, ...],
    expected: str,
) -> Rule:
    severity = settings.severity or checks.severity
    blocking = checks.blocking if settings.blocking is None else settings.blocking
    early = checks.before_commit if settings.before_commit is None else settings.before_commit
    if isinstance(settings, FreshnessCheck) and settings.column is None:
        # The time of a commit is not known before it is made.
        early = False
    return Rule(name, path, settings, columns, expected, severity, blocking and severity == "error", early)


def _count_words(count: RowCountCheck) -> str:
    limits = []
    if count.at_least is not None:
        limits.append(f"at least {count.at_least:,} rows")
    if count.at_most is not None:
        limits.append(f"at most {count.at_most:,} rows")
    if count.change is not None:
        limits.append(f"rows that changed by {count.change:.4g} of themselves at most")
    each = " in each partition" if count.per == "partition" else ""
    return f"{' and '.join(limits)}{each}"


READS_ROWS = (NotNullCheck, AcceptedValuesCheck, ExpressionCheck)
"""Checks that all rows are looked at for, one by one, in one pass."""
__all__ = ["READS_ROWS", "Rule", "SchemaCheck", "rules"]
