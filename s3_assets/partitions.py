"""Dagster's partitions of a table, and the window that a run of them means."""

from __future__ import annotations

from datetime import datetime, time
from typing import TYPE_CHECKING

import dagster as dg

from s3_assets.errors import UnsupportedError
from s3_assets.tables.partitioning import write_key
from s3_assets.windows import Every, Window, time_zone

if TYPE_CHECKING:
    from s3_assets.tables.settings import Partitions

_SUNDAY = 7


def partitions_definition(partitions: Partitions) -> dg.TimeWindowPartitionsDefinition:
    """Return Dagster's definition of a table's partitions; weeks begin on the weekday of `start`."""
    start = _moment(partitions.start)
    end = None if partitions.end is None else _moment(partitions.end)
    shared = {"timezone": partitions.timezone, "end_date": end, "minute_offset": start.minute}
    if partitions.every is Every.HOUR:
        return dg.HourlyPartitionsDefinition(start_date=start, **shared)  # type: ignore[arg-type]  # each key has its type
    shared["hour_offset"] = start.hour
    if partitions.every is Every.DAY:
        return dg.DailyPartitionsDefinition(start_date=start, **shared)  # type: ignore[arg-type]  # each key has its type
    if partitions.every is Every.WEEK:
        weekday = start.isoweekday() % _SUNDAY
        return dg.WeeklyPartitionsDefinition(start_date=start, day_offset=weekday, **shared)  # type: ignore[arg-type]  # as above
    return dg.MonthlyPartitionsDefinition(start_date=start, day_offset=start.day, **shared)  # type: ignore[arg-type]  # as above


def window_of(span: dg.TimeWindow, partitions: Partitions) -> Window:
    """Return the window of one partition or of an unbroken range of them."""
    zone = time_zone(partitions.timezone)
    return Window(span.start.astimezone(zone), span.end.astimezone(zone), partitions.every)


def keys_of(window: Window, partitions: Partitions) -> dict[str, Window]:
    """Return each partition of a window by its Dagster key."""
    steps = [*window.steps(), window.end]
    return {
        write_key(partitions, start): Window(start, end, window.every)
        for start, end in zip(steps, steps[1:], strict=False)
    }


def require_time_windows(definition: dg.PartitionsDefinition | None, table: str) -> None:
    """Raise `UnsupportedError` unless the asset is partitioned by time."""
    if not isinstance(definition, dg.TimeWindowPartitionsDefinition):
        kind = type(definition).__name__
        raise UnsupportedError(
            f"the asset is partitioned by {kind}, and a table's partitions are spans of time",
            remedy="Partition it hourly, daily, weekly or monthly.",
            table=table,
        )


def _moment(value: object) -> datetime:
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    return datetime.combine(value, time())  # type: ignore[arg-type]  # a date, as the settings say
