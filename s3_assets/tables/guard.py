"""The partition guard: no write touches a row outside its window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.errors import RowsOutsideWindowError

if TYPE_CHECKING:
    import polars as pl

    from s3_assets.tables.partitioning import Bounds


def refuse_outside(frame: pl.LazyFrame, window: Bounds) -> None:
    """Count the rows outside the window in one streaming pass; raise `RowsOutsideWindowError` for any."""
    import polars as pl

    column = pl.col(window.column)
    outside = frame.filter(~window.expression().fill_null(value=False))
    count, smallest, largest = (
        outside.select(pl.len(), column.min().alias("smallest"), column.max().alias("largest"))
        .collect(engine="streaming")
        .row(0)
    )
    if count:
        raise rows_outside(window, count, smallest, largest)


def rows_outside(window: Bounds, count: int, smallest: object, largest: object) -> RowsOutsideWindowError:
    """Name the rows that a write of this window must not touch."""
    return RowsOutsideWindowError(
        f"{count:,} rows lie outside the run's window [{window.low}, {window.high}) of '{window.column}': "
        f"the smallest is {smallest}, the largest {largest}",
        remedy="Filter the rows to the run's partitions, or run the partitions that they belong to; "
        "nothing was written.",
        count=count,
        smallest=None if smallest is None else str(smallest),
        largest=None if largest is None else str(largest),
    )
