from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from s3_assets.errors import SettingError
from s3_assets.windows import Every, Window, next_start, time_zone

BERLIN = ZoneInfo("Europe/Berlin")


def test_steps() -> None:
    start = datetime(2026, 1, 30, tzinfo=UTC)

    days = Window(start, start + timedelta(days=3)).steps()
    months = Window(start.replace(day=1), datetime(2027, 2, 1, tzinfo=UTC), Every.MONTH).steps()
    weeks = Window(start, start + timedelta(days=14), Every.WEEK).steps()

    assert [step.day for step in days] == [30, 31, 1]
    assert [(step.year, step.month) for step in months] == [
        *[(2026, month) for month in range(1, 13)],
        (2027, 1),
    ]
    assert [step.day for step in weeks] == [30, 6]


@pytest.mark.parametrize(("day", "hours"), [(29, 23), (30, 24)])
def test_hours_of_a_day_in_spring(day: int, hours: int) -> None:
    start = datetime(2026, 3, day, tzinfo=BERLIN)

    assert len(Window(start, next_start(start, Every.DAY), Every.HOUR).steps()) == hours


def test_hours_of_a_day_in_autumn() -> None:
    start = datetime(2026, 10, 25, tzinfo=BERLIN)
    steps = Window(start, next_start(start, Every.DAY), Every.HOUR).steps()

    assert len(steps) == 25
    assert len({step.astimezone(UTC) for step in steps}) == 25


def test_days_begin_at_midnight_on_the_wall() -> None:
    start = datetime(2026, 3, 28, tzinfo=BERLIN)

    steps = Window(start, datetime(2026, 4, 1, tzinfo=BERLIN)).steps()

    assert [step.hour for step in steps] == [0, 0, 0, 0]
    assert steps[2].astimezone(UTC) - steps[1].astimezone(UTC) == timedelta(hours=23)


def test_windows_that_are_none() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)

    with pytest.raises(SettingError, match="is empty"):
        Window(start, start)
    with pytest.raises(SettingError, match="no time zone"):
        Window(start.replace(tzinfo=None), start.replace(tzinfo=None, year=2027))


@pytest.mark.parametrize("name", ["Mars/Base", "", "../etc/passwd", "UTC+25"])
def test_time_zones_that_are_none(name: str) -> None:
    with pytest.raises(SettingError, match="IANA"):
        time_zone(name)
