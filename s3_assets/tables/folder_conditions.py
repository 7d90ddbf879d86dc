"""What the names of Hive folders tell of a region: which may hold its rows, and which hold no others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from s3_assets.tables.partitioning import label_bounds, label_column
from s3_assets.tables.parts import read_value
from s3_assets.tables.regions import Condition, Region
from s3_assets.windows import Every, next_start, time_zone

if TYPE_CHECKING:
    import polars as pl

    from s3_assets.tables.partitioning import Bounds
    from s3_assets.tables.settings import FolderSettings, Partitions


@dataclass(frozen=True)
class FolderCondition:
    """One condition, as the folders of its column tell it, or those of a timestamp's hours or days."""

    condition: Condition
    label: Condition | None = None
    aligned: bool = True
    """Whether folders of hours or days begin where its ranges do; else some of them hold other rows, too."""

    @property
    def columns(self) -> frozenset[str]:
        """The columns whose folders can tell it."""
        labels = () if self.label is None else (self.label.column,)
        return frozenset((self.condition.column, *labels))

    def tells(self, column: str | None, value: str | None) -> bool | None:
        """Tell whether rows in a folder of this name fulfil it (no value: null); None if it does not tell."""
        if column is None or column not in self.columns:
            return None
        if value is None:
            return False
        told = self.condition if column == self.condition.column else self.label
        if told is None:
            return None
        if isinstance(told.example, str):
            return told.contains(value)
        found = read_value(value, _dtype(told))
        return None if found is None else told.contains(found)


def folder_conditions(region: Region, settings: FolderSettings) -> tuple[FolderCondition, ...]:
    """Return the conditions of a region as the folders of a table tell them."""
    return tuple(_of(each, settings) for each in region.conditions)


def _of(condition: Condition, settings: FolderSettings) -> FolderCondition:
    partitions = settings.partitions
    if partitions is None or not isinstance(condition.example, datetime):
        return FolderCondition(condition)
    whole = tuple(_whole_folders(each, partitions) for each in condition.ranges)
    ranges = tuple(label_bounds(each, label_column(partitions)) for each in whole)
    return FolderCondition(condition, Condition(label_column(partitions), ranges), whole == condition.ranges)


def _whole_folders(bounds: Bounds, partitions: Partitions) -> Bounds:
    """Return the range of the folders of hours or days that have a moment of this one."""
    every = Every.HOUR if partitions.every is Every.HOUR else Every.DAY
    zone = time_zone(partitions.timezone)

    def begun(moment: datetime) -> datetime:
        wall = moment if bounds.zone is None else moment.astimezone(zone)
        whole = wall.replace(minute=0, second=0, microsecond=0)
        return whole if every is Every.HOUR else whole.replace(hour=0)

    def as_bound(moment: datetime) -> datetime:
        return moment if bounds.zone is None else moment.astimezone(UTC)

    low, high = bounds.low, bounds.high
    if not isinstance(low, datetime) or not isinstance(high, datetime):
        return bounds
    last = begun(high)
    if as_bound(last) != high:
        step = timedelta(hours=1) if every is Every.HOUR else timedelta(days=1)
        last = last + step if bounds.zone is None else next_start(last, every)
    return replace(bounds, low=as_bound(begun(low)), high=as_bound(last))


def _dtype(condition: Condition) -> pl.DataType:
    """Return the type of a condition's values: that of its column."""
    import polars as pl

    example = condition.example
    if isinstance(example, datetime):
        return pl.Datetime("us", "UTC" if condition.zone is not None else None)
    if isinstance(example, date):
        return pl.Date()
    return pl.Int64() if isinstance(example, int) else pl.String()
