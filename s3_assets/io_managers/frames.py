"""The three kinds of frames that a user's asset takes and returns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from s3_assets.errors import UnsupportedError

if TYPE_CHECKING:
    import dagster as dg
    import polars as pl

_KINDS = "pl.LazyFrame, pl.DataFrame or pa.Table"


def require_annotation(context: dg.InputContext, table: str) -> None:
    """Raise `UnsupportedError` if the input is annotated as something that a table cannot become."""
    import polars as pl
    import pyarrow as pa

    wanted = context.dagster_type.typing_type
    if wanted not in {pl.LazyFrame, pl.DataFrame, pa.Table, Any}:
        raise UnsupportedError(
            f"the input '{context.name}' is annotated as {getattr(wanted, '__name__', wanted)}",
            remedy=f"Annotate it as {_KINDS}.",
            table=table,
        )


def as_annotated(frame: pl.LazyFrame, context: dg.InputContext) -> Any:  # noqa: ANN401 - see the name
    """Return the rows as the input is annotated; lazily without an annotation."""
    import polars as pl
    import pyarrow as pa

    wanted = context.dagster_type.typing_type
    if wanted is pl.DataFrame:
        return frame.collect(engine="streaming")
    if wanted is pa.Table:
        return frame.collect(engine="streaming").to_arrow()
    return frame


def as_frame(obj: object, table: str) -> pl.LazyFrame:
    """Return lazily what the asset returned; raises `UnsupportedError` if it is no frame."""
    import polars as pl
    import pyarrow as pa

    if isinstance(obj, pl.LazyFrame):
        return obj
    if isinstance(obj, pl.DataFrame):
        return obj.lazy()
    if isinstance(obj, pa.Table):
        return pl.DataFrame(obj).lazy()
    raise UnsupportedError(
        f"the asset returned a {type(obj).__name__}", remedy=f"Return a {_KINDS}.", table=table
    )
