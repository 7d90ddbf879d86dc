"""Values of text: strings into the types of their columns, and the types that a sample's strings have."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from s3_assets.errors import SchemaMismatchError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

_DATES = ("%Y-%m-%d",)
_TIMES = ("%H:%M:%S%.f",)
_PLAIN = ("%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d")
_ZONED = ("%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f%#z")
_INTEGER = r"^[+-]?(0|[1-9][0-9]*)$"
_FLOAT = r"^[+-]?(0|[1-9][0-9]*)?(\.[0-9]*)?([eE][+-]?[0-9]+)?$"
_MOST_DIGITS = 15  # what a float keeps


def convert(
    texts: pl.Series, dtype: pl.DataType, layout: str | None, nulls: Sequence[str]
) -> tuple[pl.Series, pl.Series | None]:
    """Read strings as values of the type; return them and, if some cannot be read, where they are.

    A null value counts for what is no string wherever it stands, quoted or not.
    """
    import polars as pl

    if dtype == pl.String:
        return texts, None
    if dtype.is_nested():
        raise SchemaMismatchError(
            f"column '{texts.name}' is {dtype}, which has no spelling in delimited text",
            remedy="Declare it as string, or use a format that has lists.",
        )
    values = _read(texts, dtype, layout)
    failed = values.is_null() & texts.is_not_null()
    if isinstance(dtype, pl.Decimal):
        # The cast rounds.
        failed |= texts.str.contains(rf"\.[0-9]{{{dtype.scale}}}0*[1-9]").fill_null(value=False)
    if failed.any() and nulls:
        failed &= ~texts.is_in(list(nulls))
    return values, failed if failed.any() else None


def _read(texts: pl.Series, dtype: pl.DataType, layout: str | None) -> pl.Series:
    import polars as pl

    if dtype == pl.Boolean:
        low = texts.str.to_lowercase()
        return low.replace_strict(
            {"true": True, "1": True, "false": False, "0": False}, default=None, return_dtype=pl.Boolean
        )
    if isinstance(dtype, pl.Duration):
        # A number of its units, as `text_spelling` writes it.
        return texts.cast(pl.Int64, strict=False).cast(dtype)
    if not dtype.is_temporal():
        return texts.str.strip_chars(" \t").cast(dtype, strict=False)
    layouts: tuple[str, ...] = _DATES if dtype == pl.Date else _TIMES
    if isinstance(dtype, pl.Datetime):
        layouts = _ZONED + _PLAIN if dtype.time_zone else _PLAIN
    found: pl.Series | None = None
    for each in (layout,) if layout else layouts:
        read = _strptime(texts, dtype, each)
        found = read if found is None else found.zip_with(found.is_not_null(), read)
        if found.null_count() == texts.null_count():
            break
    return pl.Series(texts.name, [], dtype) if found is None else found


def _strptime(texts: pl.Series, dtype: pl.DataType, layout: str) -> pl.Series:
    import polars as pl

    if dtype == pl.Date:
        return texts.str.to_date(layout, strict=False)
    if not isinstance(dtype, pl.Datetime):
        return texts.str.to_time(layout, strict=False)
    zoned = has_zone(layout)
    read = texts.str.to_datetime(
        layout,
        strict=False,
        time_unit=dtype.time_unit,
        time_zone=None if zoned else dtype.time_zone,
        ambiguous="null",
    )
    return read.cast(dtype) if zoned else read


def has_zone(layout: str) -> bool:
    """Tell whether times in this strftime format name their zone."""
    return re.search(r"%(:{0,3}|#)z|%\+", layout.replace("%%", "")) is not None


def guess(texts: pl.Series, layout: str | None) -> pl.DataType:
    """Return the narrowest type that all strings of a sample read as; Null if there is not one value."""
    import polars as pl

    found = texts.drop_nulls()
    if found.is_empty():
        return pl.Null()
    candidates: list[pl.DataType] = [pl.Date(), pl.Datetime("us"), pl.Datetime("us", "UTC")]
    if layout:
        candidates = [_type_of(layout)]
    elif found.str.contains(_INTEGER).all():
        return pl.Int64() if found.cast(pl.Int64, strict=False).null_count() == 0 else pl.String()
    elif found.str.contains(_FLOAT).all() and found.str.contains("[0-9]").all():
        digits = found.str.replace_all(r"[eE].*|[^0-9]", "").str.strip_chars_start("0").str.len_chars()
        return pl.Float64() if (digits <= _MOST_DIGITS + 2).all() else pl.String()
    elif found.str.to_lowercase().is_in(["true", "false"]).all():
        return pl.Boolean()
    for dtype in candidates:
        if convert(found, dtype, layout, ())[1] is None:
            return dtype
    return pl.String()


def _type_of(layout: str) -> pl.DataType:
    import polars as pl

    named = set(re.findall(r"%[-_0.:#369]*([A-Za-z+])", layout.replace("%%", "")))
    timed = bool(named & set("HIklMSTRrXfpPs+"))
    if not named & set("YyCmbBhdeFDxjGgsc+"):
        return pl.Time()
    if not timed and "c" not in named:
        return pl.Date()
    return pl.Datetime("us", "UTC" if has_zone(layout) else None)


def join(schemas: Mapping[str, pl.Schema]) -> pl.Schema:
    """Merge what samples of several files were taken for: where two differ, the type that reads both."""
    import polars as pl

    merged: dict[str, pl.DataType] = {}
    for schema in schemas.values():
        for column, dtype in schema.items():
            merged[column] = _join(merged.get(column, pl.Null()), dtype)
    return pl.Schema({column: _closed(dtype) for column, dtype in merged.items()})


def _join(one: pl.DataType, other: pl.DataType) -> pl.DataType:
    import polars as pl

    if pl.Null() in (one, other):
        return other if one == pl.Null() else one
    if isinstance(one, pl.Struct) and isinstance(other, pl.Struct):
        fields = {field.name: _instance(field.dtype) for field in one.fields}
        for field in other.fields:
            fields[field.name] = _join(fields.get(field.name, pl.Null()), _instance(field.dtype))
        return pl.Struct(fields)
    if isinstance(one, pl.List) and isinstance(other, pl.List):
        return pl.List(_join(_instance(one.inner), _instance(other.inner)))
    wider = {
        frozenset((pl.Int64(), pl.Float64())): pl.Float64(),
        frozenset((pl.Date(), pl.Datetime("us"))): pl.Datetime("us"),
    }
    return one if one == other else wider.get(frozenset((one, other)), pl.String())


def _closed(dtype: pl.DataType) -> pl.DataType:
    """Make a column of which no value was seen one of strings."""
    import polars as pl

    if isinstance(dtype, pl.Struct):
        return pl.Struct({field.name: _closed(_instance(field.dtype)) for field in dtype.fields})
    if isinstance(dtype, pl.List):
        return pl.List(_closed(_instance(dtype.inner)))
    return pl.String() if dtype == pl.Null() else dtype


def _instance(dtype: object) -> pl.DataType:
    from s3_assets.tables.schemas import instance

    return instance(dtype)  # type: ignore[arg-type]  # a type or its class
