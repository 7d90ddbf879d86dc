"""Partition transforms over whole columns (Iceberg Table Spec, "Partition Transforms" and Appendix B).

A row's partition stands beside it in helper columns, which the parts are split by and do not keep: ints for
dates and times, as Iceberg itself has them, hexadecimal text for bytes. `read_value` is the way back.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from s3_assets.errors import UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import polars as pl
    from pyiceberg.transforms import Transform
    from pyiceberg.types import IcebergType

_EPOCH_YEAR = 1970
_MONTHS = 12
_MICROSECONDS = {"day": 86_400_000_000, "hour": 3_600_000_000}
_32_BITS = 0xFFFF_FFFF
_LARGEST_INTEGER = 0x7FFF_FFFF


def expression(path: Sequence[str], transform: Transform[Any, Any], source: IcebergType) -> pl.Expr:
    """Return the partition value of each row; `path` leads from a column to a field of its struct.

    Raises `UnsupportedError` for a transform or a type that cannot be computed.
    """
    import polars as pl
    from pyiceberg import transforms

    value = pl.col(path[0])
    for name in path[1:]:
        value = value.struct.field(name)
    if isinstance(transform, transforms.VoidTransform):
        return pl.lit(None, dtype=pl.Int32)
    if isinstance(transform, transforms.IdentityTransform):
        return _plain(value, source)
    if isinstance(transform, transforms.TimeTransform):
        return _of_time(value, str(transform), source)
    if isinstance(transform, transforms.BucketTransform):
        return _bucket(value, transform, source)
    if isinstance(transform, transforms.TruncateTransform):
        return _truncated(value, transform, source)
    raise UnsupportedError(
        f"the table is partitioned by the transform '{transform}', which is not known",
        remedy="Write it with the software that made the table.",
    )


def read_value(text: str | None, result: IcebergType) -> Any:  # noqa: ANN401 - a value of that type
    """Read what a helper column's value was written as, in the form that manifests hold."""
    from pyiceberg import types

    if text is None or isinstance(result, types.StringType):
        return text
    if isinstance(result, types.BooleanType):
        return text == "true"
    if isinstance(result, types.FloatType | types.DoubleType):
        return float(text)
    if isinstance(result, types.DecimalType):
        return Decimal(text)
    if isinstance(result, types.BinaryType | types.FixedType | types.UUIDType):
        return bytes.fromhex(text)
    return int(text)


def _plain(value: pl.Expr, source: IcebergType) -> pl.Expr:
    """The value itself, as an int where Iceberg has one, and as text where Polars would lose some of it."""
    import polars as pl
    from pyiceberg import types

    if isinstance(source, types.DateType):
        return value.cast(pl.Int32)
    if isinstance(source, types.TimestampType | types.TimestamptzType):
        return value.dt.epoch("us")
    if isinstance(source, types.TimeType):
        # Polars counts nanoseconds.
        return value.cast(pl.Int64) // 1000
    if isinstance(source, types.BinaryType | types.FixedType | types.UUIDType):
        return value.bin.encode("hex")
    if isinstance(source, types.DecimalType):
        return value.cast(pl.String)
    known = (
        types.BooleanType,
        types.IntegerType,
        types.LongType,
        types.FloatType,
        types.DoubleType,
        types.StringType,
    )
    if isinstance(source, known):
        return value
    raise UnsupportedError(
        f"the table is partitioned by a column of the type {source}, which cannot be written",
        remedy="Write it with the software that made the table.",
    )


def _of_time(value: pl.Expr, unit: str, source: IcebergType) -> pl.Expr:
    """Years, months, days or hours since the beginning of 1970, in UTC for times with a zone."""
    import polars as pl
    from pyiceberg import types

    if isinstance(source, types.DateType):
        if unit == "day":
            return value.cast(pl.Int32)
    elif unit in _MICROSECONDS:
        # Rounded down, before 1970 as well.
        return _plain(value, source).floordiv(_MICROSECONDS[unit]).cast(pl.Int32)
    if isinstance(source, types.TimestamptzType):
        value = value.dt.convert_time_zone("UTC")
    years = value.dt.year() - _EPOCH_YEAR
    return years if unit == "year" else years * _MONTHS + value.dt.month().cast(pl.Int32) - 1


def _bucket(value: pl.Expr, transform: Any, source: IcebergType) -> pl.Expr:  # noqa: ANN401 - BucketTransform
    import polars as pl
    from pyiceberg import types

    integers = (types.IntegerType, types.LongType, types.DateType, types.TimeType, types.TimestampType)
    if isinstance(source, (*integers, types.TimestamptzType)):
        whole = _plain(value, source).cast(pl.Int64)
        hashed = whole.map_batches(_hash, return_dtype=pl.UInt64, is_elementwise=True)
        bucket: pl.Expr = (hashed & _LARGEST_INTEGER) % transform.num_buckets
        return bucket.cast(pl.Int32)
    return _each(value, transform.transform(source), pl.Int32())


def _truncated(value: pl.Expr, transform: Any, source: IcebergType) -> pl.Expr:  # noqa: ANN401 - TruncateTransform
    import polars as pl
    from pyiceberg import types

    width = transform.width
    if isinstance(source, types.StringType):
        return value.str.head(width)
    if isinstance(source, types.BinaryType):
        return _plain(value, source).str.head(2 * width)
    if isinstance(source, types.DecimalType):
        exact = transform.transform(source)
        return _each(value, lambda each: str(exact(each)), pl.String())
    # In 64 bits: a remainder that is no longer negative may not fit the column's own.
    wide = value.cast(pl.Int64)
    remainder: pl.Expr = ((wide % width) + width) % width
    return wide - remainder


def _each(value: pl.Expr, function: Callable[[Any], Any], dtype: pl.DataType) -> pl.Expr:
    """Apply a function of PyIceberg's to each distinct value."""
    import polars as pl

    def batch(values: pl.Series) -> pl.Series:
        distinct = values.drop_nulls().unique()
        results = pl.Series([function(each) for each in distinct], dtype=dtype)
        return values.replace_strict(distinct, results, default=None, return_dtype=dtype)

    return value.map_batches(batch, return_dtype=dtype, is_elementwise=True)


def _hash(values: pl.Series) -> pl.Series:
    """Murmur3 of each integer's eight bytes, x86 variant of 32 bits, seed 0 (spec, Appendix B)."""
    import polars as pl

    bits = values.reinterpret(signed=False)
    state = pl.zeros(len(values), dtype=pl.UInt64, eager=True)
    for word in (bits & _32_BITS, bits // 2**32):
        mixed = _rotated((word * 0xCC9E2D51) & _32_BITS, 15) * 0x1B873593 & _32_BITS
        state = (_rotated(state ^ mixed, 13) * 5 + 0xE6546B64) & _32_BITS
    state = state ^ 8
    state = ((state ^ (state // 2**16)) * 0x85EBCA6B) & _32_BITS
    state = ((state ^ (state // 2**13)) * 0xC2B2AE35) & _32_BITS
    return state ^ (state // 2**16)


def _rotated(words: pl.Series, by: int) -> pl.Series:
    """Rotate words of 32 bits to the left."""
    rotated: pl.Series = ((words * 2**by) & _32_BITS) | (words // 2 ** (32 - by))
    return rotated
