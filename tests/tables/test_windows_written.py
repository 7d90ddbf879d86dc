"""The safe partition write: every kind of partition column, every length, ranges and zones."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from s3_assets.errors import RowsOutsideWindowError
from s3_assets.incremental.overwrite import overwrite
from s3_assets.tables.settings import Partitions
from s3_assets.windows import Every, Window, next_start
from tests.support.extent import EVERYTHING
from tests.tables.conformance import WRITERS
from tests.tables.formats import Format, Place

BERLIN = "Europe/Berlin"


class Column(NamedTuple):
    """A kind of partition column: its type, how a moment is written in it, and how partitions declare it."""

    name: str
    dtype: pl.DataType
    value: Callable[[datetime], Any]
    every: tuple[Every, ...]
    format: str | None = None
    folders: bool = True


COLUMNS = (
    Column("date", pl.Date(), lambda m: m.date(), (Every.DAY, Every.WEEK, Every.MONTH)),
    Column(
        "zoned",
        pl.Datetime("us", "UTC"),
        lambda m: m.astimezone(ZoneInfo("UTC")),
        tuple(Every),
        folders=False,
    ),
    Column("naive", pl.Datetime("us"), lambda m: m.replace(tzinfo=None), tuple(Every), folders=False),
    Column("string", pl.String(), lambda m: f"{m:%Y-%m-%d-%H:%M}", tuple(Every), "%Y-%m-%d-%H:%M"),
    Column("text", pl.String(), lambda m: f"{m:%Y/%m/%d}", (Every.DAY, Every.WEEK, Every.MONTH), "%Y/%m/%d"),
    Column("integer", pl.Int64(), lambda m: int(f"{m:%Y%m%d%H}"), tuple(Every), "%Y%m%d%H"),
    Column("short", pl.Int32(), lambda m: int(f"{m:%Y%m%d}"), (Every.DAY, Every.WEEK, Every.MONTH), "%Y%m%d"),
)
CASES = [
    pytest.param(column, every, id=f"{column.name}-{every}")
    for column in COLUMNS
    for every in column.every
    # The shortest that a column can tell apart, and the longest.
    if EVERYTHING or every in {column.every[0], Every.MONTH}
]
STARTS = {
    Every.HOUR: datetime(2026, 2, 3, 7, tzinfo=UTC),
    Every.DAY: datetime(2026, 2, 27, tzinfo=UTC),
    Every.WEEK: datetime(2026, 2, 16, tzinfo=UTC),
    Every.MONTH: datetime(2026, 1, 1, tzinfo=UTC),
}


@pytest.fixture(params=WRITERS, ids=[each.name for each in WRITERS])
def table_format(request: pytest.FixtureRequest) -> Format:
    found: Format = request.param
    return found


def partitions(column: Column, every: Every, zone: str = "UTC") -> Partitions:
    return Partitions(column="at", every=every, start=date(2025, 1, 1), timezone=zone, format=column.format)


def moments(start: datetime, every: Every, count: int) -> list[datetime]:
    """The first and the last moment of so many partitions."""
    found = []
    for _ in range(count):
        following = next_start(start, every)
        last = following - timedelta(hours=1) if every is not Every.HOUR else start + timedelta(minutes=59)
        found += [start, last]
        start = following
    return found


def frame(column: Column, at: list[datetime], source: str) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "at": pl.Series([column.value(moment) for moment in at], dtype=column.dtype),
            "source": [source] * len(at),
            "number": range(len(at)),
        }
    )


def schema(column: Column) -> pl.Schema:
    return pl.Schema({"at": column.dtype, "source": pl.String(), "number": pl.Int64()})


def texts(rows: pl.DataFrame) -> list[tuple[str, str, int]]:
    """Rows in a form that does not depend on how a reader sees the partition column."""
    ordered = rows.select(pl.col("at").cast(pl.String).str.replace(r"\.0+", ""), "source", "number")
    return sorted(ordered.rows())


@pytest.mark.parametrize(("column", "every"), CASES)
@pytest.mark.needs("write")
def test_window(table_format: Format, place: Place, column: Column, every: Every) -> None:
    start = STARTS[every]
    all_moments = moments(start, every, 5)
    table = table_format.table(place, partitions(column, every), schema(column))
    whole = Window(start, all_moments[-1] + timedelta(hours=24 * 32), every)
    while whole.steps()[-1] > all_moments[-1]:
        whole = Window(start, whole.steps()[-1], every)
    old = frame(column, all_moments, "old")
    overwrite(table, old.lazy(), window=whole)
    assert texts(table_format.read(place, schema(column))) == texts(old)

    # A range of two partitions in one run, twice.
    window = Window(whole.steps()[1], whole.steps()[3], every)
    inside = [moment for moment in all_moments if window.start <= moment < window.end]
    outside = [moment for moment in all_moments if not window.start <= moment < window.end]
    new = frame(column, inside[::-1], "new")
    kept = old.filter(pl.Series([moment in outside for moment in all_moments]))
    before = table_format.files(place)
    for _ in range(2):
        written = overwrite(table, new.lazy(), window=window)
        assert written.commit.rows == new.height
        assert texts(table_format.read(place, schema(column))) == texts(pl.concat([kept, new]))
    assert texts(table.scan().collect()) == texts(pl.concat([kept, new]))
    assert texts(table.plan(window=window).frame.collect()) == texts(new)

    # Neighbouring partitions keep their very files, where files line up with partitions.
    after = table_format.files(place)
    if column.folders or not table_format.keeps_schema:
        assert len(before.items() & after.items()) >= 3

    # An empty frame clears the window, and only that.
    overwrite(table, new.head(0).lazy(), window=window)
    assert texts(table_format.read(place, schema(column))) == texts(kept)
    assert table.plan(window=window).frame.collect().height == 0


@pytest.mark.parametrize(("column", "every"), CASES)
@pytest.mark.needs("write")
def test_rows_outside_are_refused(table_format: Format, place: Place, column: Column, every: Every) -> None:
    start = STARTS[every]
    window = Window(start, next_start(start, every), every)
    table = table_format.table(place, partitions(column, every), schema(column))
    good = frame(column, moments(start, every, 1), "good")
    overwrite(table, good.lazy(), window=window)
    before = table_format.files(place)
    version = table.version()
    following = moments(start, every, 3)
    bad = frame(column, following, "bad")

    with pytest.raises(RowsOutsideWindowError, match=r"4 rows lie outside.*'at'") as caught:
        overwrite(table, bad.lazy(), window=window)

    assert caught.value.count == 4
    assert caught.value.smallest is not None
    assert table_format.files(place) == before
    assert table.version() == version

    nulls = good.with_columns(pl.lit(None, dtype=column.dtype).alias("at"))
    with pytest.raises(RowsOutsideWindowError, match="2 rows lie outside"):
        overwrite(table, nulls.lazy(), window=window)
    assert table_format.files(place) == before
    assert texts(table_format.read(place, schema(column))) == texts(good)


@pytest.mark.parametrize("column", COLUMNS[:4], ids=[column.name for column in COLUMNS[:4]])
@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25)], ids=["spring", "autumn"])
@pytest.mark.needs("write")
def test_days_on_which_the_clock_changes(
    table_format: Format, place: Place, column: Column, day: date
) -> None:
    """A day of 23 or 25 hours in Berlin, written hour by hour of it."""
    zone = ZoneInfo(BERLIN)
    first, start, end, last = (
        datetime.combine(day + timedelta(days=number), time(), zone) for number in (-1, 0, 1, 2)
    )
    window = Window(start, end)
    hours = Window(first, last, Every.HOUR).steps()
    assert len(hours) in {71, 73}
    table = table_format.table(place, partitions(column, Every.DAY, BERLIN), schema(column))
    old = frame(column, hours, "old")
    overwrite(table, old.lazy(), window=Window(first, last))
    inside = [hour.astimezone(zone).date() == day for hour in hours]
    new = frame(column, [hour for hour, mine in zip(hours, inside, strict=True) if mine], "new")
    assert new.height in {23, 25}

    overwrite(table, new.lazy(), window=window)

    kept = old.filter(~pl.Series(inside))
    assert texts(table_format.read(place, schema(column))) == texts(pl.concat([kept, new]))
    assert texts(table.plan(window=window).frame.collect()) == texts(new)
