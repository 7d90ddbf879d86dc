"""Delimited text by Polars' own parser, wherever it is certain that it reads what the grammar says.

What it would read otherwise (a row without all fields, an empty line, a lone carriage return, a value that is
none of its type) goes back to the careful reader, which says where it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from s3_assets.tables.text_bytes import count, rows_have

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from s3_assets.tables.text_rows import Batch
    from s3_assets.tables.text_settings import DelimitedSettings


def read(batch: Batch, wanted: pl.Schema, settings: DelimitedSettings) -> pl.DataFrame | None:
    """Return the wanted columns, numbers as numbers, all others as strings; None if it is not certain.

    `wanted` has columns of the batch alone.
    """
    import polars as pl

    nulls = _nulls(batch, wanted, settings)
    if nulls is None or not batch.plain or _lone_returns(batch.text):
        return None
    names = batch.names
    # A column is needed to count the rows.
    taken = [name for name in names if name in wanted] or [names[-1]]
    schema = {name: _parsed(wanted.get(name, pl.String())) for name in names}
    try:
        found = _scan(batch, settings, schema, nulls).select(taken).collect()
        if not _whole(batch, settings, found):
            return None
    except (pl.exceptions.ComputeError, pl.exceptions.SchemaError):
        return None
    return found.select(list(wanted)) if wanted else pl.DataFrame(height=found.height)


def _scan(
    batch: Batch, settings: DelimitedSettings, schema: Mapping[str, pl.DataType], nulls: Mapping[str, Any]
) -> pl.LazyFrame:
    import polars as pl

    return pl.scan_csv(
        batch.text,
        has_header=False,
        schema=schema,
        separator=settings.delimiter,
        quote_char=settings.quote,
        raise_if_empty=False,
        **nulls,
    )


def _whole(batch: Batch, settings: DelimitedSettings, found: pl.DataFrame) -> bool:
    """Tell whether every row has as many fields as there are columns.

    The parser fills short rows, and refuses long ones only where it is asked for all columns.
    """
    names = batch.names
    if found.width == len(names) and "" in settings.null_values and not found[names[-1]].has_nulls():
        return True
    delimiter, quote = settings.delimiter.encode(), (settings.quote or "").encode()
    return rows_have(batch.text, len(names), delimiter, quote)


def _parsed(dtype: pl.DataType) -> pl.DataType:
    """Return what the parser makes of a column; dates and the like are read by their own formats later."""
    import polars as pl

    return dtype if dtype.is_integer() or dtype in (pl.Float32, pl.Float64) else pl.String()


def _nulls(batch: Batch, wanted: pl.Schema, settings: DelimitedSettings) -> dict[str, Any] | None:
    """Return the parser's options for null values, if it has them."""
    import polars as pl

    found = list(settings.null_values)
    if "" not in found:
        strings = all(dtype == pl.String for dtype in wanted.values())
        return {"empty_string_is_null": False} if strings and not found else None
    others = [each for each in found if each]
    if others and settings.quote is not None and settings.quote.encode() in batch.text:
        # The parser does not tell "NA" from NA.
        return None
    return {"null_values": others or None}


def _lone_returns(text: bytes) -> bool:
    return b"\r" in text and count(text, b"\r") != text.count(b"\r\n")
