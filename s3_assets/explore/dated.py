"""Folders of dates, such as `2026/01/05/13` or `year=2026/month=1`, as partitions of a registry."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any, NamedTuple

from s3_assets.tables.dated_folders import DatedFolders
from s3_assets.windows import Every

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

_WHOLE = (
    (r"\d{4}-\d{2}-\d{2}", "%Y-%m-%d", "Ymd"),
    (r"(?:19|20)\d{6}", "%Y%m%d", "Ymd"),
    (r"\d{4}-\d{2}-\d{2}T\d{2}", "%Y-%m-%dT%H", "YmdH"),
    (r"\d{4}-\d{2}-\d{2}-\d{2}", "%Y-%m-%d-%H", "YmdH"),
    (r"\d{4}-\d{2}", "%Y-%m", "Ym"),
)
_UNITS = "YmdH"
_VALUES = {
    "Y": r"(?:19|20)\d{2}",
    "m": r"0?[1-9]|1[0-2]",
    "d": r"0?[1-9]|[12]\d|3[01]",
    "H": r"[01]?\d|2[0-3]",
}
_HIVE = {
    "Y": {"year", "y", "yyyy"},
    "m": {"month", "m", "mm"},
    "d": {"day", "d", "dd"},
    "H": {"hour", "h", "hh"},
}
_EVERY = {"Ym": Every.MONTH, "Ymd": Every.DAY, "YmdH": Every.HOUR}
# The first that is no column of the table.
_COLUMNS = {
    Every.MONTH: ("month", "date_month", "partition_month"),
    Every.DAY: ("date", "day", "partition_date"),
    Every.HOUR: ("hour", "date_hour", "partition_hour"),
}


class Dated(NamedTuple):
    """The setting `partitions` of a table in such folders, and one of its folders."""

    settings: dict[str, Any]
    example: str


def find_dated(folders: Sequence[str], taken: Collection[str]) -> Dated | None:
    """Return the partitions that the folders of a table's files tell; None unless all of them tell one.

    `folders` are paths below the table's, without a slash at the end; `taken` are the names of its columns.
    """
    pattern, units = _pattern([each.split("/") for each in folders])
    every = _EVERY.get(units)
    if every is None:
        return None
    dated = DatedFolders(pattern, every)
    values = [each for each in dated.values([f"{one}/" for one in folders]) if isinstance(each, date)]
    column = next((each for each in _COLUMNS[every] if each not in taken), None)
    if len(values) < len(folders) or column is None:
        return None
    first = min(values)
    start = first.replace(tzinfo=None) if isinstance(first, datetime) else first
    if isinstance(start, datetime) and start.time() == time():
        start = start.date()
    settings = {"column": column, "every": every.value, "start": start, "folders": pattern}
    depth = pattern.count("/") + 1
    return Dated(settings, "/".join(folders[0].split("/")[:depth]))


def _pattern(paths: Sequence[Sequence[str]]) -> tuple[str, str]:
    """Return the pattern of the folders as far as they tell dates, and the units that it has."""
    found: list[str] = []
    units, length = "", 0
    for position in range(min(map(len, paths), default=0)):
        names = {each[position] for each in paths}
        told, more = _segment(names, units)
        if not more and units:
            break
        found.append(told)
        units += more
        length = len(found) if more else length
    return "/".join(found[:length]), units


def _segment(names: Collection[str], units: str) -> tuple[str, str]:
    """Return the pattern of one folder's name, and the units that it tells behind those that are known."""
    if not units:
        for shape, layout, told in _WHOLE:
            if all(re.fullmatch(shape, each) for each in names):
                return layout, told
    wanted = _UNITS[len(units) : len(units) + 1]
    hive = {each.partition("=")[0] for each in names if "=" in each}
    values = {each.partition("=")[2] if "=" in each else each for each in names}
    if wanted and len(hive) < 2 and all(re.fullmatch(_VALUES[wanted], each) for each in values):
        begin = f"{next(iter(hive))}=" if hive else ""
        if not hive or next(iter(hive)).lower() in _HIVE[wanted]:
            short = wanted != "Y" and any(len(each) == 1 for each in values)
            return f"{begin}%{'-' if short else ''}{wanted}", wanted
    only = next(iter(names)) if len(names) == 1 else "*"
    return (only if not set(only) & set("%*") else "*"), ""
