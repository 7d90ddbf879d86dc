"""Which part of a table the partitions of a run are, whatever kind of partitions Dagster has them as."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC
from itertools import product
from typing import TYPE_CHECKING, Any

import dagster as dg

from s3_assets.errors import PartitionColumnError, UnsupportedError
from s3_assets.partitions import windows_in
from s3_assets.windows import Slice, Window

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from s3_assets.tables.table import Table

_Keys = tuple[tuple[str, str], ...]
"""A key for each column."""


def slices_of(
    definition: dg.PartitionsDefinition | None, keys: Iterable[str], table: Table[Any], *, some: bool = False
) -> dict[str, Slice]:
    """Return the part of a table that each of Dagster's partitions is; spans of time in their order.

    `some`: of multi-partitions, dimensions that the table does not know are left out. Raises
    `PartitionColumnError` if the table does not say by which column it is to be told apart, or tells it by
    longer partitions, and `UnsupportedError` for two dimensions of time.
    """
    if isinstance(definition, dg.MultiPartitionsDefinition):
        return _of_dimensions(definition, keys, table, some=some)
    columns = tuple(table.settings.partition_columns.values())
    of_time = isinstance(definition, dg.TimeWindowPartitionsDefinition)
    if of_time and (table.settings.partitions is not None or len(columns) != 1):
        windows = windows_in(definition, keys, table.settings.partitions, table.name)
        return {key: Slice((window,)) for key, window in windows.items()}
    if len(columns) != 1:
        raise _no_column(f"the asset has a {type(definition).__name__}", table)
    return {key: Slice(keys=((columns[0], (key,)),)) for key in keys}


def _of_dimensions(
    definition: dg.MultiPartitionsDefinition, keys: Iterable[str], table: Table[Any], *, some: bool
) -> dict[str, Slice]:
    columns = table.settings.partition_columns
    by_key = {key: definition.get_partition_key_from_str(key).keys_by_dimension for key in keys}
    definitions = {each.name: each.partitions_def for each in definition.partitions_defs}
    of_time = [
        name
        for name, each in definitions.items()
        if name not in columns and isinstance(each, dg.TimeWindowPartitionsDefinition)
    ]
    if table.settings.partitions is None and some:
        of_time = []
    if len(of_time) > 1:
        raise UnsupportedError(
            f"the asset has two dimensions of time, {' and '.join(of_time)}, and a table has one partition "
            "column of time",
            remedy="Name a column for the keys of one of them in the table's partition_columns.",
            table=table.name,
        )
    windows: dict[str, Window] = {}
    for name in of_time:
        asked = dict.fromkeys(each[name] for each in by_key.values())
        windows = windows_in(definitions[name], asked, table.settings.partitions, table.name)
    known = [name for name in definitions if name in columns]
    unknown = [name for name in definitions if name not in columns and name not in of_time]
    if unknown and not some:
        raise _no_column(f"the asset has a dimension '{unknown[0]}'", table)
    if not known and not of_time:
        return {}
    found = {
        key: Slice(
            tuple(windows[dimensions[name]] for name in of_time),
            tuple(sorted((columns[name], (dimensions[name],)) for name in known)),
        )
        for key, dimensions in by_key.items()
    }
    return dict(sorted(found.items(), key=lambda each: (_begins(each[1]), each[1].keys)))


def _no_column(found: str, table: Table[Any]) -> PartitionColumnError:
    named = table.settings.partition_columns
    says = f"the table says {', '.join(named)}" if named else "the table says not which column holds its keys"
    return PartitionColumnError(
        f"{found}, and {says}",
        remedy="Name its column in the table's partition_columns, such as partition_columns: {region: area}.",
        table=table.name,
    )


def _begins(part: Slice) -> float:
    return part.windows[0].start.timestamp() if part.windows else 0.0


def joined(slices: Iterable[Slice]) -> list[Slice]:
    """Return the same rows in as few slices as possible: each has all combinations of its spans and keys."""
    spans = defaultdict[_Keys, list[Window]](list)
    for each in slices:
        for combined in product(*([(column, key) for key in keys] for column, keys in each.keys)):
            spans[combined] += each.windows
    alike = defaultdict[tuple[Window, ...], list[_Keys]](list)
    for combined, windows in spans.items():
        alike[_in_one(windows)].append(combined)
    return [part for windows, combinations in alike.items() for part in _combined(windows, combinations)]


def one(slices: Mapping[str, Slice], table: str) -> Slice:
    """Return the one slice that a run's partitions are; raises `UnsupportedError` if they are not one."""
    found = joined(slices.values())
    if len(found) != 1:
        raise UnsupportedError(
            f"the run is of {len(slices)} partitions that are not all combinations of their dimensions' keys",
            remedy="Run those of one dimension's key at a time.",
            table=table,
        )
    return found[0]


def _combined(windows: tuple[Window, ...], combinations: Sequence[_Keys]) -> list[Slice]:
    """Join what has the same spans of time, if it is all combinations of its keys."""
    columns = [column for column, _ in combinations[0]]
    values = [
        tuple(dict.fromkeys(each[number][1] for each in combinations)) for number in range(len(columns))
    ]
    count = 1
    for each in values:
        count *= len(each)
    if count == len(set(combinations)):
        return [Slice(windows, tuple(zip(columns, values, strict=True)))]
    return [Slice(windows, tuple((column, (key,)) for column, key in each)) for each in combinations]


def _in_one(windows: Iterable[Window]) -> tuple[Window, ...]:
    """Return the spans in order of time, those that follow each other as one."""
    found: list[Window] = []
    for each in sorted(set(windows), key=lambda window: window.start.astimezone(UTC)):
        if found and found[-1].end.astimezone(UTC) >= each.start.astimezone(UTC):
            last = max(found[-1].end, each.end, key=lambda moment: moment.astimezone(UTC))
            found[-1] = Window(found[-1].start, last, each.every)
        else:
            found.append(each)
    return tuple(found)
