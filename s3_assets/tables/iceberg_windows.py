"""Which data files of an Iceberg table a write replaces: whole, in part, or not at all."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from s3_assets.tables.iceberg_files import Files, live
from s3_assets.tables.iceberg_pruning import predicate

if TYPE_CHECKING:
    from pyiceberg.expressions.visitors import ResidualEvaluator
    from pyiceberg.manifest import DataFile
    from pyiceberg.schema import Schema
    from pyiceberg.table import Table as Handle

    from s3_assets.tables.partitioning import Bounds


@dataclass(frozen=True)
class Touched:
    """Files that may have rows of a window: in `whole` all are, in `partly` some, or none."""

    whole: tuple[DataFile, ...]
    partly: Files


def touched(handle: Handle, window: Bounds | None) -> Touched:
    """Find the files that a window (None: all rows) may touch, by their partitions and statistics."""
    found = live(handle, handle.current_snapshot(), handle.schema(), window)
    if window is None:
        return Touched(tuple(each.file for each in found.data), Files())
    inside = _Inside(handle, window)
    whole = tuple(each.file for each in found.data if inside.all_rows(each.file))
    partly = tuple(each for each in found.data if not inside.all_rows(each.file))
    return Touched(whole, Files(partly, found.deletes))


class _Inside:
    """Tells that each row of a file is inside a window; a null never is."""

    def __init__(self, handle: Handle, window: Bounds) -> None:
        from pyiceberg.expressions.literals import literal
        from pyiceberg.expressions.visitors import residual_evaluator_of

        schema: Schema = handle.schema()
        field = schema.find_field(window.column)
        self._id = field.field_id
        self._kind: Any = field.field_type
        bounds: tuple[Any, Any] = (window.low, window.high)
        self._low, self._high = (literal(bound).to(field.field_type).value for bound in bounds)

        @cache
        def evaluator(spec: int) -> ResidualEvaluator:
            return residual_evaluator_of(
                handle.specs()[spec], predicate(window), case_sensitive=True, schema=schema
            )

        self._evaluator = evaluator

    def all_rows(self, file: DataFile) -> bool:
        return self._by_partition(file) or self._by_statistics(file)

    def _by_partition(self, file: DataFile) -> bool:
        from pyiceberg.expressions import AlwaysTrue

        # Given the partition, nothing is left to ask of a row.
        return isinstance(self._evaluator(file.spec_id).residual_for(file.partition), AlwaysTrue)

    def _by_statistics(self, file: DataFile) -> bool:
        from pyiceberg.conversions import from_bytes

        # A file may lack any of them.
        smallest = (file.lower_bounds or {}).get(self._id)
        largest = (file.upper_bounds or {}).get(self._id)
        nulls = (file.null_value_counts or {}).get(self._id)
        if smallest is None or largest is None or nulls != 0:
            return False
        try:
            # Of long texts they are cut: the smallest downwards, the largest upwards.
            low, high = (from_bytes(self._kind, bound) for bound in (smallest, largest))
        except (struct.error, ValueError):
            # Written when the column had another type.
            return False
        return bool(self._low <= low and high < self._high)
