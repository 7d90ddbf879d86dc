"""Formats of dates, times and timestamps: those that read every value, and the one that is meant."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from s3_assets.explore.layouts import candidates
from s3_assets.progress import count
from s3_assets.tables import text_values

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import polars as pl

_EPOCH_NAME = re.compile(
    r"(^|_)(ts|time|timestamp|epoch|unix|at|date|created|updated|modified)($|_|s$)|time", re.IGNORECASE
)
_SECONDS = (946_684_800, 4_102_444_800)
"""From 2000 to 2100."""
_YEARS = (1900, 2100)
_MONTHS = 12
_PARTS = re.compile(r"\d{1,2}")


class Formats(NamedTuple):
    """The formats that read all values of a column, and what else is known of them."""

    found: tuple[str, ...]
    values: tuple[str, ...]
    """The column's values as they come."""


def find_formats(values: Sequence[str]) -> tuple[str, ...]:
    """Return the strftime formats that read every value, the likeliest first."""
    import polars as pl

    distinct = list(dict.fromkeys(values))
    if not distinct:
        return ()
    texts = pl.Series(distinct, dtype=pl.String)
    return tuple(layout for layout in candidates(distinct) if _reads(texts, layout))


def epoch_unit(name: str, values: Sequence[str]) -> str | None:
    """Tell whether integers are seconds, milli-, micro- or nanoseconds since 1970, of years 2000 to 2100.

    A column's name has to speak for it: other numbers are as long.
    """
    if not values or not _EPOCH_NAME.search(name) or not all(each.isdigit() for each in values):
        return None
    numbers = [int(each) for each in values]
    for unit, factor in (
        ("seconds", 1),
        ("milliseconds", 10**3),
        ("microseconds", 10**6),
        ("nanoseconds", 10**9),
    ):
        if all(_SECONDS[0] * factor <= each < _SECONDS[1] * factor for each in numbers):
            return unit
    return None


def choose(columns: dict[str, Formats]) -> dict[str, tuple[str, str, bool]]:
    """Choose one format for each column: format, evidence, and whether the sample leaves it in doubt.

    Whether the day or the month comes first is told by a number above 12, in this column or in another, by
    the rows' order, or not at all.
    """
    told = {_order(each.found[0]) for each in columns.values() if len(_orders(each.found)) == 1}
    chosen = {}
    for name, each in columns.items():
        orders = _orders(each.found)
        if len(orders) < 2:
            chosen[name] = (each.found[0], _evidence(each), False)
            continue
        chosen[name] = _day_or_month(each, orders, told)
    return chosen


def _evidence(each: Formats) -> str:
    order = _order(each.found[0])
    telling = [
        value for value in each.values if any(int(number) > _MONTHS for number in _PARTS.findall(value)[:2])
    ]
    if order != "neither" and telling:
        return f"{order} first, as {telling[0]!r} shows"
    return f"{each.found[0]} reads all of {count(len(set(each.values)), 'value')}, such as {each.values[0]!r}"


def _day_or_month(each: Formats, orders: dict[str, str], told: set[str]) -> tuple[str, str, bool]:
    sure = [order for order in orders if order in told]
    if len(sure) == 1:
        return orders[sure[0]], f"{sure[0]} first, as another column shows; this one reads both ways", False
    unsorted = {order: _steps_back(each.values, layout) for order, layout in orders.items()}
    best, other = sorted(orders, key=lambda order: unsorted[order])
    if unsorted[best] == 0 and unsorted[other]:
        return orders[best], f"{best} first: read so, the rows are in order; no number is above 12", True
    guess = "month" if "%p" in orders["month"] else "day"
    told_by = "the clock has AM and PM" if guess == "month" else "that is the more common order"
    return (
        orders[guess],
        f"{guess} first: {told_by}, but no number is above 12; it may be the other way",
        True,
    )


def _steps_back(values: Iterable[str], layout: str) -> int:
    import polars as pl

    texts = pl.Series(list(values), dtype=pl.String)
    read = text_values.convert(texts, text_values.guess(texts, layout), layout, ())[0]
    return sum(low > high for low, high in pairwise(read.drop_nulls().to_list()))


def _orders(found: Sequence[str]) -> dict[str, str]:
    """Return the first format of each order of day and month."""
    orders: dict[str, str] = {}
    for layout in found:
        orders.setdefault(_order(layout), layout)
    return orders


def _order(layout: str) -> str:
    day, month = layout.find("%d"), layout.find("%m")
    if min(day, month) < 0 or layout.lower().startswith("%y"):
        return "neither"
    return "day" if day < month else "month"


def _reads(texts: pl.Series, layout: str) -> bool:
    import polars as pl

    try:
        dtype = text_values.guess(texts, layout)
    except pl.exceptions.ComputeError:
        return False
    if dtype in {pl.String, pl.Time}:
        return dtype == pl.Time
    years = text_values.convert(texts, dtype, layout, ())[0].dt.year()
    low, high = years.min(), years.max()
    return isinstance(low, int) and isinstance(high, int) and _YEARS[0] <= low and high < _YEARS[1]
