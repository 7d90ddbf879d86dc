"""What a table's checks measure besides its rows one by one: how many they are, and how new."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from s3_assets.checks.outcome import outcome
from s3_assets.progress import count
from s3_assets.tables.durations import readable_duration
from s3_assets.windows import Slice, Window, next_start, time_zone

if TYPE_CHECKING:
    from collections.abc import Mapping

    from s3_assets.checks.outcome import CheckOutcome
    from s3_assets.checks.rules import Rule
    from s3_assets.tables.check_settings import FreshnessCheck, RowCountCheck
    from s3_assets.tables.table import Table

_SHOWN = 5
# Of a run of no partitions: each is an expression of one pass.
_MOST_PARTITIONS = 1_000


def row_count(rule: Rule, settings: RowCountCheck, rows: int, before: int | None, *, by: str) -> CheckOutcome:
    """Judge the number of a table's rows; `before` is what it was the last time."""
    wrong = _beyond(settings, rows)
    words = count(rows, "row")
    if settings.change is not None:
        if before is None:
            words += ", and no earlier number to compare with"
        else:
            words += f" instead of {before:,}"
            # From nothing to something is a beginning, not a change.
            wrong = wrong or (before > 0 and abs(rows - before) / before > settings.change)
    return replace(outcome(rule, words, passed=not wrong, rows=rows), by=by)


def partition_counts(
    rule: Rule, settings: RowCountCheck, counts: Mapping[str, int], *, by: str
) -> CheckOutcome:
    """Judge the number of rows of each partition."""
    wrong = {label: rows for label, rows in counts.items() if _beyond(settings, rows)}
    rows = sum(counts.values())
    if not wrong:
        words = f"{count(rows, 'row')} in {count(len(counts), 'partition')}"
        return replace(outcome(rule, words, passed=True, rows=rows), by=by)
    shown = ", ".join(f"{label} has {found:,}" for label, found in list(wrong.items())[:_SHOWN])
    more = f" and {len(wrong) - _SHOWN:,} more" if len(wrong) > _SHOWN else ""
    words = f"{len(wrong):,} of {len(counts):,} partitions have another number of rows: {shown}{more}"
    return replace(outcome(rule, words, passed=False, rows=rows), by=by)


def freshness(
    rule: Rule, settings: FreshnessCheck, newest: date | datetime | None, now: datetime, *, by: str
) -> CheckOutcome:
    """Judge the age of the newest rows: a date counts from its beginning, a time without a zone is UTC."""
    what = settings.column or "row"
    if newest is None:
        return replace(outcome(rule, f"there is no {what} at all", passed=False), by=by)
    moment = _moment(newest)
    age = max(now - moment, timedelta(0))
    told = readable_duration(timedelta(seconds=round(age.total_seconds())))
    words = f"the newest {what} is of {moment.isoformat(timespec='seconds')}, {told} ago"
    found = outcome(rule, words, passed=age <= settings.within, age_seconds=age.total_seconds())
    return replace(found, by=by)


def pieces(table: Table[Any], part: Window | Slice | None, now: datetime) -> dict[str, Slice]:
    """Return the single partitions of a part of a table, by their first moment or key.

    Of no part: those of the table's declaration that have ended, the newest thousand of them.
    """
    whole = Slice((part,)) if isinstance(part, Window) else part
    if whole is None:
        partitions = table.settings.partitions
        if partitions is None:
            return {}
        zone = time_zone(partitions.timezone)
        start = _start(partitions.start).replace(tzinfo=zone)
        until = now if partitions.end is None else min(now, _start(partitions.end).replace(tzinfo=zone))
        steps = []
        while (following := next_start(start, partitions.every)) <= until:
            steps.append(Window(start, following, partitions.every))
            start = following
        return {_label(each): Slice((each,)) for each in steps[-_MOST_PARTITIONS:]}
    if whole.windows:
        return {
            _label(step): Slice((step,), whole.keys)
            for each in whole.windows
            for start in each.steps()
            for step in (Window(start, next_start(start, each.every), each.every),)
        }
    (column, keys), *others = whole.keys
    return {key: Slice((), ((column, (key,)), *others)) for key in keys}


def _label(window: Window) -> str:
    start = window.start
    return start.date().isoformat() if start.time() == time() else start.isoformat(timespec="minutes")


def _start(value: date | datetime) -> datetime:
    return value if isinstance(value, datetime) else datetime.combine(value, time())


def _moment(value: date | datetime) -> datetime:
    found = _start(value)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _beyond(settings: RowCountCheck, rows: int) -> bool:
    too_few = settings.at_least is not None and rows < settings.at_least
    return too_few or (settings.at_most is not None and rows > settings.at_most)
