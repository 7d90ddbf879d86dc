"""Cron: read strictly, and moved to later times of the day (crontab(5))."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import product

MACROS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
}
_NAMES = ("minute", "hour", "day of the month", "month", "day of the week")
_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WORDS: tuple[dict[str, int], ...] = (
    {},
    {},
    {},
    {name: index for index, name in enumerate(_MONTHS, 1)},
    {"sun": 0, "mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6},
)
_PART = re.compile(r"^(?P<first>\*|\w+)(?:-(?P<last>\w+))?(?:/(?P<step>\d+))?$")
_HOURS, _MINUTES, _WEEK = 24, 60, 7
# No month is shorter: the day after one of these is in the same month.
_SHORTEST_MONTH = 28


@dataclass(frozen=True)
class Cron:
    """A cron expression as sets of numbers; None is every day, or every month."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int] | None
    months: frozenset[int] | None
    weekdays: frozenset[int] | None

    @classmethod
    def parse(cls, text: str) -> Cron:
        """Read five fields, or one of `MACROS`; raises `ValueError` that names the field."""
        fields = MACROS.get(text.strip().lower(), text).split()
        if len(fields) != len(_RANGES):
            raise ValueError(
                f"'{text}' is no schedule; write @hourly, @daily, @weekly, @monthly or cron's five fields"
            )
        found = [
            None if index > 1 and field == "*" else _numbers(field, index)
            for index, field in enumerate(fields)
        ]
        minutes, hours, days, months, weekdays = found
        if weekdays is not None:
            weekdays = frozenset(day % _WEEK for day in weekdays)
        if days is not None and weekdays is not None:
            raise ValueError(
                f"'{text}' names days of the month and of the week; crons differ in what it means"
            )
        return cls(minutes or frozenset(), hours or frozenset(), days, months, weekdays)

    def later(self, minutes: int) -> list[Cron]:
        """Return the same times, so many minutes later on the clock: as several crons, if one cannot say it.

        Raises `ValueError` where a time passes midnight into a day that no cron can name.
        """
        daily = self.days is None and self.months is None and self.weekdays is None
        by_day: dict[int, dict[int, set[int]]] = {}
        for hour, minute in product(self.hours, self.minutes):
            days, rest = divmod(hour * _MINUTES + minute + minutes, _HOURS * _MINUTES)
            by_day.setdefault(0 if daily else days, {}).setdefault(rest % _MINUTES, set()).add(
                rest // _MINUTES
            )
        return [
            self._on(days, frozenset(minutes), hours)
            for days, times in sorted(by_day.items())
            for hours, minutes in _grouped(times)
        ]

    def __str__(self) -> str:
        minutes = _text(self.minutes, _MINUTES)
        hours = _text(self.hours, _HOURS)
        return f"{minutes} {hours} {_text(self.days)} {_text(self.months)} {_text(self.weekdays)}"

    def _on(self, days: int, minutes: frozenset[int], hours: frozenset[int]) -> Cron:
        """Return these times, so many days after the days of this cron."""
        if days == 0:
            return Cron(minutes, hours, self.days, self.months, self.weekdays)
        if self.days is None and self.months is None and self.weekdays is not None:
            return Cron(minutes, hours, None, None, frozenset((day + days) % _WEEK for day in self.weekdays))
        if self.days is not None and max(self.days) + days <= _SHORTEST_MONTH:
            return Cron(minutes, hours, frozenset(day + days for day in self.days), self.months, None)
        raise ValueError("the delay passes midnight of a month's last days; write the later time as a cron")


def _grouped(times: dict[int, set[int]]) -> list[tuple[frozenset[int], set[int]]]:
    """Group minutes that have the same hours."""
    groups: dict[frozenset[int], set[int]] = {}
    for minute, hours in times.items():
        groups.setdefault(frozenset(hours), set()).add(minute)
    return sorted(groups.items(), key=lambda item: (min(item[0]), min(item[1])))


def _numbers(field: str, index: int) -> frozenset[int]:
    found: set[int] = set()
    for part in field.split(","):
        match = _PART.match(part.lower())
        if match is None:
            raise _wrong(part, index)
        low, high = _RANGES[index]
        step = int(match["step"] or 1)
        if match["first"] == "*":
            first, last = low, high - (index == len(_RANGES) - 1)
        else:
            first = _number(match["first"], index, part)
            last = (
                _number(match["last"], index, part) if match["last"] else (high if match["step"] else first)
            )
        if step == 0 or not low <= first <= last <= high or (match["first"] == "*" and match["last"]):
            raise _wrong(part, index)
        found |= {*range(first, last + 1, step)}
    return frozenset(found)


def _number(text: str, index: int, part: str) -> int:
    if text.isdecimal():
        return int(text)
    if text in _WORDS[index]:
        return _WORDS[index][text]
    raise _wrong(part, index)


def _wrong(part: str, index: int) -> ValueError:
    low, high = _RANGES[index]
    return ValueError(f"'{part}' is no {_NAMES[index]} of a cron; it goes from {low} to {high}")


def _text(numbers: frozenset[int] | None, all_: int | None = None) -> str:
    if numbers is None or len(numbers) == all_:
        return "*"
    return ",".join(map(str, sorted(numbers)))
