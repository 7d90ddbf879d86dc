"""How the text formats spell the columns of an export: what is declared for them, or what tables read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.errors import SchemaMismatchError
from s3_assets.tables import text_spelling
from s3_assets.tables.leaves import within
from s3_assets.tables.schemas import instance

if TYPE_CHECKING:
    import polars as pl

    from s3_assets.exports.formats import CsvFormat, JsonLinesFormat


def refuse_formats(format_: CsvFormat | JsonLinesFormat, columns: pl.Schema) -> None:
    """Raise `SchemaMismatchError` for formats of columns that lack what they name."""
    for column in format_.formats:
        if column not in columns or not columns[column].is_temporal() or _is_duration(columns[column]):
            found = f"is {columns[column]}" if column in columns else "is not there"
            raise SchemaMismatchError(
                f"a format is declared for column '{column}', which {found}",
                remedy="Declare formats for columns of dates, times and timestamps.",
            )
    for column, dtype in columns.items():
        for each in within(dtype):
            layout = layout_of(each, format_, column)
            if layout is not None and each.is_temporal() and not _is_duration(each):
                _try(column, each, layout)


def _try(column: str, dtype: pl.DataType, layout: str) -> None:
    import polars as pl

    try:
        pl.Series([0], dtype=pl.Int64).cast(dtype).dt.strftime(layout)
    except pl.exceptions.PolarsError:
        raise SchemaMismatchError(
            f"column '{column}' is {dtype}, which has not all that the format '{layout}' names",
            remedy="Declare another format for this column, in formats.",
        ) from None


def text(
    column: pl.Expr, dtype: pl.DataType, format_: CsvFormat | JsonLinesFormat, name: str = ""
) -> pl.Expr:
    """Return the text of a column of times, categories or bytes; others are left as they are."""
    import polars as pl

    if isinstance(dtype, pl.Binary):
        return column.bin.encode("base64" if format_.binary == "base64" else "hex")
    if _is_duration(dtype) and format_.durations == "iso":
        return column.dt.to_string("iso")
    layout = layout_of(dtype, format_, name)
    if dtype.is_decimal() or (dtype == pl.Date and layout is None):
        # As Polars' writers spell them.
        return column
    return text_spelling.as_text(column, dtype, layout)


def nested(column: pl.Expr, dtype: pl.DataType, format_: JsonLinesFormat, name: str = "") -> pl.Expr:
    """Return the text of a column, and of what is inside of its values."""
    import polars as pl

    if not any(_is_spelled(each) for each in within(dtype)):
        return column
    if isinstance(dtype, pl.Struct):
        fields = [
            nested(column.struct.field(each.name), instance(each.dtype), format_).alias(each.name)
            for each in dtype.fields
        ]
        return pl.when(column.is_not_null()).then(pl.struct(fields))
    if isinstance(dtype, pl.List | pl.Array):
        items = column.arr.to_list() if isinstance(dtype, pl.Array) else column
        return items.list.eval(nested(pl.element(), instance(dtype.inner), format_))
    if dtype.is_decimal():
        return column.cast(pl.String)
    if dtype.is_float() and format_.float_precision is not None:
        return column.round(format_.float_precision)
    return text(column, dtype, format_, name)


def layout_of(dtype: pl.DataType, format_: CsvFormat | JsonLinesFormat, name: str) -> str | None:
    """Return the format that is declared for a column of times, or for what is inside of it."""
    import polars as pl

    if name in format_.formats:
        return format_.formats[name]
    if isinstance(dtype, pl.Datetime):
        return format_.timestamp_format
    if dtype == pl.Date:
        return format_.date_format
    return format_.time_format if dtype == pl.Time else None


def _is_duration(dtype: pl.DataType) -> bool:
    import polars as pl

    return isinstance(dtype, pl.Duration)


def _is_spelled(dtype: pl.DataType) -> bool:
    import polars as pl

    plain = pl.Categorical | pl.Enum | pl.Binary
    return dtype.is_temporal() or dtype.is_decimal() or dtype.is_float() or isinstance(dtype, plain)
