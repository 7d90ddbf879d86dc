"""Regions: keys as values of columns, what is inside, and what may be in a file."""

from datetime import date
from itertools import product

import polars as pl
import pytest

from s3_assets.errors import PartitionColumnError
from s3_assets.incremental.attempts import Span
from s3_assets.tables.partitioning import Bounds
from s3_assets.tables.regions import Condition, Region, values_of

RANGES = Condition("at", (Bounds("at", 2, 4), Bounds("at", 6, 7)))
VALUES = Condition("at", values=(1, 5))


@pytest.mark.parametrize("condition", [RANGES, VALUES], ids=["ranges", "values"])
def test_what_is_inside_and_what_may_be(condition: Condition) -> None:
    inside = {2, 3, 6} if condition is RANGES else {1, 5}
    frame = pl.DataFrame({"at": [*range(9), None]}, schema={"at": pl.Int64})

    assert set(frame.filter(condition.expression())["at"]) == inside
    assert {value for value in range(9) if condition.contains(value)} == inside
    for low, high in product(range(9), repeat=2):
        if low > high:
            continue
        span = set(range(low, high + 1))
        assert condition.may_meet(low, high) >= bool(span & inside)
        assert condition.holds(low, high) <= (span <= inside)
    # In a file of one value both are certain.
    assert all(
        condition.may_meet(each, each) == condition.holds(each, each) == (each in inside) for each in range(9)
    )
    assert condition.may_meet(None, None)


@pytest.mark.parametrize(
    ("key", "dtype", "value"),
    [
        ("o'x \"%/ü", pl.String(), "o'x \"%/ü"),
        ("-7", pl.Int32(), -7),
        ("2026-01-05", pl.Date(), date(2026, 1, 5)),
    ],
)
def test_a_key_is_a_value(key: str, dtype: pl.DataType, value: date | int | str) -> None:
    assert values_of("at", [key], dtype, "t") == Condition("at", values=(value,))


@pytest.mark.parametrize(
    ("key", "dtype"),
    [
        ("007", pl.Int64()),
        ("1.5", pl.Int64()),
        ("٣", pl.Int64()),
        ("20260105", pl.Date()),
        ("a", pl.Date()),
        ("1", pl.Float64()),
        ("true", pl.Boolean()),
        ("", pl.String()),
        ("__HIVE_DEFAULT_PARTITION__", pl.String()),
    ],
)
def test_a_key_that_the_column_cannot_hold(key: str, dtype: pl.DataType) -> None:
    with pytest.raises(PartitionColumnError, match="cannot carry partitions of keys"):
        values_of("at", [key], dtype, "t")


def region(low: int, high: int, *keys: str) -> Region:
    ranged = (Condition("at", (Bounds("at", low, high),)),) if high else ()
    return Region((*ranged, *((Condition("key", values=keys),) if keys else ())))


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [
        (region(0, 5, "a"), region(0, 5, "b"), False),
        (region(0, 5, "a"), region(5, 9, "a"), False),
        (region(0, 5, "a", "b"), region(4, 9, "b"), True),
        (region(0, 0, "a"), region(0, 0, "b"), False),
        (region(0, 0, "a"), region(0, 0, "a"), True),
        (region(0, 0, "a"), region(0, 5), True),
        (region(0, 5), None, True),
        (region(0, 0, "a"), None, True),
    ],
)
def test_overwrites_that_meet(one: Region, other: Region | None, overlap: bool) -> None:
    spans = [Span.read(Span.of(each).write()) for each in (one, other)]

    assert spans[0].overlaps(spans[1]) is spans[1].overlaps(spans[0]) is overlap
