"""From a window to a predicate on the partition column, typed by that column.

No predicate is ever wider than its window: a column that cannot tell one partition from the next is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from itertools import pairwise
from typing import TYPE_CHECKING

from s3_assets.errors import PartitionColumnError
from s3_assets.windows import Every, Window, next_start, time_zone

if TYPE_CHECKING:
    import polars as pl

    from s3_assets.tables.settings import Partitions

Bound = date | datetime | str | int

_STRING_FORMATS = {
    Every.HOUR: "%Y-%m-%d-%H:%M",
    Every.DAY: "%Y-%m-%d",
    Every.WEEK: "%Y-%m-%d",
    Every.MONTH: "%Y-%m-%d",
}
_INTEGER_FORMATS = {Every.HOUR: "%Y%m%d%H", Every.DAY: "%Y%m%d", Every.WEEK: "%Y%m%d", Every.MONTH: "%Y%m%d"}
# Starts of partitions around a change of day, month and year, to try a format on.
_SAMPLES = (
    datetime(2024, 12, 30, 22, tzinfo=UTC),
    datetime(2025, 9, 29, 8, tzinfo=UTC),
    datetime(2025, 1, 9, tzinfo=UTC),
)
_FEW = 40
# The folders of a timestamp column: what they end with, how long they are, and what stands in them.
_HOUR_FOLDERS = ("hour", "1h", "%Y-%m-%dT%H")
_DAY_FOLDERS = ("day", "1d", "%Y-%m-%dT%H")


@dataclass(frozen=True)
class Bounds:
    """The half-open range `[low, high)` of the partition column that a window means."""

    column: str
    low: Bound
    high: Bound
    zone: str | None = None

    def expression(self) -> pl.Expr:
        """The predicate for Polars; a null is never inside."""
        import polars as pl

        column = pl.col(self.column)
        return (column >= self.literal(self.low)) & (column < self.literal(self.high))

    def literal(self, value: Bound) -> pl.Expr:
        """A bound as Polars compares it with the column: timestamps in the column's own zone only."""
        import polars as pl

        return pl.lit(value) if self.zone is None else pl.lit(value).dt.convert_time_zone(self.zone)

    def contains(self, value: Bound) -> bool:
        """Tell whether a value of the column's type is inside."""
        return bool(self.low <= value < self.high)  # type: ignore[operator]  # all three are of one type


def bounds(partitions: Partitions, window: Window, dtype: pl.DataType, table: str) -> Bounds:
    """Return the range of the partition column that this window means.

    Dates and timestamps without zone are on the wall clock of the partitions' time zone. Raises
    `PartitionColumnError` if the column's type or format cannot tell the partitions apart.
    """
    import polars as pl

    zone = time_zone(partitions.timezone)
    start, end = window.start.astimezone(zone), window.end.astimezone(zone)
    if isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
        return Bounds(partitions.column, start.astimezone(UTC), end.astimezone(UTC), dtype.time_zone)
    _refuse_repeated_hour(partitions, table, start, end)
    low, high = start.replace(tzinfo=None), end.replace(tzinfo=None)
    if isinstance(dtype, pl.Datetime):
        return Bounds(partitions.column, low, high)
    if dtype == pl.Date:
        if window.every is Every.HOUR or low.time() != time() or high.time() != time():
            raise _refusal(
                partitions, table, "a date cannot tell one hour from the next", "Partition by a timestamp."
            )
        return Bounds(partitions.column, low.date(), high.date())
    if dtype == pl.String or dtype.is_integer():
        integer = dtype.is_integer()
        text = column_format(partitions, integer=integer)
        check_format(partitions, text, table, integer=integer)
        written = [_write(partitions, moment, text, table) for moment in (low, high)]
        first, last = [int(each) for each in written] if integer else written
        return Bounds(partitions.column, first, last)
    raise _refusal(
        partitions, table, f"its type is {dtype}", "Partition by a date, timestamp, string or integer column."
    )


