"""Windows: the half-open time span of the partitions of a run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from s3_assets.errors import SettingError

_MONTHS = 12


class Every(StrEnum):
    """The length of one partition."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True)
class Window:
    """The span `[start, end)` of one or several whole partitions, both ends with their time zone."""

    start: datetime
    end: datetime
    every: Every = Every.DAY

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise SettingError(
                f"the window {self.start} to {self.end} has no time zone",
                remedy="Give both ends a time zone.",
            )
        # As moments: within one zone Python compares the clock's hands, which show one hour a year twice.
        if self.start.astimezone(UTC) >= self.end.astimezone(UTC):
            raise SettingError(
                f"the window {self.start} to {self.end} is empty", remedy="The end must be after the start."
            )

    def __str__(self) -> str:
        return f"[{self.start.isoformat()}, {self.end.isoformat()})"

    def steps(self) -> list[datetime]:
        """Return the start of each partition inside, in order."""
        steps = [self.start]
        while (following := next_start(steps[-1], self.every)) < self.end:
            steps.append(following)
        return steps


@dataclass(frozen=True)
class Slice:
    """Part of a table, as the partitions of a run say it: spans of time, keys of columns, or both.

    `windows` are in order of time and apart from each other; `keys` are those of each column, as text. A row
    is of the slice if its time is in one of the windows and each column holds one of its keys.
    """

    windows: tuple[Window, ...] = ()
    keys: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def __str__(self) -> str:
        spans = [" or ".join(map(str, self.windows))] if self.windows else []
        return " and ".join([*spans, *(f"{column} {', '.join(keys)}" for column, keys in self.keys)])


def next_start(start: datetime, every: Every) -> datetime:
    """Return the start of the following partition, by the wall clock of the zone for days and longer.

    A day around a change to daylight-saving time has 23 or 25 hours; an hour always has 60 minutes.
    """
    if every is Every.HOUR:
        # Through UTC: wall-clock arithmetic would skip or repeat an hour at a change of the clock.
        return (start.astimezone(ZoneInfo("UTC")) + timedelta(hours=1)).astimezone(start.tzinfo)
    if every is Every.MONTH:
        years, month = divmod(start.month, _MONTHS)
        return start.replace(year=start.year + years, month=month + 1)
    return start + timedelta(days=7 if every is Every.WEEK else 1)


def time_zone(name: str) -> ZoneInfo:
    """Return the IANA time zone of that name; raises `SettingError` if there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise SettingError(
            f"'{name}' is not an IANA time zone", remedy="Write one such as UTC or Europe/Berlin."
        ) from error
