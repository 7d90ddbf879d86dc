"""What delta-rs reads by itself, as a lazy frame that can be collected again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager

    import polars as pl


def lazy_stream(
    start: Callable[[list[str]], Iterable[Any]],
    schema: pl.Schema,
    errors: Callable[[], AbstractContextManager[None]],
    name: str,
) -> pl.LazyFrame:
    """Return a frame whose batches `start` streams anew for each collection.

    `start` is given the columns that are wanted and returns Arrow batches; predicates and row limits are
    applied to each batch. `errors` turns what delta-rs raises into errors of ours.
    """
    from polars.io.plugins import register_io_source

    def batches(
        columns: list[str] | None, predicate: pl.Expr | None, rows: int | None, size: int | None
    ) -> Iterator[pl.DataFrame]:
        del size
        wanted = columns if columns is not None else list(schema)
        with errors():
            yield from _limited(_frames(start(wanted), schema, wanted), predicate, rows)

    return register_io_source(batches, schema=dict(schema), explain_name=name)


def _frames(batches: Iterable[Any], schema: pl.Schema, wanted: list[str]) -> Iterator[pl.DataFrame]:
    import polars as pl

    for batch in batches:
        yield pl.DataFrame(batch).select(pl.col(name).cast(schema[name]) for name in wanted)


def _limited(
    frames: Iterator[pl.DataFrame], predicate: pl.Expr | None, rows: int | None
) -> Iterator[pl.DataFrame]:
    left = rows
    for each in frames:
        frame = each if predicate is None else each.filter(predicate)
        if left is not None:
            frame = frame.head(left)
            left -= frame.height
        yield frame
        if left is not None and left <= 0:
            return
