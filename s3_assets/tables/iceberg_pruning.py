"""Which files cannot hold a row of a predicate: by manifest, by partition, by the bounds of a column."""

from __future__ import annotations

import struct
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pyiceberg.expressions import BooleanExpression
    from pyiceberg.expressions.literals import Literal
    from pyiceberg.manifest import DataFile, ManifestFile
    from pyiceberg.partitioning import PartitionSpec
    from pyiceberg.schema import Schema

    from s3_assets.tables.partitioning import Bound, Bounds


class Pruning:
    """What a predicate means for the files of a table, whatever partition spec they were written with."""

    def __init__(
        self, schema: Schema, specs: Mapping[int, PartitionSpec], predicate: BooleanExpression
    ) -> None:
        from pyiceberg.expressions.visitors import (
            expression_evaluator,
            inclusive_projection,
            manifest_evaluator,
        )
        from pyiceberg.schema import Schema

        def on_partitions(spec: int) -> BooleanExpression:
            return inclusive_projection(schema, specs[spec])(predicate)

        @cache
        def manifest_test(spec: int) -> Callable[[ManifestFile], bool]:
            return manifest_evaluator(specs[spec], schema, on_partitions(spec))

        @cache
        def partition_test(spec: int) -> Callable[[Any], bool]:
            partition = Schema(*specs[spec].partition_type(schema).fields)
            return expression_evaluator(partition, on_partitions(spec), case_sensitive=True)

        self._manifest_test = manifest_test
        self._partition_test = partition_test

    def keeps_manifest(self, manifest: ManifestFile) -> bool:
        """Tell whether the manifest's summary of partitions leaves room for such a row."""
        return self._manifest_test(manifest.partition_spec_id)(manifest)

    def keeps(self, file: DataFile) -> bool:
        """Tell whether the file's partition leaves room for such a row."""
        return self._partition_test(file.spec_id)(file.partition)


def prunable(window: Bounds, schema: Schema) -> bool:
    """Tell whether PyIceberg can compare the window with what it knows of files: not in nanoseconds."""
    from pyiceberg.types import TimestampNanoType, TimestamptzNanoType

    kind = schema.find_field(window.column).field_type
    return not isinstance(kind, TimestampNanoType | TimestamptzNanoType)


def predicate(window: Bounds) -> BooleanExpression:
    """Return the window as PyIceberg's predicate."""
    from pyiceberg.expressions import And, GreaterThanOrEqual, LessThan, Reference

    column = Reference(window.column)
    return And(
        GreaterThanOrEqual(term=column, value=_literal(window.low)),
        LessThan(term=column, value=_literal(window.high)),
    )


def may_overlap(file: DataFile, schema: Schema, window: Bounds) -> bool:
    """Tell whether the bounds of the window's column in the file leave room for one of its rows.

    Bounds may be absent, and may be cut: a lower one is never above the smallest value, an upper one never
    below the largest.
    """
    field = schema.find_field(window.column)
    if (file.null_value_counts or {}).get(field.field_id) == file.record_count:
        return False
    low, high = (_literal(bound).to(field.field_type).value for bound in (window.low, window.high))
    smallest, largest = (
        read_bound((bounds or {}).get(field.field_id), field.field_type)
        for bounds in (file.lower_bounds, file.upper_bounds)
    )
    return (smallest is None or smallest < high) and (largest is None or largest >= low)


def _literal(bound: Bound) -> Literal[Any]:
    from pyiceberg.expressions.literals import literal

    found: Literal[Any] = literal(bound)
    return found


def read_bound(value: bytes | None, dtype: Any) -> Any:  # noqa: ANN401 - a value of that type
    """Read a bound; None if there is none, or if the column was of another type when it was written."""
    from pyiceberg.conversions import from_bytes

    if value is None:
        return None
    try:
        return from_bytes(dtype, value)
    except (struct.error, ValueError):
        return None
