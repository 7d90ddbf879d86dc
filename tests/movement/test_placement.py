"""Placement, against the clock of Python's zoneinfo: a day of 23 and of 25 hours, hour by hour."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from pydantic import ValidationError

from s3_assets.connection.settings import S3Connection
from s3_assets.errors import PartitionColumnError, RowsRefusedError, SchemaMismatchError
from s3_assets.movement.load import Load
from s3_assets.movement.placement import Placement
from s3_assets.tables.open import open_table
from s3_assets.tables.settings import DeltaSettings, Partitions
from s3_assets.windows import Every, Window, next_start

MOMENT = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
# Zones whose clocks change at 2 and 3 o'clock, and at midnight: one day begins at 1, one hour comes twice.
ZONES = ("Europe/Berlin", "America/Havana", "Africa/Cairo", "Asia/Kathmandu")
# Every 20 minutes around each change of these zones' clocks in 2026.
CHANGES = [datetime(2026, month, day, tzinfo=UTC) for month, day in ((3, 7), (3, 28), (4, 23), (10, 24))]
MOMENTS = [change + timedelta(minutes=20 * step) for change in CHANGES for step in range(72 * 3)]


def placed(settings: dict[str, Any], values: list[Any], dtype: Any = None, **partitions: Any) -> pl.DataFrame:
    spans = Partitions.model_validate({"column": "part", "start": "2026-01-01", **partitions})
    frame = pl.DataFrame({"at": pl.Series(values, dtype=dtype)})
    run = Load("orders", "landing/orders", MOMENT)
    with run.reading():
        lazy = Placement.model_validate(settings).apply(frame.lazy(), spans, run)
        return lazy.collect(engine="streaming")


def start_of(moment: datetime, every: str, zone: str, first: date) -> date:
    """The local date on which the partition of a moment begins."""
    day = moment.astimezone(ZoneInfo(zone)).date()
    if every == "week":
        return day - timedelta(days=(day - first).days % 7)
    if every == "month":
        months = [date(2026, month, first.day) for month in range(1, 13)]
        return max(begin for begin in months if begin <= day)
    return day


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(
    ("every", "first"), [("day", date(2026, 1, 1)), ("week", date(2026, 1, 7)), ("month", date(2026, 1, 5))]
)
def test_dates_are_starts_of_partitions(every: str, first: date, zone: str) -> None:
    found = placed({"column": "at"}, MOMENTS, every=every, start=first, timezone=zone)

    assert found["part"].to_list() == [start_of(moment, every, zone, first) for moment in MOMENTS]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Kathmandu"])
@pytest.mark.parametrize("every", ["hour", "day"])
def test_each_row_lies_in_the_one_window_of_its_moment(every: str, zone: str) -> None:
    """The windows of a day of 23 or 25 hours, and of each of its hours, hold exactly their rows."""
    spans = Partitions.model_validate(
        {"column": "part", "every": every, "start": "2026-01-01", "timezone": zone}
    )
    settings = DeltaSettings(connection="s3", path="t", partitions=spans)
    table = open_table("t", settings, S3Connection(url="s3://bucket/"))
    found = placed({"column": "at"}, MOMENTS, every=every, timezone=zone)

    start, last = (datetime(2026, 10, day, tzinfo=ZoneInfo(zone)) for day in (24, 27))
    expected = sum(start.astimezone(UTC) <= moment < last.astimezone(UTC) for moment in MOMENTS)
    seen = 0
    while start < last:
        end = next_start(start, Every(every))
        bounds = table.bounds(Window(start, end, Every(every)), found.schema)
        inside = found.filter(bounds.expression())["at"].to_list()
        low, high = start.astimezone(UTC), end.astimezone(UTC)
        assert inside == [moment for moment in MOMENTS if low <= moment < high]
        seen += len(inside)
        start = end
    assert seen == expected > 0


UNITS = {"seconds": 1, "milliseconds": 10**3, "microseconds": 10**6, "nanoseconds": 10**9}


@pytest.mark.parametrize("unit", UNITS)
def test_long_columns(unit: str) -> None:
    values = [int(moment.timestamp()) * UNITS[unit] for moment in MOMENTS]

    found = placed({"column": "at", "unit": unit}, values, timezone="Europe/Berlin")

    assert found["part"].to_list() == [
        moment.astimezone(ZoneInfo("Europe/Berlin")).date() for moment in MOMENTS
    ]


def test_timestamps_without_a_zone_are_on_the_clock_that_is_told() -> None:
    values = [datetime.fromisoformat("2026-03-29T23:30"), datetime.fromisoformat("2026-10-25T02:30")]

    utc = placed({"column": "at"}, values, timezone="Europe/Berlin")["part"].to_list()
    local = placed({"column": "at", "timezone": "Europe/Berlin", "type": "timestamp"}, values)[
        "part"
    ].to_list()

    assert utc == [date(2026, 3, 30), date(2026, 10, 25)]
    # Of the hour that comes twice, the first one: summer time.
    assert local == [datetime(2026, 3, 29, 21, 30, tzinfo=UTC), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)]


def test_dates_and_columns_that_are_placed_themselves() -> None:
    days = [date(2026, 3, 29), date(2026, 4, 24)]

    assert placed({"column": "at"}, days, timezone="Africa/Cairo")["part"].to_list() == days
    found = placed({"column": "at"}, MOMENTS[:2], column="at")
    assert found.columns == ["at"]
    assert found["at"].to_list() == [date(2026, 3, 7)] * 2


@pytest.mark.parametrize(
    ("settings", "partitions", "expected"),
    [
        ({"type": "string"}, {}, "2026-10-25"),
        ({}, {"format": "%Y%m%d"}, "20261025"),
        ({"type": "int64"}, {}, 20261025),
        ({"type": "string"}, {"every": "month", "format": "%Y-%m"}, "2026-10"),
        ({"type": "string"}, {"every": "hour"}, "2026-10-25-02:00"),
        ({}, {"every": "hour"}, MOMENT),
        ({"type": "timestamp"}, {}, MOMENT),
        ({}, {}, date(2026, 10, 25)),
    ],
    ids=str,
)
def test_the_load_time_in_each_type(
    settings: dict[str, Any], partitions: dict[str, Any], expected: object
) -> None:
    found = placed(settings, [1, 2], timezone="Europe/Berlin", **partitions)

    assert found["part"].to_list() == [expected] * 2


def test_rows_without_a_moment() -> None:
    message = (
        "placement: column 'at' has values that tell no moment, such as None. Correct the source, or set"
    )
    with pytest.raises(RowsRefusedError, match=f"import 'orders', {message}"):
        placed({"column": "at"}, [MOMENT, None])
    # On no clock of Berlin: it jumps from 2 to 3.
    with pytest.raises(RowsRefusedError, match=r"datetime\.datetime\(2026, 3, 29, 2, 30\)"):
        placed({"column": "at", "timezone": "Europe/Berlin"}, [datetime.fromisoformat("2026-03-29T02:30")])
    found = placed({"column": "at", "on_null": "load_time"}, [datetime(2026, 1, 2, tzinfo=UTC), None])
    assert found["part"].to_list() == [date(2026, 1, 2), MOMENT.date()]


@pytest.mark.parametrize(
    ("settings", "values", "partitions", "kind", "message"),
    [
        ({"column": "att"}, [1], {}, SchemaMismatchError, "no column 'att'; did you mean 'at'"),
        ({"column": "at"}, [1], {}, SchemaMismatchError, "nothing says what it counts. Add `unit: seconds`"),
        ({"column": "at"}, ["2026-01-01"], {}, SchemaMismatchError, "string, which tells no moment"),
        (
            {"column": "at", "unit": "seconds"},
            [MOMENT],
            {},
            SchemaMismatchError,
            "`unit` is for whole numbers",
        ),
        ({}, [1], {"column": "at"}, SchemaMismatchError, "the column 'at' is there already"),
        ({"type": "date"}, [1], {"every": "hour"}, PartitionColumnError, "placement.type: timestamp"),
        ({}, [1], {"start": "2026-01-01T02:00:00"}, PartitionColumnError, "begin at 02:00:00"),
    ],
    ids=str,
)
def test_what_cannot_be_placed(
    settings: dict[str, Any],
    values: list[Any],
    partitions: dict[str, Any],
    kind: type[Exception],
    message: str,
) -> None:
    with pytest.raises(kind, match=message):
        placed(settings, values, **partitions)


def test_a_zone_that_there_is_not() -> None:
    with pytest.raises(ValidationError, match="'Berlin' is not an IANA time zone"):
        Placement(timezone="Berlin")


def test_days_that_begin_later() -> None:
    found = placed({"column": "at", "type": "string"}, MOMENTS, start="2026-01-01T02:30")

    days = [(moment - timedelta(hours=2, minutes=30)).date() for moment in MOMENTS]
    assert found["part"].to_list() == [
        datetime.combine(day, time(2, 30)).strftime("%Y-%m-%d") for day in days
    ]