def _write(partitions: Partitions, moment: datetime, text: str, table: str) -> str:
    written = moment.strftime(text)
    if datetime.strptime(written, text) != moment:  # noqa: DTZ007 - both are on the partitions' wall clock
        raise _refusal(
            partitions,
            table,
            f"the window begins or ends at {moment}, which the format '{text}' writes as {written}",
            "Run whole partitions.",
        )
    return written


def _refuse_repeated_hour(partitions: Partitions, table: str, *moments: datetime) -> None:
    """A wall clock without a zone cannot tell the two hours apart when the clock goes back."""
    if any(moment.fold for moment in moments):
        raise _refusal(
            partitions,
            table,
            f"the window begins or ends in the hour that comes twice in {partitions.timezone}",
            "Partition by a timestamp with a time zone, or in UTC.",
        )


def check_format(partitions: Partitions, text: str, table: str, *, integer: bool = False) -> None:
    """Refuse a format in which two partitions look the same, or do not sort as they follow each other."""
    for sample in _SAMPLES:
        steps = [_first(sample, partitions.every)]
        for _ in range(_FEW):
            steps.append(next_start(steps[-1], partitions.every))
        written = [step.strftime(text) for step in steps]
        if integer and not all(value.isascii() and value.isdigit() for value in written):
            raise _refusal(
                partitions, table, f"the format '{text}' does not write integers", "Write one such as %Y%m%d."
            )
        unsorted = any(low >= high for low, high in pairwise(written))
        if integer:
            unsorted = any(int(low) >= int(high) for low, high in pairwise(written))
        if unsorted:
            raise _refusal(
                partitions,
                table,
                f"the format '{text}' does not sort each {partitions.every} after the one before",
                "Write year, month, day and hour in this order, with leading zeros, down to the partition's "
                "length.",
            )
        if any(
            datetime.strptime(value, text).replace(tzinfo=UTC) != step
            for value, step in zip(written, steps, strict=True)
        ):
            raise _refusal(
                partitions,
                table,
                f"the format '{text}' does not carry the whole start of a {partitions.every}",
                "Write it down to the partition's length, such as %Y-%m-%d for days.",
            )


def column_format(partitions: Partitions, *, integer: bool) -> str:
    """Return how a string or integer column writes the start of a partition (strftime)."""
    return partitions.format or (_INTEGER_FORMATS if integer else _STRING_FORMATS)[partitions.every]


def key_format(every: Every) -> str:
    """Return how Dagster's partition keys write the start of a partition (strftime).

    The second of two hours that the clock shows twice has its distance from UTC behind it, as `%z`.
    """
    return _STRING_FORMATS[every]


def _first(sample: datetime, every: Every) -> datetime:
    if every is Every.HOUR:
        return sample
    midnight = sample.replace(hour=0)
    return midnight.replace(day=1) if every is Every.MONTH else midnight


def _refusal(partitions: Partitions, table: str, found: str, remedy: str) -> PartitionColumnError:
    return PartitionColumnError(
        f"the partition column '{partitions.column}' cannot carry partitions of one {partitions.every}: "
        f"{found}",
        remedy=remedy,
        table=table,
    )


def label_of(every: Every) -> tuple[str, str, str]:
    """Return the suffix, the length and the text of a timestamp column's folders."""
    return _HOUR_FOLDERS if every is Every.HOUR else _DAY_FOLDERS


def label_column(partitions: Partitions) -> str:
    """Name the folders of a timestamp column: `<column>_hour` or `<column>_day`."""
    return f"{partitions.column}_{label_of(partitions.every)[0]}"


def label_bounds(window: Bounds, label: str) -> Bounds:
    """Return the window as a range of the labels of its folders, which are UTC for a column with a zone."""
    if not isinstance(window.low, datetime) or not isinstance(window.high, datetime):
        return window
    text = _DAY_FOLDERS[2]
    return Bounds(label, window.low.strftime(text), window.high.strftime(text))
