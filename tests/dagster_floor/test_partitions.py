"""Partitions of tables against Dagster's own: every key of a definition, every window."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from s3_assets.connection.settings import S3Connection
from s3_assets.errors import PartitionColumnError, UnsupportedError
from s3_assets.partitions import partitions_definition, unbroken, windows_of
from s3_assets.tables.open import open_table
from s3_assets.tables.settings import DeltaSettings, Partitions
from s3_assets.tables.table import Table

# Zones whose clocks change at 1, 2 or 3 o'clock, at midnight (so that a day begins at 1, or twice), or never.
ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Africa/Cairo",
    "America/Havana",
    "America/Santiago",
    "Asia/Kathmandu",
)
STARTS = ("2025-01-01", "2025-01-05T02:30:00", "2025-01-15T23:45:00")


def table(**partitions: object) -> Table[DeltaSettings]:
    settings = DeltaSettings(
        connection="lake",
        path="t",
        partitions=Partitions.model_validate({"column": "at", "start": "2026-01-01", **partitions}),
    )
    return open_table("t", settings, S3Connection(url="s3://bucket/"))


def definition(of: Table[DeltaSettings]) -> dg.TimeWindowPartitionsDefinition:
    assert of.settings.partitions is not None
    return partitions_definition(of.settings.partitions)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("every", ["hour", "day", "week", "month"])
def test_every_key_is_a_window_of_the_table(every: str, start: str, zone: str) -> None:
    # Hours: one change of the clock is enough of them.
    end = "2025-04-10" if every == "hour" else "2026-03-31"
    of = table(every=every, start=start, timezone=zone, end=end)
    dagster = definition(of)
    keys = dagster.get_partition_keys()

    windows = windows_of(dagster, reversed(keys), of)

    assert list(windows) == keys
    assert keys
    for key in keys:
        span = dagster.time_window_for_partition_key(key)
        assert (windows[key].start, windows[key].end) == (span.start, span.end)
    whole = unbroken(windows, "t")
    first, last = (dagster.time_window_for_partition_key(key) for key in (keys[0], keys[-1]))
    assert (whole.start, whole.end) == (first.start, last.end)


@pytest.mark.parametrize("every", ["hour", "day", "week", "month"])
@pytest.mark.parametrize("start", STARTS)
def test_the_first_partition_begins_at_the_start(every: str, start: str) -> None:
    dagster = definition(table(every=every, start=start, timezone="Europe/Berlin"))
    first = dagster.get_first_partition_key()
    assert first is not None

    begin = dagster.time_window_for_partition_key(first).start

    assert begin == datetime.fromisoformat(start).replace(tzinfo=ZoneInfo("Europe/Berlin"))


def test_a_day_has_23_or_25_hours_where_the_clock_changes() -> None:
    of = table(timezone="Europe/Berlin", start="2025-01-01")
    windows = windows_of(definition(of), ["2025-03-30", "2025-10-26"], of)
    lengths = [each.end.astimezone(UTC) - each.start.astimezone(UTC) for each in windows.values()]

    assert lengths == [timedelta(hours=23), timedelta(hours=25)]


def test_the_hour_that_comes_twice_has_two_keys() -> None:
    of = table(every="hour", timezone="Europe/Berlin", start="2025-10-26", end="2025-10-27")
    keys = definition(of).get_partition_keys()
    windows = windows_of(definition(of), keys, of)

    assert len(keys) == len(set(keys)) == 25
    assert all(
        earlier.end.astimezone(UTC) == later.start.astimezone(UTC)
        for earlier, later in pairwise(windows.values())
    )


def test_months_are_made_of_days() -> None:
    of = table()
    windows = windows_of(dg.MonthlyPartitionsDefinition("2026-01-01"), ["2026-02-01"], of)

    assert [(each.start.date(), each.end.date()) for each in windows.values()] == [
        (date(2026, 2, 1), date(2026, 3, 1))
    ]


@pytest.mark.parametrize(
    ("dagster", "key", "partitions"),
    [
        (dg.HourlyPartitionsDefinition("2026-01-01-00:00"), "2026-01-02-23:00", {}),
        (dg.DailyPartitionsDefinition("2026-01-01"), "2026-01-01", {"every": "month"}),
        (dg.DailyPartitionsDefinition("2026-01-01"), "2026-01-01", {"every": "week"}),
        (dg.WeeklyPartitionsDefinition("2026-01-01"), "2026-01-04", {"every": "week"}),
        (dg.DailyPartitionsDefinition("2026-01-01", hour_offset=3), "2026-01-01", {}),
        (dg.DailyPartitionsDefinition("2026-01-01", timezone="Asia/Tokyo"), "2026-01-01", {}),
    ],
)
def test_part_of_a_partition_is_refused(
    dagster: dg.TimeWindowPartitionsDefinition, key: str, partitions: dict[str, str]
) -> None:
    with pytest.raises(PartitionColumnError, match="whole partitions"):
        windows_of(dagster, [key], table(**partitions))


def test_a_gap_is_refused() -> None:
    of = table()
    windows = windows_of(definition(of), ["2026-01-05", "2026-01-01", "2026-01-02"], of)

    with pytest.raises(UnsupportedError, match="gap between 2026-01-02 and 2026-01-05"):
        unbroken(windows, "t")


@pytest.mark.parametrize(
    "dagster",
    [
        dg.StaticPartitionsDefinition(["2026-01-01"]),
        dg.DynamicPartitionsDefinition(name="days"),
        dg.MultiPartitionsDefinition(
            {"day": dg.DailyPartitionsDefinition("2026-01-01"), "of": dg.StaticPartitionsDefinition(["a"])}
        ),
        None,
    ],
)
def test_only_spans_of_time(dagster: dg.PartitionsDefinition | None) -> None:
    with pytest.raises(UnsupportedError, match="spans of time"):
        windows_of(dagster, ["2026-01-01"], table())
