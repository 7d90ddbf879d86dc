"""Formats that a value's shape allows: dates, times of day, zones, and what stands between them."""

from __future__ import annotations

import re
from itertools import product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_DATES = (
    (r"\d{4}-\d{1,2}-\d{1,2}", ("%Y-%m-%d",)),
    (r"\d{4}/\d{1,2}/\d{1,2}", ("%Y/%m/%d",)),
    (r"\d{4}\.\d{1,2}\.\d{1,2}", ("%Y.%m.%d",)),
    (r"\d{1,2}/\d{1,2}/\d{4}", ("%d/%m/%Y", "%m/%d/%Y")),
    (r"\d{1,2}-\d{1,2}-\d{4}", ("%d-%m-%Y", "%m-%d-%Y")),
    (r"\d{1,2}\.\d{1,2}\.\d{4}", ("%d.%m.%Y", "%m.%d.%Y")),
    (r"\d{1,2}/\d{1,2}/\d{2}", ("%d/%m/%y", "%m/%d/%y")),
    (r"\d{1,2}-\d{1,2}-\d{2}", ("%d-%m-%y", "%m-%d-%y")),
    (r"\d{1,2}\.\d{1,2}\.\d{2}", ("%d.%m.%y", "%m.%d.%y")),
    (r"\d{1,2}-[A-Za-z]{3}-\d{4}", ("%d-%b-%Y",)),
    (r"\d{1,2}-[A-Za-z]{3}-\d{2}", ("%d-%b-%y",)),
    (r"\d{1,2}/[A-Za-z]{3}/\d{4}", ("%d/%b/%Y",)),
    (r"\d{1,2} [A-Za-z]{3,9} \d{4}", ("%d %b %Y", "%d %B %Y")),
    (r"[A-Za-z]{3,9} \d{1,2}, \d{4}", ("%b %d, %Y", "%B %d, %Y")),
    (r"[A-Za-z]{3}, \d{1,2} [A-Za-z]{3} \d{4}", ("%a, %d %b %Y",)),
    (r"(?:19|20)\d{6}", ("%Y%m%d",)),
)
_BETWEEN = ("", "T", " ", ":", "_", ", ")
_TIMES = (
    (r"\d{1,2}:\d{2}:\d{2}", ("%H:%M:%S", "%H:%M:%S%.f")),
    (r"\d{1,2}:\d{2}:\d{2}\.\d+", ("%H:%M:%S%.f",)),
    (r"\d{1,2}:\d{2}:\d{2},\d{3}", ("%H:%M:%S,%3f",)),
    (r"\d{1,2}:\d{2}", ("%H:%M",)),
    (r"\d{1,2}:\d{2} [AaPp][Mm]", ("%I:%M %p",)),
    (r"\d{1,2}:\d{2}:\d{2} [AaPp][Mm]", ("%I:%M:%S %p",)),
    (r"\d{1,2}:\d{2}[AaPp][Mm]", ("%I:%M%p",)),
    (r"\d{1,2}:\d{2}:\d{2}[AaPp][Mm]", ("%I:%M:%S%p",)),
    (r"[0-2]\d[0-5]\d[0-5]\d", ("%H%M%S",)),
    (r"[0-2]\d[0-5]\d", ("%H%M",)),
)
_ZONES = (
    (r"", ""),
    (r"(?:Z|[+-]\d{2}(?::?\d{2})?)", "%#z"),
    (r" (?:Z|[+-]\d{2}(?::?\d{2})?)", " %#z"),
    (r" UTC", " UTC"),
    (r" GMT", " GMT"),
)
_CTIME = (r"[A-Za-z]{3} [A-Za-z]{3} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}", "%a %b %e %H:%M:%S %Y")
_CLOCK = re.compile(r"\d{2}:\d{2}(:\d{2}(\.\d+)?)?")
_SHAPES = 12


def candidates(values: Sequence[str]) -> Iterator[str]:
    """Yield the formats whose shape some of the values have, without repeating one."""
    seen: set[str] = set()
    for value in _of_each_length(values):
        for layout in _layouts(value):
            if layout not in seen:
                seen.add(layout)
                yield layout


def _of_each_length(values: Sequence[str]) -> list[str]:
    shapes: dict[str, str] = {}
    for value in values:
        shapes.setdefault(re.sub(r"\d", "9", value), value)
        if len(shapes) > _SHAPES:
            break
    return list(shapes.values())


def _layouts(value: str) -> Iterator[str]:
    if _CLOCK.fullmatch(value):
        yield from ("%H:%M", "%H:%M:%S", "%H:%M:%S%.f")
    if re.fullmatch(_CTIME[0], value):
        yield _CTIME[1]
    for shape, dates in _DATES:
        date = re.match(shape, value)
        if date is None:
            continue
        rest = value[date.end() :]
        if not rest:
            yield from dates
            continue
        clock = _time_layouts(rest)
        for time, layout in product(clock, dates):
            yield layout + time


def _time_layouts(rest: str) -> list[str]:
    found = []
    for between, (time_shape, times), (zone_shape, zone) in product(_BETWEEN, _TIMES, _ZONES):
        if re.fullmatch(re.escape(between) + time_shape + zone_shape, rest):
            found += [f"{between}{time}{zone}" for time in times]
    return found
