"""What is known of a table: asked of its own metadata alone, never of its rows."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from s3_assets.errors import DataFilesMissingError, PartitionColumnError, TableMissingError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from s3_assets.tables.described import Described
    from s3_assets.tables.history import PastCommit
    from s3_assets.tables.table import State, Table


@dataclass(frozen=True)
class PartitionRange:
    """The span of time that a table has partitions of, in UTC, half-open; None where nothing tells it."""

    start: datetime | None = None
    end: datetime | None = None
    partitions: int = 0
    untold: tuple[str, ...] = ()
    """Why some of the partitions are not among them."""


@dataclass(frozen=True)
class Knowledge:
    """What a table tells of itself; without a state, there is no table yet."""

    state: State | None = None
    columns: Described | None = None
    partitions: PartitionRange | None = None
    """None: the table declares none, or lacks the column."""
    commits: tuple[PastCommit, ...] = ()
    """The newest, as far as its log tells."""
    properties: Mapping[str, str] | None = None
    """Those of the table itself; None of folders of files, which have none."""


def known_of(table: Table[Any], commits: int) -> Knowledge:
    """Return what is known of a table: for one with a log a few requests, for a folder its listing."""
    try:
        state = table.state()
        columns = state.describe() if state.describe is not None else table.described()
    except (TableMissingError, DataFilesMissingError):
        return Knowledge()
    past: list[PastCommit] = []
    with suppress(UnsupportedError):
        past = table.history(commits) if commits else []
    return Knowledge(state, columns, _range(table), tuple(past), _properties(table))


def _range(table: Table[Any]) -> PartitionRange | None:
    if table.settings.partitions is None:
        return None
    try:
        touched = table.touched(None)
    except (PartitionColumnError, UnsupportedError):
        return None
    if not touched.spans:
        return PartitionRange(untold=touched.untold)
    start = min(each.start for each in touched.spans)
    end = max(each.end for each in touched.spans)
    return PartitionRange(start, end, len(touched.spans), touched.untold)


def _properties(table: Table[Any]) -> Mapping[str, str] | None:
    kind = table.settings.format
    if kind == "delta":
        metadata = table.open().metadata()  # type: ignore[attr-defined]  # what that format's table has
        named = {"name": metadata.name, "description": metadata.description}
        return {**{name: told for name, told in named.items() if told}, **dict(metadata.configuration)}
    if kind == "iceberg":
        return dict(table.open().properties)  # type: ignore[attr-defined]  # as above
    return None
