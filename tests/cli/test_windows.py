"""Windows as people write them."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from s3_assets.cli.windows import parse_window
from s3_assets.errors import SettingError
from s3_assets.tables.settings import Partitions
from s3_assets.windows import Every, Window


@pytest.mark.parametrize(
    ("every", "start", "first", "last", "begin", "end"),
    [
        (Every.DAY, date(2026, 1, 1), "2026-01-05", "2026-01-05", (2026, 1, 5), (2026, 1, 6)),
        (Every.DAY, date(2026, 1, 1), "2026-01-05", "2026-01-07", (2026, 1, 5), (2026, 1, 8)),
        (
            Every.HOUR,
            date(2026, 1, 1),
            "2026-01-05-23:00",
            "2026-01-05T23:00",
            (2026, 1, 5, 23),
            (2026, 1, 6),
        ),
        (Every.WEEK, date(2026, 1, 5), "2026-01-12", "2026-01-19", (2026, 1, 12), (2026, 1, 26)),
        (Every.MONTH, date(2026, 1, 1), "2026-02", "2026-12-01", (2026, 2, 1), (2027, 1, 1)),
        (Every.MONTH, date(2026, 1, 15), "2026-02-15", "2026-02-15", (2026, 2, 15), (2026, 3, 15)),
    ],
)
def test_window(
    every: Every, start: date, first: str, last: str, begin: tuple[int, int, int], end: tuple[int, int, int]
) -> None:
    partitions = Partitions(column="d", every=every, start=start)

    assert parse_window(partitions, first, last) == Window(
        datetime(*begin, tzinfo=ZoneInfo("UTC")), datetime(*end, tzinfo=ZoneInfo("UTC")), every
    )


def test_time_zone() -> None:
    partitions = Partitions(column="d", start=date(2026, 1, 1), timezone="Europe/Berlin")

    window = parse_window(partitions, "2026-03-29", "2026-03-29")

    assert window.start.astimezone(UTC) == datetime(2026, 3, 28, 23, tzinfo=UTC)
    assert window.end.astimezone(UTC) == datetime(2026, 3, 29, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("every", "key", "message"),
    [
        (Every.DAY, "5 January", r"'5 January' names no day\. Write one such as 2026-01-05"),
        (Every.HOUR, "2026-01-05", r"names no hour\. Write one such as 2026-01-05-13:00"),
        (Every.HOUR, "2026-01-05-13:30", "no hour starts at '2026-01-05-13:30'"),
        (Every.WEEK, "2026-01-13", "no week starts at '2026-01-13': the first one starts at 2026-01-05"),
        (Every.MONTH, "2026-02-01", "no month starts at '2026-02-01'"),
        (Every.DAY, "2026-01-04", "lies before the first partition"),
    ],
)
def test_refused(every: Every, key: str, message: str) -> None:
    partitions = Partitions(column="d", every=every, start=date(2026, 1, 5))

    with pytest.raises(SettingError, match=message):
        parse_window(partitions, key, key)
