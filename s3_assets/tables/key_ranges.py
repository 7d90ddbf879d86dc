"""Which files may hold a row of some keys, told by the smallest and largest values that their log names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

# Some writers cut the times of their statistics to milliseconds: the largest may lie as much above them.
_CUT = "1ms"


@dataclass(frozen=True)
class KeyRange:
    """Smallest and largest value of one key column, for each file; null where it is not known.

    A smallest value may be below, and a largest one above, what the file really has.
    """

    smallest: pl.Series
    largest: pl.Series


def may_hold(ranges: dict[str, KeyRange], touched: pl.DataFrame, files: int) -> pl.Series:
    """Tell for each of the files whether every key column leaves room for one of the touched values.

    Columns of other types than integers, texts, dates and times rule out nothing.
    """
    import polars as pl

    room = pl.Series([True], dtype=pl.Boolean).new_from_index(0, files)
    for column, found in ranges.items():
        values = touched[column]
        if _ordered(values.dtype):
            room &= _between(found, values.unique().sort())
    return room


def in_types(touched: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
    """Return the keys in the types that a table has them in, without those that it cannot have."""
    return touched.cast({key: schema[key] for key in touched.columns}, strict=False).drop_nulls()


def comparable(keys: tuple[str, ...], schema: pl.Schema) -> tuple[str, ...]:
    """Return those of the keys whose values `may_hold` can compare."""
    return tuple(key for key in keys if _ordered(schema[key]))


def _ordered(dtype: pl.DataType) -> bool:
    import polars as pl

    return dtype.is_integer() or isinstance(dtype, pl.String | pl.Date | pl.Datetime)


def _between(found: KeyRange, values: pl.Series) -> pl.Series:
    """Tell for each file whether one of the sorted values lies within its range."""
    import polars as pl

    smallest, largest = (bound.cast(values.dtype, strict=False) for bound in (found.smallest, found.largest))
    if isinstance(values.dtype, pl.Datetime):
        largest = largest.dt.offset_by(_CUT)
    first = values.search_sorted(smallest, side="left")
    behind = values.search_sorted(largest, side="right")
    return (first < behind) | smallest.is_null() | largest.is_null()
