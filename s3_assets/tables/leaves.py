"""What lies inside of nested types and values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.tables.schemas import instance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import polars as pl


def within(dtype: pl.DataType) -> Iterator[pl.DataType]:
    """Yield the type itself and all types inside of it."""
    import polars as pl

    yield dtype
    if isinstance(dtype, pl.List | pl.Array):
        yield from within(instance(dtype.inner))
    if isinstance(dtype, pl.Struct):
        for each in dtype.fields:
            yield from within(instance(each.dtype))


def leaves(values: pl.Series, wanted: Callable[[pl.DataType], bool]) -> Iterator[pl.Series]:
    """Yield the values of the wanted types, without nulls, however deep they lie."""
    import polars as pl

    if not any(wanted(each) for each in within(values.dtype)):
        return
    found = values.drop_nulls()
    if isinstance(values.dtype, pl.Struct):
        for each in values.dtype.fields:
            yield from leaves(found.struct.field(each.name), wanted)
    elif isinstance(values.dtype, pl.List | pl.Array):
        yield from leaves(found.explode(), wanted)
    else:
        yield found
