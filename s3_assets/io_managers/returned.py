"""What an asset returned, as one lazy frame: frames, Arrow streams, and batches as they come."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from s3_assets.errors import SchemaMismatchError, UnsupportedError
from s3_assets.io_managers.spool import Spool

if TYPE_CHECKING:
    import polars as pl

_KINDS = (
    "pl.LazyFrame, pl.DataFrame, pa.Table or pa.RecordBatchReader, another table that hands out an Arrow "
    "stream, or an iterator of pl.DataFrame, pa.Table or pa.RecordBatch"
)


@dataclass(frozen=True)
class Returned:
    """The rows, lazily; of a stream also what it may fail with while they are written."""

    frame: pl.LazyFrame
    spool: Spool | None = None

    @classmethod
    def of(cls, obj: object, table: str) -> Returned:
        """Return what the asset returned; raises `UnsupportedError` if it is nothing of which rows come.

        A stream is read once, as its rows are written, and what was read is kept in a temporary file as long
        as the frame lives: a commit that has to be tried again does not find it drained.
        """
        import polars as pl
        import pyarrow as pa

        if isinstance(obj, pl.LazyFrame):
            return cls(obj)
        if isinstance(obj, pl.DataFrame):
            return cls(obj.lazy())
        if isinstance(obj, pa.Table | pa.RecordBatch):
            return cls(pl.DataFrame(obj).lazy())
        if isinstance(obj, Iterator) and not isinstance(obj, pa.RecordBatchReader):
            spool = _of_batches(obj, table)
            return cls(pl.LazyFrame()) if spool is None else cls(spool.frame(), spool)
        if hasattr(obj, "__arrow_c_stream__") and not isinstance(obj, pl.Series | pa.ChunkedArray):
            reader = pa.RecordBatchReader.from_stream(obj)
            empty = pl.DataFrame(reader.schema.empty_table())
            spool = Spool(empty.schema, (pl.DataFrame(each) for each in reader))
            return cls(spool.frame(), spool)
        raise UnsupportedError(
            f"the asset returned a {_type_of(obj)}", remedy=f"Return a {_KINDS}.", table=table
        )

    @contextmanager
    def opened(self) -> Iterator[pl.LazyFrame]:
        """Hand out the rows for the block; raises what stopped a stream, of which Polars tells the text."""
        if self.spool is None:
            yield self.frame
            return
        try:
            yield self.frame
        except Exception:
            if self.spool.failed is not None:
                raise self.spool.failed from None
            raise
        finally:
            self.spool.close()


def _type_of(obj: object) -> str:
    """Return the name of its type, and the library if it is not Python's own: DataFrames are many."""
    made = type(obj)
    library = made.__module__.partition(".")[0]
    return made.__name__ if library == "builtins" else f"{library}.{made.__name__}"


def _of_batches(batches: Iterator[Any], table: str) -> Spool | None:
    """Return the rows of batches; the first one, which is drawn now, tells the columns of all."""
    frames = (_batch(each, number, table) for number, each in enumerate(batches))
    first = next(frames, None)
    if first is None:
        return None
    schema = first.schema

    def alike() -> Iterator[pl.DataFrame]:
        for number, each in enumerate(chain([first], frames)):
            if each.schema != schema:
                raise SchemaMismatchError(
                    f"batch {number} has the columns {_columns(each.schema)}, and the first one "
                    f"{_columns(schema)}",
                    remedy="Yield batches of the same columns, in one order and of one type.",
                    table=table,
                )
            yield each

    return Spool(schema, alike())


def _batch(obj: object, number: int, table: str) -> pl.DataFrame:
    import polars as pl
    import pyarrow as pa

    if isinstance(obj, pl.DataFrame):
        return obj
    if isinstance(obj, pa.Table | pa.RecordBatch):
        return pl.DataFrame(obj)
    raise UnsupportedError(
        f"batch {number} of what the asset returned is a {type(obj).__name__}",
        remedy="Yield pl.DataFrame, pa.Table or pa.RecordBatch.",
        table=table,
    )


def _columns(schema: pl.Schema) -> str:
    return ", ".join(f"{name}: {dtype}" for name, dtype in schema.items())
