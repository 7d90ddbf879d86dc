"""A window's predicate is never wider than the window: what a column cannot tell apart is refused."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from pydantic import ValidationError

from s3_assets.errors import PartitionColumnError
from s3_assets.tables.partitioning import bounds
from s3_assets.tables.settings import Partitions
from s3_assets.windows import Every, Window

BERLIN = ZoneInfo("Europe/Berlin")


def partitions(every: Every, column_format: str | None = None) -> Partitions:
    return Partitions(
        column="p", every=every, start=date(2026, 1, 1), timezone="Europe/Berlin", format=column_format
    )


def hours(first: datetime, last: datetime, every: Every = Every.HOUR) -> Window:
    return Window(first, last, every)


@pytest.mark.parametrize("dtype", [pl.Date(), pl.String(), pl.Int64()])
def test_a_window_inside_a_day_is_refused_by_a_column_of_days(dtype: pl.DataType) -> None:
    window = hours(datetime(2026, 1, 5, 6, tzinfo=BERLIN), datetime(2026, 1, 5, 18, tzinfo=BERLIN), Every.DAY)

    with pytest.raises(PartitionColumnError, match="'p' cannot carry partitions of one day"):
        bounds(partitions(Every.DAY), window, dtype, "orders")


@pytest.mark.parametrize("dtype", [pl.Datetime("us"), pl.String(), pl.Int64()])
def test_the_hour_that_comes_twice_is_refused_by_a_column_without_zone(dtype: pl.DataType) -> None:
    second = datetime(2026, 10, 25, 2, fold=1, tzinfo=BERLIN)
    window = hours(second, datetime(2026, 10, 25, 3, tzinfo=BERLIN))

    with pytest.raises(PartitionColumnError, match="comes twice in Europe/Berlin"):
        bounds(partitions(Every.HOUR), window, dtype, "orders")


def test_the_hour_that_comes_twice_is_told_apart_by_a_column_with_zone() -> None:
    second = datetime(2026, 10, 25, 2, fold=1, tzinfo=BERLIN)
    window = hours(second, datetime(2026, 10, 25, 3, tzinfo=BERLIN))

    found = bounds(partitions(Every.HOUR), window, pl.Datetime("us", "UTC"), "orders")

    assert (str(found.low), str(found.high)) == ("2026-10-25 01:00:00+00:00", "2026-10-25 02:00:00+00:00")


@pytest.mark.parametrize(
    "moment", [{"start": "2026-01-01T00:00:00+01:00"}, {"start": "2026-01-01", "end": "2026-02-01T00:00:00Z"}]
)
def test_a_start_or_end_with_a_zone_of_its_own_is_refused(moment: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="write it without, and the zone in timezone"):
        Partitions.model_validate({"column": "p", **moment})
