"""What an import does to each row on its way: filters, placement, and the window that is sorted out."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from s3_assets.engines.engine import Step
from s3_assets.movement.lineage import origins, placed
from s3_assets.movement.placement import Placement

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from s3_assets.movement.filters import Filters
    from s3_assets.movement.load import Load
    from s3_assets.tables.portions import TableReference
    from s3_assets.windows import Window


@dataclass(frozen=True)
class Shaping(Step):
    """What is declared of one run's rows."""

    load: Load
    filters: Filters | None
    placement: Placement | None
    target: TableReference
    assumes: bool = False
    """Whether rows without a partition column are placed by their load time, though nobody asked for it."""
    sorted_out: Window | None = None
    """The window whose rows are kept, where placement tells it."""

    def __call__(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Filter and place the rows."""
        columns = frame.collect_schema()
        if not columns:
            # Nothing was found, not even a column.
            return frame
        if self.filters is not None:
            frame = self.filters.apply(frame, self.load)
        self.load.origins.update(origins(columns, frame.collect_schema(), self.filters))
        frame = self._placed(frame)
        if self.sorted_out is not None:
            bounds = self.target.open().bounds(self.sorted_out, frame.collect_schema())
            frame = frame.filter(bounds.expression())
        return frame

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Raise what refused the rows as it was."""
        with self.load.reading():
            yield

    def _placed(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        partitions, placement = self.target.settings.partitions, self.placement
        if partitions is None:
            return frame
        if placement is None and self.assumes and partitions.column not in frame.collect_schema():
            found = f"the rows have no column '{partitions.column}': they were placed by their load time"
            self.load.remark(f"{found}; `placement: {{}}` says that this is meant")
            placement = Placement()
        if placement is None:
            return frame
        frame = placement.apply(frame, partitions, self.load)
        self.load.origins.update(placed(placement, partitions, self.load.origins))
        return frame
