"""The partition guard: no write touches a row outside its window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.errors import RowsOutsideWindowError
from s3_assets.progress import count
from s3_assets.tables.parts import Outside

if TYPE_CHECKING:
    import polars as pl

    from s3_assets.tables.regions import Region


def refuse_outside(frame: pl.LazyFrame, window: Region) -> None:
    """Count the rows outside the window in one streaming pass; raise `RowsOutsideWindowError` for any."""
    import polars as pl

    found = count_outside(frame, window, pl.len())
    if found.rows:
        raise rows_outside(window, found)


def count_outside(frame: pl.LazyFrame, window: Region, rows: pl.Expr) -> Outside:
    """Count what `rows` says of those outside the window, and name the first column that tells it of any."""
    import polars as pl

    wrong = [~each.expression().fill_null(value=False) for each in window.conditions]
    told = [
        expression.alias(f"{name} {number}")
        for number, (column, outside) in enumerate(zip(window.columns, wrong, strict=True))
        for name, expression in (
            ("any", outside.any()),
            ("smallest", pl.col(column).filter(outside).min()),
            ("largest", pl.col(column).filter(outside).max()),
        )
    ]
    found = frame.filter(window.outside()).select(rows.alias("rows"), *told).collect(engine="streaming")
    values = found.row(0, named=True)
    number = next((each for each in range(len(wrong)) if values[f"any {each}"]), 0)
    return Outside(
        values["rows"] or 0,
        values[f"smallest {number}"],
        values[f"largest {number}"],
        window.columns[number],
    )


def rows_outside(window: Region, found: Outside) -> RowsOutsideWindowError:
    """Name the rows that a write of this window must not touch."""
    of = f" '{found.column}'" if len(window.conditions) > 1 else ""
    lying = f"{count(found.rows, 'row')} {'lies' if found.rows == 1 else 'lie'}"
    return RowsOutsideWindowError(
        f"{lying} outside the run's window {window}: "
        f"the smallest{of} is {found.smallest}, the largest {found.largest}",
        remedy="Filter the rows to the run's partitions, or run the partitions that they belong to; "
        "nothing was written.",
        count=found.rows,
        smallest=None if found.smallest is None else str(found.smallest),
        largest=None if found.largest is None else str(found.largest),
    )
