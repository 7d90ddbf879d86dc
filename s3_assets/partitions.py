"""Dagster's partitions of a table, and the window that a run of them means."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import dagster as dg

from s3_assets.errors import PartitionColumnError, UnsupportedError
from s3_assets.windows import Every, Window, time_zone

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from s3_assets.tables.settings import Partitions
    from s3_assets.tables.table import Table

_A = {"table": "a", "export": "an"}
_SUNDAY = 7
_SECOND = timedelta(seconds=1)


def partitions_definition(partitions: Partitions) -> dg.TimeWindowPartitionsDefinition:
    """Return Dagster's definition of a table's partitions; weeks begin on the weekday of `start`."""
    start = _moment(partitions.start)
    end = None if partitions.end is None else _moment(partitions.end)
    shared: dict[str, Any] = {
        "start_date": start,
        "end_date": end,
        "timezone": partitions.timezone,
        "minute_offset": start.minute,
    }
    if partitions.every is Every.HOUR:
        return dg.HourlyPartitionsDefinition(**shared)
    shared["hour_offset"] = start.hour
    if partitions.every is Every.DAY:
        return dg.DailyPartitionsDefinition(**shared)
    if partitions.every is Every.WEEK:
        return dg.WeeklyPartitionsDefinition(day_offset=start.isoweekday() % _SUNDAY, **shared)
    return dg.MonthlyPartitionsDefinition(day_offset=start.day, **shared)


def windows_of(
    definition: dg.PartitionsDefinition | None, keys: Iterable[str], table: Table[Any]
) -> dict[str, Window]:
    """Return the windows of Dagster's partitions in a table by their keys, in order of time.

    Raises `UnsupportedError` for partitions that are not spans of time, and `PartitionColumnError` for spans
    that are not whole partitions of the table: part of one would be read or replaced as if it were all of it.
    """
    return windows_in(definition, keys, table.settings.partitions, table.name)


def windows_in(
    definition: dg.PartitionsDefinition | None,
    keys: Iterable[str],
    partitions: Partitions | None,
    name: str,
    kind: str = "table",
) -> dict[str, Window]:
    """Return the windows of Dagster's partitions in declared ones, by their keys and in order of time.

    `name` and `kind` are of what declares them, a table or an export. Raises as `windows_of` does.
    """
    if partitions is None:
        raise PartitionColumnError(
            f"the run is of partitions, and the {kind} says not by which column",
            remedy=f"Add 'partitions' with its column to the {kind} in the registry.",
            table=name,
        )
    if not isinstance(definition, dg.TimeWindowPartitionsDefinition):
        raise UnsupportedError(
            f"the asset has a {type(definition).__name__}, and {_A[kind]} {kind}'s partitions are spans "
            "of time",
            remedy="Partition it hourly, daily, weekly or monthly.",
            table=name,
        )
    zone = time_zone(partitions.timezone)
    spans = {key: definition.time_window_for_partition_key(key) for key in keys}
    for key, span in spans.items():
        if not (_begins(span.start, partitions) and _begins(span.end, partitions)):
            raise PartitionColumnError(
                f"the partition {key}, from {span.start.isoformat()} to {span.end.isoformat()}, is not made "
                f"of whole partitions of the {kind}: one per {partitions.every} from {partitions.start} "
                f"in {partitions.timezone}",
                remedy=f"Give asset and {kind} one time zone and start, "
                f"and the {kind} the shorter partitions.",
                table=name,
            )
    windows = {
        key: Window(span.start.astimezone(zone), span.end.astimezone(zone), partitions.every)
        for key, span in spans.items()
    }
    return dict(sorted(windows.items(), key=lambda item: item[1].start.astimezone(UTC)))


def unbroken(windows: Mapping[str, Window], table: str) -> Window:
    """Return the one window that partitions in order of time are; raises `UnsupportedError` for a gap."""
    spans = list(windows.values())
    for (before, earlier), (after, later) in pairwise(windows.items()):
        if earlier.end.astimezone(UTC) != later.start.astimezone(UTC):
            raise UnsupportedError(
                f"the run needs {len(spans)} partitions with a gap between {before} and {after}",
                remedy="Run each unbroken range by itself, or map the input to an unbroken range.",
                table=table,
            )
    return Window(spans[0].start, spans[-1].end, spans[0].every)


@dataclass(frozen=True)
class Calendar:
    """The partitions of a definition that exist at one moment, in order of time.

    `starts` and `ends` are seconds since 1970; a definition without partitions has none.
    """

    keys: tuple[str, ...]
    starts: tuple[float, ...]
    ends: tuple[float, ...]

    @classmethod
    def of(cls, definition: dg.TimeWindowPartitionsDefinition) -> Calendar:
        """Return the partitions that have ended by now, as Dagster counts them."""
        keys = tuple(definition.get_partition_keys())
        spans = [definition.time_window_for_partition_key(key) for key in keys]
        return cls(
            keys,
            tuple(span.start.timestamp() for span in spans),
            tuple(span.end.timestamp() for span in spans),
        )

    def inside(self, start: float, end: float) -> range:
        """Return the indexes of the partitions that have a moment of `[start, end)`."""
        return range(bisect_right(self.ends, start), bisect_left(self.starts, end))


def _begins(moment: datetime, partitions: Partitions) -> bool:
    """Tell whether a partition of the table begins at that moment."""
    first = _moment(partitions.start)
    local = moment.astimezone(time_zone(partitions.timezone))
    if local.second or local.microsecond:
        return False
    if partitions.every is Every.HOUR:
        return local.minute == first.minute
    if partitions.every is Every.WEEK and local.isoweekday() != first.isoweekday():
        return False
    if partitions.every is Every.MONTH and local.day != first.day:
        return False
    # The first moment of that day which is not before the hour: the clock may jump over it, or show it twice.
    earlier = (moment.astimezone(UTC) - _SECOND).astimezone(local.tzinfo).replace(tzinfo=None)
    wall = local.replace(tzinfo=None)
    return earlier < wall.replace(hour=first.hour, minute=first.minute) <= wall


def _moment(value: object) -> datetime:
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    return datetime.combine(value, time())  # type: ignore[arg-type]  # a date, as the settings say
