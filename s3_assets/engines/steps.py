"""Steps that bring rows into the columns of a table, and into its folders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from s3_assets.engines.engine import Step
from s3_assets.tables.schemas import apply

if TYPE_CHECKING:
    import polars as pl

    from s3_assets.tables.parts import Beside
    from s3_assets.tables.schemas import Fit


@dataclass(frozen=True)
class Fitted(Step):
    """Into the columns of a table, in an order."""

    fitting: Fit
    order: tuple[str, ...]

    def __call__(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Cast, add and choose columns."""
        return apply(frame, self.fitting, self.order)


@dataclass(frozen=True)
class Added(Step):
    """Columns beside the others, such as those that name folders."""

    beside: Beside

    def __call__(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Add them."""
        return frame.with_columns(self.beside.columns())
