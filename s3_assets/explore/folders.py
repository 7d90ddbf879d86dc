"""What the folders of a table say: Hive partitions, dates, and the step from one to the next."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from s3_assets.explore.dated import find_dated
from s3_assets.explore.findings import Finding
from s3_assets.tables.files import hive_folder
from s3_assets.windows import Every

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_LAYOUTS: tuple[tuple[str, str, Every], ...] = (
    (r"\d{4}-\d{2}-\d{2}", "%Y-%m-%d", Every.DAY),
    (r"\d{8}", "%Y%m%d", Every.DAY),
    (r"\d{4}/\d{2}/\d{2}", "%Y/%m/%d", Every.DAY),
    (r"\d{4}-\d{2}", "%Y-%m", Every.MONTH),
    (r"\d{6}", "%Y%m", Every.MONTH),
    (r"\d{10}", "%Y%m%d%H", Every.HOUR),
    (r"\d{4}-\d{2}-\d{2}T\d{2}", "%Y-%m-%dT%H", Every.HOUR),
    (r"\d{4}-\d{2}-\d{2}-\d{2}", "%Y-%m-%d-%H", Every.HOUR),
    (r"\d{4}-\d{2}-\d{2} \d{2}", "%Y-%m-%d %H", Every.HOUR),
    (r"\d{4}-\d{2}-\d{2}-\d{2}:\d{2}", "%Y-%m-%d-%H:%M", Every.HOUR),
    (r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}", "%Y-%m-%d %H:%M:%S", Every.HOUR),
    (r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}", "%Y-%m-%dT%H:%M:%S", Every.HOUR),
)
# What a date, an integer or a string column is compared by without a format.
_DEFAULTS = {"%Y-%m-%d", "%Y%m%d", "%Y%m%d%H", "%Y-%m-%d-%H:%M"}
_DATED_PATH = re.compile(r"(?:^|/)(?:19|20)\d{2}/\d{1,2}(?:/\d{1,2})?(?:/\d{1,2})?(?=/)")
_PARTS = ("year", "month", "day", "hour")
_WEEK = timedelta(days=7)
_YEARS = range(1900, 2101)


class FolderGuess(NamedTuple):
    """The settings of `partitions` (None: there are none to declare), and what was found."""

    partitions: dict[str, Any] | None
    findings: list[Finding]


def find_folders(
    keys: Iterable[str], prefix: str, *, files: Iterable[str] = (), columns: Iterable[str] = ()
) -> FolderGuess:
    """Return what the folders between the table's and its files' say.

    `files` are keys of a table of files alone, whose folders may tell a column that is not among `columns`.
    """
    folders = _below(keys, prefix)
    values = hive_values(folders)
    names = ", ".join(f"{name}=" for name in values)
    findings = [Finding("path", f"Hive folders: {names}")] if values else []
    partitions, told = partitions_of(values)
    if partitions is None and (dated := find_dated(_below(files, prefix), {*columns, *values})) is not None:
        column, every = dated.settings["column"], dated.settings["every"]
        words = f"partitions: folders such as {dated.example} tell the {every} (UTC), read as column {column}"
        # Without a zero in front, they may be numbers of something else.
        unsure = "%-" in dated.settings["folders"]
        return FolderGuess(dated.settings, [*findings, Finding("partitions", words, doubt=unsure)])
    return FolderGuess(partitions, [*findings, *(told if values else _dated(folders))])


def _below(keys: Iterable[str], prefix: str) -> list[str]:
    return sorted({key.removeprefix(prefix).rpartition("/")[0] for key in keys} - {""})


def hive_values(folders: Iterable[str]) -> dict[str, list[str]]:
    """Return the columns of the folders, outermost first, and their values."""
    values: dict[str, dict[str, None]] = {}
    for folder in folders:
        for segment in folder.split("/"):
            column, value = hive_folder(segment)
            if column is not None:
                found = values.setdefault(column, {})
                if value is not None:
                    found[value] = None
    return {column: list(found) for column, found in values.items()}


def partitions_of(values: dict[str, list[str]]) -> tuple[dict[str, Any] | None, list[Finding]]:
    """Return the settings of the first column whose values are moments, and why."""
    for column, found in values.items():
        layout, every = _layout(found) if found else (None, Every.DAY)
        if layout is None:
            continue
        starts = sorted(datetime.strptime(each, layout) for each in found)  # noqa: DTZ007 - on the wall clock
        every, told = _step(starts, every)
        first = starts[0]
        settings: dict[str, Any] = {
            "column": column,
            "every": every.value,
            "start": first.date() if first.time() == time() else first,
        }
        if layout not in _DEFAULTS:
            settings["format"] = layout
        told = f"partitions: {column} is a {every} in {len(found):,} folders from {found[0]}{told}"
        return settings, [Finding("partitions", told), *_others(values, column)]
    return None, _apart(values)


def _layout(values: Sequence[str]) -> tuple[str | None, Every]:
    for shape, layout, every in _LAYOUTS:
        if all(re.fullmatch(shape, each) and _is_moment(each, layout) for each in values):
            return layout, every
    return None, Every.DAY


def _is_moment(value: str, layout: str) -> bool:
    try:
        found = datetime.strptime(value, layout)  # noqa: DTZ007 - on the wall clock
    except ValueError:
        return False
    return found.year in _YEARS


def _step(starts: Sequence[datetime], every: Every) -> tuple[Every, str]:
    """Return the length of a partition: days that are all the first of a month may be months."""
    if every is not Every.DAY or len(starts) < 2:
        return every, ""
    if all(each.day == 1 for each in starts):
        return Every.MONTH, ", each the first of a month"
    gaps = [high - low for low, high in pairwise(starts)]
    if all(gap % _WEEK == timedelta() for gap in gaps):
        return Every.WEEK, f", each a {starts[0]:%A}"
    return every, ""


def _others(values: dict[str, list[str]], column: str) -> list[Finding]:
    others = [name for name in values if name != column]
    if not others:
        return []
    return [Finding("partitions", f"the folders' other columns are read as well: {', '.join(others)}")]


def _apart(values: dict[str, list[str]]) -> list[Finding]:
    parts = [name for name in values if name.lower() in _PARTS]
    if parts[:1] and parts[0].lower() == "year":
        told = f"{', '.join(parts)} tell the date or a part of it, not in all folders alike: no partitions"
        return [Finding("partitions", told, doubt=True)]
    return []


def _dated(folders: Sequence[str]) -> list[Finding]:
    dated = [match.group().strip("/") for folder in folders if (match := _DATED_PATH.search(f"{folder}/"))]
    if not dated:
        return []
    told = f"folders such as {dated[0]}/ are dates, but not all folders are such dates: no partitions"
    return [Finding("partitions", told, doubt=True)]
