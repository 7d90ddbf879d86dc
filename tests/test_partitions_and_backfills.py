"""What users of other tools complain of under "Partitions and backfills".

Each test is named by the complaint and shows what happens here instead, for Delta and Iceberg tables and
plain folders alike. What is there afterwards is read by other software alone.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from s3_assets.embedded.server import EmbeddedServer
from s3_assets.errors import RowsOutsideWindowError
from s3_assets.incremental.append import append_new
from s3_assets.incremental.overwrite import overwrite
from s3_assets.tables.catalogs.kept import close_catalogs
from s3_assets.tables.open import open_table
from s3_assets.tables.settings import ParquetSettings, Partitions
from s3_assets.windows import Every, Window, next_start
from tests.incremental.ground import parquet
from tests.support.extent import EVERYTHING
from tests.tables.formats import DELTA, PARQUET, Format, Place
from tests.tables.iceberg_formats import PLACED

FORMATS = (DELTA, PLACED, PARQUET)
BERLIN = ZoneInfo("Europe/Berlin")
each_format = pytest.mark.parametrize("kind", FORMATS, ids=["delta", "iceberg", "parquet"])


@pytest.fixture
def place(s3_server: EmbeddedServer, s3_client: Any, bucket: str, tmp_path: Path) -> Iterator[Place]:
    yield Place(s3_server, s3_client, bucket, folder=tmp_path)
    close_catalogs()


def wave(values: list[Any], dtype: pl.DataType, source: str) -> pl.LazyFrame:
    return pl.LazyFrame(
        {"at": pl.Series(values, dtype=dtype), "hour": range(len(values)), "source": [source] * len(values)},
        schema_overrides={"hour": pl.Int64},
    )


def found(kind: Format, place: Place, dtype: pl.DataType) -> list[tuple[Any, str]]:
    """The partition column and the source of each row, as foreign software reads them."""
    schema = pl.Schema({"at": dtype, "hour": pl.Int64(), "source": pl.String()})
    return sorted(kind.read(place, schema).select("at", "source").rows())


class Column(NamedTuple):
    """A kind of partition column, and how a moment is written in it."""

    dtype: pl.DataType
    value: Callable[[datetime], Any]
    every: Every
    format: str | None = None


COLUMNS = {
    "date by week": Column(pl.Date(), lambda moment: moment.date(), Every.WEEK),
    "timestamp by hour": Column(pl.Datetime("us"), lambda moment: moment.replace(tzinfo=None), Every.HOUR),
    "timestamp with zone by day": Column(pl.Datetime("us", "UTC"), lambda m: m.astimezone(UTC), Every.DAY),
    "string by month": Column(pl.String(), lambda moment: f"{moment:%Y-%m}", Every.MONTH, "%Y-%m"),
    "integer by hour": Column(pl.Int64(), lambda moment: int(f"{moment:%Y%m%d%H}"), Every.HOUR, "%Y%m%d%H"),
}

CASES = [
    pytest.param(kind, column, id=f"{name} in {kind.name}")
    for number, (name, column) in enumerate(COLUMNS.items())
    for index, kind in enumerate(FORMATS)
    # One column in all formats, each other one in one of the quicker two.
    if EVERYTHING or number == 0 or index == 2 * (number % 2)
]


# Ranges in one run crash in dagster-iceberg, are refused in dagster-polars, lose data in dagster-deltalake.


@pytest.mark.parametrize(("kind", "column"), CASES)
def test_a_range_in_one_run_crashed_or_lost_data(kind: Format, place: Place, column: Column) -> None:
    starts = [datetime(2026, 6, 1, tzinfo=UTC)]
    for _ in range(4):
        starts.append(next_start(starts[-1], column.every))
    values = [column.value(start) for start in starts]
    partitions = Partitions(column="at", every=column.every, start=date(2026, 6, 1), format=column.format)
    table = kind.table(place, partitions)
    overwrite(table, wave(values[:4], column.dtype, "old"), window=Window(starts[0], starts[4], column.every))

    expected = sorted(zip(values[:4], ["old", "new", "new", "old"], strict=True))
    for _ in range(2):
        # Two partitions of four in one run, and once more.
        new = wave(values[1:3], column.dtype, "new")
        overwrite(table, new, window=Window(starts[1], starts[3], column.every))
        assert found(kind, place, column.dtype) == expected

    with pytest.raises(RowsOutsideWindowError) as refused:
        overwrite(
            table, wave(values[1:4], column.dtype, "x"), window=Window(starts[1], starts[3], column.every)
        )
    assert refused.value.count == 1
    assert found(kind, place, column.dtype) == expected


# Hourly fails in dagster-deltalake (only hour 00 is written when the column has a zone) and dagster-polars.


@each_format
def test_hourly_wrote_hour_00_alone(kind: Format, place: Place) -> None:
    """In the night in which Berlin's clocks are set back, two hours are called 02."""
    first = datetime(2026, 10, 25, tzinfo=BERLIN).astimezone(UTC)
    hours = [first + timedelta(hours=number) for number in range(6)]
    dtype = pl.Datetime("us", "UTC")
    partitions = Partitions(column="at", every=Every.HOUR, start=date(2026, 10, 1), timezone="Europe/Berlin")
    table = kind.table(place, partitions)
    ends = [hour.astimezone(BERLIN) for hour in (*hours, hours[-1] + timedelta(hours=1))]
    overwrite(table, wave(hours, dtype, "old"), window=Window(ends[0], ends[-1], Every.HOUR))
    assert found(kind, place, dtype) == [(hour, "old") for hour in hours]

    # The second 02:00, and it alone.
    assert (ends[2].hour, ends[3].hour) == (2, 2)
    overwrite(table, wave([hours[3]], dtype, "new"), window=Window(ends[3], ends[4], Every.HOUR))

    expected = [(hour, "new" if number == 3 else "old") for number, hour in enumerate(hours)]
    assert found(kind, place, dtype) == expected


# There is no append mode for Iceberg, and appending is broken for lazy frames.


@pytest.mark.parametrize("kind", [DELTA, PLACED], ids=["delta", "iceberg"])
def test_lazy_frames_could_not_be_appended(kind: Format, place: Place) -> None:
    table = kind.table(place, Partitions(column="day", start=date(2026, 1, 1)))
    source = open_table("orders", ParquetSettings(connection="lake", path="landing"), place.connection())
    for number in range(3):
        body = parquet(range(number * 10, number * 10 + 10))
        place.client.put_object(Bucket=place.bucket, Key=f"landing/{number}.parquet", Body=body)
        outcome = append_new(
            table, "sales/orders", source, transform=lambda frame: frame.filter(pl.col("id") % 2 == 0)
        )
        assert outcome.rows == 5

    rows = kind.read(place, pl.Schema({"id": pl.Int64()}))
    assert sorted(rows["id"]) == list(range(0, 30, 2))
