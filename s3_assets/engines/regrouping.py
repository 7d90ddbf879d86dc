"""Rows of one partition side by side, before they reach the files of many partitions.

A Polars string is a view into the buffer of the batch that it came with. A sink that keeps some late rows
of an old partition until their row group is full keeps all the text of all those batches alive: measured,
more than half of its memory. Rows that are few in their batch are therefore copied out of it, and handed on
when there are enough of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import polars as pl

# Held back of each partition: enough for the sink to work on, little enough for a thousand partitions.
_HELD_ROWS = 16_384
_MOST_OF_A_BATCH = 0.5


class Regrouped:
    """A frame whose batches hold the rows of one partition each."""

    def __init__(self, frame: pl.LazyFrame, keys: Sequence[str]) -> None:
        self._frame = frame
        self._keys = list(keys)
        self.failed: Exception | None = None
        """What stopped the frame: the engine around it tells it in its own words only."""

    def lazy(self) -> pl.LazyFrame:
        """Return it as a frame; the order of rows is not kept."""
        from polars.io.plugins import register_io_source

        def source(
            columns: list[str] | None, predicate: pl.Expr | None, rows: int | None, size: int | None
        ) -> Iterator[pl.DataFrame]:
            # A sink asks for all rows.
            del rows, size
            for batch in self._watched():
                found = batch if columns is None else batch.select(columns)
                yield found if predicate is None else found.filter(predicate)

        return register_io_source(source, schema=self._frame.collect_schema())

    def _watched(self) -> Iterator[pl.DataFrame]:
        try:
            yield from self.batches()
        except Exception as error:
            self.failed = error
            raise

    def batches(self) -> Iterator[pl.DataFrame]:
        """Yield the rows, those of one partition at a time."""
        held: dict[tuple[Any, ...], _Held] = {}
        for batch in self._frame.collect_batches(maintain_order=False):
            for key, rows in batch.partition_by(self._keys, as_dict=True, maintain_order=False).items():
                if rows.height > batch.height * _MOST_OF_A_BATCH:
                    yield rows
                    continue
                few = held.setdefault(key, _Held())
                few.add(rows)
                if few.rows >= _HELD_ROWS:
                    yield held.pop(key).take()
        for few in held.values():
            yield few.take()


class _Held:
    """Few rows of one partition, each batch of them copied out of the one that it came with."""

    def __init__(self) -> None:
        self.rows = 0
        self._batches: list[pl.DataFrame] = []

    def add(self, rows: pl.DataFrame) -> None:
        import polars as pl

        # Arrow's older layouts have one buffer for a column: writing it copies these rows and nothing else.
        copied = pl.DataFrame(rows.to_arrow(compat_level=pl.CompatLevel.oldest())).cast(rows.schema)
        self.rows += copied.height
        self._batches.append(copied)

    def take(self) -> pl.DataFrame:
        import polars as pl

        return pl.concat(self._batches)
