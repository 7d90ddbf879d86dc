"""Folders that tell a date or an hour in their names, such as `year=2026/month=01/day=02` or `2026/01/02`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from s3_assets.windows import Every, Window, time_zone

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from s3_assets.tables.files import FolderPath

_UNITS = "YmdH"
_DIRECTIVE = re.compile(r"%(-?)(.?)")
_NEEDED = {Every.HOUR: "H", Every.DAY: "d", Every.WEEK: "d", Every.MONTH: "m"}


@dataclass(frozen=True)
class DatedFolders:
    """A pattern of folders below a table's own: names with %Y, %m, %d and %H, or `*` for any name.

    `%-m`, `%-d` and `%-H` have no leading zero. All are on the wall clock of `timezone`.
    """

    pattern: str
    every: Every
    timezone: str = "UTC"

    def check(self) -> None:
        """Raise `ValueError` for a pattern that does not tell one partition from the next."""
        for segment in self._segments:
            if not segment or segment in {".", ".."} or ("*" in segment and segment != "*"):
                raise ValueError(
                    f"'{segment}' in '{self.pattern}' is no folder's name; '*' alone is any name"
                )
        found = _DIRECTIVE.findall(self.pattern)
        unknown = [f"%{dash}{unit}" for dash, unit in found if unit not in _UNITS or not unit]
        unknown += ["%-Y"] * (("-", "Y") in found)
        if unknown:
            raise ValueError(f"'{unknown[0]}' in '{self.pattern}' is none of %Y %m %d %H %-m %-d %-H")
        units = {unit for _, unit in found}
        needed = _UNITS[: _UNITS.index(_NEEDED[self.every]) + 1]
        missing = [
            unit for unit in _UNITS[: max(map(_UNITS.index, {*units, needed[-1]})) + 1] if unit not in units
        ]
        if missing:
            raise ValueError(
                f"'{self.pattern}' does not tell one {self.every} from the next: %{missing[0]} is not in it"
            )

    @cached_property
    def _segments(self) -> list[str]:
        return self.pattern.strip("/").split("/")

    @property
    def hive(self) -> frozenset[str]:
        """The names of the pattern's Hive folders."""
        return frozenset(each.partition("=")[0] for each in self._segments if "=" in each)

    @property
    def tells_days(self) -> bool:
        """Whether the folders tell the day, and not the month alone."""
        return any(unit == "d" for _, unit in _DIRECTIVE.findall(self.pattern))

    def dtype(self) -> pl.DataType:
        """Return the type of what the folders tell: a date, or for hours a timestamp in UTC."""
        import polars as pl

        return pl.Datetime("us", "UTC") if self.every is Every.HOUR else pl.Date()

    def paths(self, window: Window) -> list[FolderPath]:
        """Return the folders of a window; None in them stands for any name."""
        zone = time_zone(self.timezone)
        start, end = window.start.astimezone(zone), window.end.astimezone(zone)
        hourly = self.every is Every.HOUR
        first = start.replace(hour=start.hour if hourly else 0, minute=0, second=0, microsecond=0)
        steps = Window(first, end, Every.HOUR if hourly else Every.DAY).steps()
        segments = self._segments
        if not hourly:
            # A day's hours are all of what is in its folder.
            hours = (number for number, each in enumerate(segments) if re.search("%-?H", each))
            segments = segments[: next(hours, len(segments))]
        found = [
            tuple(None if segment == "*" else _write(segment, step) for segment in segments) for step in steps
        ]
        return list(dict.fromkeys(found))

    def values(self, paths: Sequence[str]) -> list[object]:
        """Return what the folders of these paths tell; None for those that are not of the pattern."""
        return [self._value(path) for path in paths]

    def _value(self, path: str) -> object:
        found = self._expression.match(path)
        if found is None:
            return None
        year, month, day, hour = (
            int(found.groupdict().get(unit) or least)
            for unit, least in zip(_UNITS, (1, 1, 1, 0), strict=True)
        )
        try:
            told = datetime(year, month, day, hour, tzinfo=ZoneInfo(self.timezone))
        except ValueError:
            return None
        return told.astimezone(UTC) if self.every is Every.HOUR else told.date()

    @cached_property
    def _expression(self) -> re.Pattern[str]:
        seen: set[str] = set()

        def digits(found: re.Match[str]) -> str:
            unit = found[2]
            count = r"\d{4}" if unit == "Y" else r"\d{1,2}" if found[1] else r"\d{2}"
            again = unit in seen
            seen.add(unit)
            return count if again else f"(?P<{unit}>{count})"

        segments = [
            "[^/]+" if segment == "*" else _DIRECTIVE.sub(digits, re.escape(segment).replace(r"%\-", "%-"))
            for segment in self._segments
        ]
        return re.compile("/".join(segments) + "/")


def _write(segment: str, moment: datetime) -> str:
    values = {"Y": f"{moment.year:04d}", "m": moment.month, "d": moment.day, "H": moment.hour}

    def one(found: re.Match[str]) -> str:
        value = values[found[2]]
        return str(value) if found[1] or found[2] == "Y" else f"{value:02d}"

    return _DIRECTIVE.sub(one, segment)
