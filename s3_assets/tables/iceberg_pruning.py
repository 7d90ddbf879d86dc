"""Which files cannot hold a row of a predicate: by manifest, by partition, by the bounds of a column."""

from __future__ import annotations

import struct
from dataclasses import replace
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
    from s3_assets.tables.regions import Condition, Region


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


def prunable(window: Region, schema: Schema) -> bool:
    """Tell whether PyIceberg can compare the window with what it knows of files: not in nanoseconds."""
    from pyiceberg.types import TimestampNanoType, TimestamptzNanoType

    kinds = [schema.find_field(column).field_type for column in window.columns]
    return not any(isinstance(kind, TimestampNanoType | TimestamptzNanoType) for kind in kinds)


def predicate(window: Region) -> BooleanExpression:
    """Return the window as PyIceberg's predicate."""
    from pyiceberg.expressions import AlwaysTrue, And

    found: BooleanExpression = AlwaysTrue()
    for condition in window.conditions:
        found = And(found, _of_condition(condition))
    return found


def _of_condition(condition: Condition) -> BooleanExpression:
    from pyiceberg.expressions import AlwaysFalse, In, Or, Reference

    if condition.values:
        return In(term=Reference(condition.column), values={_literal(value) for value in condition.values})
    found: BooleanExpression = AlwaysFalse()
    for each in condition.ranges:
        found = Or(found, _of_range(each))
    return found


def _of_range(bounds: Bounds) -> BooleanExpression:
    from pyiceberg.expressions import And, GreaterThanOrEqual, LessThan, Reference

    column = Reference(bounds.column)
    return And(
        GreaterThanOrEqual(term=column, value=_literal(bounds.low)),
        LessThan(term=column, value=_literal(bounds.high)),
    )


def may_overlap(file: DataFile, schema: Schema, window: Region) -> bool:
    """Tell whether the bounds of the window's columns in the file leave room for one of its rows.

    Bounds may be absent, and may be cut: a lower one is never above the smallest value, an upper one never
    below the largest.
    """
    for condition in window.conditions:
        field = schema.find_field(condition.column)
        if (file.null_value_counts or {}).get(field.field_id) == file.record_count:
            return False
        smallest, largest = (
            read_bound((bounds or {}).get(field.field_id), field.field_type)
            for bounds in (file.lower_bounds, file.upper_bounds)
        )
        if not as_stored(condition, field.field_type).may_meet(smallest, largest):
            return False
    return True


def as_stored(condition: Condition, kind: Any) -> Condition:  # noqa: ANN401 - PyIceberg's types
    """Return the condition with bounds as Iceberg stores values of that type: days and microseconds."""

    def stored(value: Bound) -> Any:  # noqa: ANN401 - as its type has it
        return _literal(value).to(kind).value

    return replace(
        condition,
        ranges=tuple(
            replace(each, low=stored(each.low), high=stored(each.high)) for each in condition.ranges
        ),
        values=tuple(stored(each) for each in condition.values),
    )


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
