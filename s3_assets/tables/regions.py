"""Regions: which rows the partitions of a run are, as conditions on columns that all have to hold.

A span of time is a range of the partition column; keys are values of columns of their own. No region is ever
wider than the partitions that it was made of: a key that a column cannot hold as it is is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from s3_assets.errors import PartitionColumnError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import polars as pl

    from s3_assets.tables.partitioning import Bound, Bounds

# Where folders are named for values, these mean null (Apache Hive; Delta protocol, "Partition Value
# Serialization").
_NULLS = frozenset({"", "__HIVE_DEFAULT_PARTITION__"})
_FEW = 5


@dataclass(frozen=True)
class Condition:
    """Values of one column: those in any of the ranges, or those that are named."""

    column: str
    ranges: tuple[Bounds, ...] = ()
    values: tuple[Bound, ...] = ()

    def __str__(self) -> str:
        if self.ranges:
            spans = [f"[{each.low}, {each.high})" for each in self.ranges[:_FEW]]
            return f"{' or '.join(spans)}{_more(len(self.ranges))} of '{self.column}'"
        named = ", ".join(repr(value) for value in self.values[:_FEW])
        return f"{named}{_more(len(self.values))} of '{self.column}'"

    def expression(self) -> pl.Expr:
        """The predicate for Polars; a null never fulfils it."""
        import polars as pl

        if self.ranges:
            return pl.any_horizontal([each.expression() for each in self.ranges])
        column = pl.col(self.column)
        if len(self.values) == 1:
            return column == pl.lit(self.values[0])
        return column.is_in(list(self.values))

    def contains(self, value: Bound) -> bool:
        """Tell whether a value of the column's type fulfils it."""
        return value in self.values or any(each.contains(value) for each in self.ranges)

    def holds(self, smallest: Any, largest: Any) -> bool:  # noqa: ANN401 - values of the column's type
        """Tell whether all values between these two, which are there, fulfil it for certain."""
        if self.ranges:
            return any(each.contains(smallest) and each.contains(largest) for each in self.ranges)
        return smallest == largest and smallest in self.values

    def may_meet(self, smallest: Any, largest: Any) -> bool:  # noqa: ANN401 - values of the column's type
        """Tell whether a value between these two may fulfil it; None: it is not known how small or large."""
        spans: Iterable[tuple[Any, Any, bool]] = (
            [(each.low, each.high, False) for each in self.ranges]
            if self.ranges
            else [(value, value, True) for value in self.values]
        )
        return any(
            (smallest is None or smallest < high or (closed and smallest == high))
            and (largest is None or largest >= low)
            for low, high, closed in spans
        )

    def over(self, column: str) -> Condition:
        """Return the same condition of another column of the same type."""
        return Condition(column, tuple(replace(each, column=column) for each in self.ranges), self.values)

    @property
    def zone(self) -> str | None:
        """The time zone of the column, for a timestamp that has one."""
        return self.ranges[0].zone if self.ranges else None

    @property
    def example(self) -> Bound:
        """One of its bounds, or values: all are of one type, the column's."""
        return self.ranges[0].low if self.ranges else self.values[0]


@dataclass(frozen=True)
class Region:
    """Rows for which every condition holds, each on a column of its own."""

    conditions: tuple[Condition, ...]

    @classmethod
    def of(cls, bounds: Bounds) -> Region:
        """Return the region of one range."""
        return cls((Condition(bounds.column, (bounds,)),))

    def __str__(self) -> str:
        return " and ".join(map(str, self.conditions))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that tell whether a row is inside."""
        return tuple(each.column for each in self.conditions)

    def expression(self) -> pl.Expr:
        """The predicate for Polars; a null is never inside."""
        import polars as pl

        if len(self.conditions) == 1:
            return self.conditions[0].expression()
        return pl.all_horizontal([each.expression() for each in self.conditions])

    def outside(self) -> pl.Expr:
        """The predicate of the rows that are not inside, nulls among them."""
        return ~self.expression().fill_null(value=False)

    def contains(self, values: Mapping[str, Any]) -> bool:
        """Tell whether a row of these values is inside; a column that is not there, or null, never is."""
        return all(
            values.get(each.column) is not None and each.contains(values[each.column])
            for each in self.conditions
        )


def values_of(column: str, keys: Iterable[str], dtype: pl.DataType, table: str) -> Condition:
    """Return the condition that a column equals one of Dagster's keys, as its type writes them.

    Raises `PartitionColumnError` for a key that the column cannot hold, or holds for another one as well.
    """
    return Condition(column, values=tuple(_value(column, key, dtype, table) for key in keys))


def _value(column: str, key: str, dtype: pl.DataType, table: str) -> Bound:
    import polars as pl

    if key in _NULLS:
        raise _refusal(column, table, f"the key '{key}' is how folders write a null", "Choose another key.")
    if dtype == pl.String or isinstance(dtype, pl.Categorical | pl.Enum):
        return key
    if dtype.is_integer():
        digits = key.removeprefix("-")
        if digits.isascii() and digits.isdigit() and str(int(key)) == key:
            return int(key)
    elif dtype == pl.Date:
        try:
            found = date.fromisoformat(key)
        except ValueError:
            found = None
        if found is not None and found.isoformat() == key:
            return found
    else:
        raise _refusal(
            column, table, f"its type is {dtype}", "Partition by a string, integer or date column."
        )
    raise _refusal(
        column,
        table,
        f"the key '{key}' is not how a value of type {dtype} is written",
        "Give the column the type string.",
    )


def _refusal(column: str, table: str, found: str, remedy: str) -> PartitionColumnError:
    return PartitionColumnError(
        f"the column '{column}' cannot carry partitions of keys: {found}", remedy=remedy, table=table
    )


def _more(count: int) -> str:
    return f" and {count - _FEW:,} more" if count > _FEW else ""
