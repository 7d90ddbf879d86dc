"""Which data files of an Iceberg table a write replaces: whole, in part, or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from s3_assets.tables.iceberg_files import Files, live
from s3_assets.tables.iceberg_pruning import as_stored, predicate, read_bound

if TYPE_CHECKING:
    from pyiceberg.expressions.visitors import ResidualEvaluator
    from pyiceberg.manifest import DataFile
    from pyiceberg.schema import Schema
    from pyiceberg.table import Table as Handle

    from s3_assets.tables.regions import Condition, Region


@dataclass(frozen=True)
class Touched:
    """Files that may have rows of a window: in `whole` all are, in `partly` some, or none."""

    whole: tuple[DataFile, ...]
    partly: Files


def touched(handle: Handle, window: Region | None) -> Touched:
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

    def __init__(self, handle: Handle, window: Region) -> None:
        from pyiceberg.expressions.visitors import residual_evaluator_of

        schema: Schema = handle.schema()
        fields = [schema.find_field(column) for column in window.columns]
        self._conditions = [
            (field.field_id, field.field_type, as_stored(condition, field.field_type))
            for field, condition in zip(fields, window.conditions, strict=True)
        ]

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
        return all(_fulfilled(file, *each) for each in self._conditions)


def _fulfilled(file: DataFile, column: int, kind: Any, condition: Condition) -> bool:  # noqa: ANN401 - PyIceberg's
    # A file may lack any of them.
    smallest, largest = (
        read_bound((bounds or {}).get(column), kind) for bounds in (file.lower_bounds, file.upper_bounds)
    )
    if smallest is None or largest is None or (file.null_value_counts or {}).get(column) != 0:
        return False
    # Of long texts they are cut, the smallest downwards and the largest upwards: never to one and the same.
    return condition.holds(smallest, largest)
