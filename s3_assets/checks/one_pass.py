"""Checks that look at every row, answered together by one pass over the columns that they name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from s3_assets.checks.outcome import outcome
from s3_assets.tables.check_settings import AcceptedValuesCheck, ExpressionCheck, NotNullCheck

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import polars as pl

    from s3_assets.checks.outcome import CheckOutcome
    from s3_assets.checks.rules import Rule
    from s3_assets.checks.shown import Shown

_ROWS = "\x01rows"


@dataclass(frozen=True)
class Asked:
    """One rule, as a condition that is true of the rows which fail it."""

    rule: Rule
    fails: pl.Expr
    parts: Mapping[str, pl.Expr]
    """The same by what is told of it, such as each column that may not be null."""


def ask(rule: Rule, schema: pl.Schema) -> Asked | CheckOutcome:
    """Return what is asked of each row, or that a column is not there or does not fit."""
    import polars as pl

    missing = [column for column in rule.columns if column not in schema]
    if missing:
        return lacks(rule, missing, schema)
    settings = rule.settings
    if isinstance(settings, NotNullCheck):
        parts = {column: pl.col(column).is_null() for column in settings.columns}
        return Asked(rule, pl.any_horizontal(parts.values()), parts)
    if isinstance(settings, AcceptedValuesCheck):
        column = rule.columns[0]
        try:
            accepted = _as_column(settings.values, schema[column])
        except (pl.exceptions.PolarsError, TypeError, ValueError):
            return outcome(
                rule, f"{column} is {schema[column]}, which has no such values as are accepted", passed=False
            )
        return Asked(rule, pl.col(column).is_in(accepted.implode()).not_(), {})
    if not isinstance(settings, ExpressionCheck):
        raise TypeError(rule.name)
    return _ask_sql(rule, settings.sql, schema)


def lacks(rule: Rule, missing: Sequence[str], schema: Iterable[str]) -> CheckOutcome:
    """Return that columns are not there that a rule names."""
    there = ", ".join(schema) or "none"
    return outcome(rule, f"there is no column {', '.join(missing)}: the columns are {there}", passed=False)


def answer(
    frame: pl.LazyFrame, asked: Sequence[Asked], besides: Mapping[str, pl.Expr]
) -> tuple[Mapping[str, Any], Mapping[str, Mapping[str, int]], int]:
    """Run the frame once: the values of `besides`, the rows that fail by rule and part, and all rows."""
    import polars as pl

    wanted: dict[str, pl.Expr] = {_ROWS: pl.len(), **besides}
    for index, each in enumerate(asked):
        # Null is neither: a condition that cannot be told passes, as a CHECK of SQL does.
        parts = {"": each.fails, **each.parts}
        wanted |= {_part(index, name): part.sum() for name, part in parts.items()}
    found = frame.select(**wanted).collect(engine="streaming").row(0, named=True)
    counted = {
        each.rule.name: {name: int(found[_part(index, name)] or 0) for name in ("", *each.parts)}
        for index, each in enumerate(asked)
    }
    return {name: found[name] for name in besides}, counted, int(found[_ROWS])


def judged(
    each: Asked, counted: Mapping[str, int], rows: int, frame: pl.LazyFrame, shown: Shown
) -> CheckOutcome:
    """Return what was found for one rule; keys of rows that fail are looked for if they may be shown."""
    failed = counted[""]
    result = outcome(each.rule, _words(each, counted, rows), passed=not failed, failed_rows=failed, rows=rows)
    result = replace(result, by="rows")
    if failed:
        result = replace(result, examples=shown.examples(frame.filter(each.fails)))
    return result


def _words(each: Asked, counted: Mapping[str, int], rows: int) -> str:
    failed = counted[""]
    if not failed:
        return f"none of {rows:,} rows fails"
    of = f"{failed:,} of {rows:,} rows"
    if isinstance(each.rule.settings, NotNullCheck):
        nulls = ", ".join(f"{name} in {count:,}" for name, count in counted.items() if name and count)
        return f"{of} lack a value: {nulls}"
    if isinstance(each.rule.settings, AcceptedValuesCheck):
        return f"{of} have another {each.rule.columns[0]}"
    return f"{of} fail"


def _part(index: int, name: str) -> str:
    return f"\x01{index}\x01{name}"


def _as_column(values: Sequence[Any], dtype: pl.DataType) -> pl.Series:
    """Return accepted values in a column's own type; raises where one of them is none of it."""
    import polars as pl

    if dtype == pl.Date:
        return pl.Series([str(value) for value in values]).str.to_date()
    if isinstance(dtype, pl.Datetime):
        zone = "UTC" if dtype.time_zone else None
        return pl.Series([str(value) for value in values]).str.to_datetime(time_zone=zone).cast(dtype)
    if dtype != pl.Boolean and any(isinstance(value, bool) for value in values):
        # Polars takes True for 1.
        raise TypeError(dtype)
    # As Decimal they are exact, and whole ones may stand beside others.
    exact = [Decimal(str(value)) for value in values] if dtype.is_decimal() else values
    return pl.Series(exact, dtype=dtype, strict=True)


def _ask_sql(rule: Rule, sql: str, schema: pl.Schema) -> Asked | CheckOutcome:
    import polars as pl

    try:
        condition = pl.sql_expr(sql)
        dtype = pl.LazyFrame(schema=schema).select(condition.alias("it")).collect_schema()["it"]
    except pl.exceptions.PolarsError as error:
        return outcome(rule, f"it cannot be told: {str(error).splitlines()[0]}", passed=False)
    if dtype != pl.Boolean:
        return outcome(rule, f"it is {dtype} of a row, not true or false", passed=False)
    return Asked(rule, condition.not_(), {})
