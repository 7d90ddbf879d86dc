"""What an input is to arrive as: its annotation, read once and refused if no table can become it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args, get_origin

from s3_assets.connection.diagnosis import diagnosed_rows
from s3_assets.errors import UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    import dagster as dg
    import polars as pl

    from s3_assets.tables.table import Table

_KINDS = (
    "pl.LazyFrame, pl.DataFrame, pa.Table or pa.RecordBatchReader, as dict[str, …] of these for one of "
    "each partition, and with | None for a table that need not be there yet"
)


@dataclass(frozen=True)
class Wanted:
    """A kind of frame, one for each partition or one in all, and None where there is no table yet."""

    kind: Any
    by_partition: bool = False
    optional: bool = False

    @classmethod
    def of(cls, context: dg.InputContext, table: str) -> Wanted:
        """Read an input's annotation; raises `UnsupportedError` for what a table cannot become."""
        import polars as pl
        import pyarrow as pa

        annotation = context.dagster_type.typing_type
        inner, optional = _without_none(annotation)
        by_partition = get_origin(inner) is dict and get_args(inner)[:1] == (str,)
        if by_partition:
            inner = get_args(inner)[1]
        if inner is Any:
            inner = pl.LazyFrame
        if inner not in {pl.LazyFrame, pl.DataFrame, pa.Table, pa.RecordBatchReader}:
            raise UnsupportedError(
                f"the input '{context.name}' is annotated as {getattr(annotation, '__name__', annotation)}",
                remedy=f"Annotate it as {_KINDS}.",
                table=table,
            )
        return cls(inner, by_partition, optional)

    def made_of(self, frame: pl.LazyFrame, source: Table[Any]) -> Any:  # noqa: ANN401 - of that kind
        """Return the rows of a table as this kind of frame; errors of S3 are ours, but for lazy frames'."""
        import polars as pl
        import pyarrow as pa

        if self.kind is pl.LazyFrame:
            return frame
        if self.kind is pa.RecordBatchReader:
            return _reader(frame, source)
        with _diagnosed(source):
            found = frame.collect(engine="streaming")
        return found if self.kind is pl.DataFrame else found.to_arrow()


def _without_none(annotation: Any) -> tuple[Any, bool]:  # noqa: ANN401 - any annotation
    """Return what `X | None` says of X, and whether it was one."""
    inner = [each for each in get_args(annotation) if each is not type(None)]
    if len(inner) == 1 and type(None) in get_args(annotation):
        return inner[0], True
    return annotation, False


def _diagnosed(source: Table[Any]) -> AbstractContextManager[None]:
    return diagnosed_rows(source.files_connection, source.location.url)


def _reader(frame: pl.LazyFrame, source: Table[Any]) -> Any:  # noqa: ANN401 - pyarrow ships no types
    """Return the rows as a stream of Arrow batches: no more than a few are in memory."""
    import polars as pl
    import pyarrow as pa

    schema = pl.DataFrame(schema=frame.collect_schema()).to_arrow().schema

    def batches() -> Iterator[Any]:
        with _diagnosed(source):
            for each in frame.collect_batches(maintain_order=False, lazy=True):
                yield from each.to_arrow().cast(schema).to_batches()

    return pa.RecordBatchReader.from_batches(schema, batches())
