"""How text spells the values of a column: the reverse of `text_values`.

| type | text |
|---|---|
| Boolean, integers, floats | true, false; digits; the shortest digits that give the very float, NaN, inf |
| Decimal | all digits of its scale |
| Date, Time, Datetime | ISO 8601, or the format that is declared for the column |
| Datetime with a zone | the same, of UTC, with +00:00 |
| Duration | the number of its units |
| Categorical, Enum | the text of the category |
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.errors import RowsRefusedError
from s3_assets.tables import text_values
from s3_assets.tables.leaves import leaves, within
from s3_assets.tables.schemas import instance

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

_DATE = "%Y-%m-%d"
_TIME = "%H:%M:%S%.f"
_DAYS = (-719_528, 2_932_896)  # from 0000-01-01 to 9999-12-31, since 1970-01-01
_DAY = {"ms": 86_400_000, "us": 86_400_000_000}


def as_text(column: pl.Expr, dtype: pl.DataType, layout: str | None) -> pl.Expr:
    """Return the text of a column of times, decimals or categories; others are left as they are."""
    import polars as pl

    if isinstance(dtype, pl.Duration):
        return column.to_physical()
    if dtype.is_decimal() or isinstance(dtype, pl.Categorical | pl.Enum):
        return column.cast(pl.String)
    if not dtype.is_temporal():
        return column
    plain = _DATE if dtype == pl.Date else _TIME if dtype == pl.Time else f"{_DATE}T{_TIME}"
    if isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
        plain = f"{plain}%:z"
        if layout is None or text_values.has_zone(layout):
            column = column.dt.convert_time_zone("UTC")
    return column.dt.strftime(layout or plain)


def as_json(column: pl.Expr, dtype: pl.DataType, layout: str | None) -> pl.Expr:
    """Return the text of a column, and of what is inside of its values."""
    import polars as pl

    if not any(_is_spelled(each) for each in within(dtype)):
        return column
    if isinstance(dtype, pl.Struct):
        fields = [
            as_json(column.struct.field(each.name), instance(each.dtype), None).alias(each.name)
            for each in dtype.fields
        ]
        return pl.when(column.is_not_null()).then(pl.struct(fields))
    if isinstance(dtype, pl.List | pl.Array):
        items = column.arr.to_list() if isinstance(dtype, pl.Array) else column
        return items.list.eval(as_json(pl.element(), instance(dtype.inner), None))
    return as_text(column, dtype, layout)


def _is_spelled(dtype: pl.DataType) -> bool:
    import polars as pl

    return dtype.is_temporal() or dtype.is_decimal() or isinstance(dtype, pl.Categorical | pl.Enum)


def refuse_years(rows: pl.DataFrame) -> None:
    """Raise `RowsRefusedError` for times that are not of the years 0000 to 9999, which ISO 8601 has."""
    for column in rows:
        outside = sum(_outside(dates) for dates in leaves(column, _is_dated))
        if outside:
            raise RowsRefusedError(
                f"column '{column.name}' has {outside:,} times outside of the years 0000 to 9999",
                remedy="Correct them; nothing was written.",
            )


def _is_dated(dtype: pl.DataType) -> bool:
    import polars as pl

    # Nanoseconds reach from 1677 to 2262.
    return dtype == pl.Date or (isinstance(dtype, pl.Datetime) and dtype.time_unit != "ns")


def _outside(dates: pl.Series) -> int:
    import polars as pl

    day = _DAY[dates.dtype.time_unit] if isinstance(dates.dtype, pl.Datetime) else 1
    number = dates.to_physical().cast(pl.Int64)
    return int(((number < _DAYS[0] * day) | (number >= (_DAYS[1] + 1) * day)).sum())


def refuse_lossy(rows: pl.DataFrame, texts: pl.DataFrame, formats: Mapping[str, str]) -> None:
    """Raise `RowsRefusedError` where text in a declared format does not read as the value it was made of."""
    for name, layout in formats.items():
        if name not in rows.columns or not rows.schema[name].is_temporal():
            continue
        told = rows[name]
        read, _ = text_values.convert(texts[name], told.dtype, layout, ())
        lost = read.ne_missing(told).arg_true()
        if len(lost):
            raise RowsRefusedError(
                f"column '{name}' has {len(lost):,} values that its format '{layout}' does not carry, such "
                f"as {told[lost[0]]}, which would be {texts[name][lost[0]]!r}",
                remedy="Declare a format that does, or round the values; nothing was written.",
            )
