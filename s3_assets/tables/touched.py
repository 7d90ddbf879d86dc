"""Which spans of time of a table's partitions were changed: told by logs, manifests and listings alone.

What a format finds of its partition column, single values or the smallest and largest of a file, becomes
half-open spans in UTC. They may cover more than what was changed, and never less.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from s3_assets.tables.partitioning import column_format
from s3_assets.windows import next_start, time_zone

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import polars as pl

    from s3_assets.tables.partitioning import Bound
    from s3_assets.tables.positions import Position
    from s3_assets.tables.settings import Partitions
    from s3_assets.tables.table import Table

_MOMENT = timedelta(microseconds=1)
# What lies outside stands for "never" or "for ever", and has no moment in some zones.
_FIRST, _LAST = datetime(2, 1, 1), datetime(9998, 12, 31)  # noqa: DTZ001 - on any wall clock


@dataclass(frozen=True)
class DigestsPosition:
    """The state of a folder of files: a digest of the files of each partition, by its value as text.

    Of constant size for each partition, however many files it has.
    """

    digests: Mapping[str, str]


@dataclass(frozen=True, order=True)
class Span:
    """A half-open span of time, both ends in UTC; `token` tells its present state from the one before."""

    start: datetime
    end: datetime
    token: str = ""


@dataclass(frozen=True)
class Touched:
    """What was changed behind a position, up to `until`.

    `untold` says, a sentence each, why some changes have no span: any partition may have changed then.
    """

    until: Position | DigestsPosition
    spans: tuple[Span, ...] = ()
    untold: tuple[str, ...] = ()
    changes: int = 0
    """The number of commits, or of a folder's partitions, that changed rows."""


class Placing:
    """What values of a table's partition column mean as time.

    Raises `PartitionColumnError` if the table declares no partitions, or has no such column.
    """

    def __init__(self, table: Table[Any], schema: pl.Schema) -> None:
        partitions = table.partitions(schema, "it was asked which partitions changed")
        self.column = partitions.column
        self.dtype = schema[partitions.column]
        self._partitions: Partitions = partitions
        self._zone = time_zone(partitions.timezone)
        self._spans: dict[tuple[datetime, datetime], str] = {}
        self._untold: dict[str, None] = {}

    def touch(self, low: Bound | None, high: Bound | None, token: str, *, where: str) -> None:
        """Add what lies between two values of the column, both included; `where` is for what cannot be told.

        A later token of the same span takes the place of an earlier one.
        """
        ends = None if low is None or high is None else (self._meaning(low), self._meaning(high))
        if ends is None or ends[0] is None or ends[1] is None:
            self.untold(f"{where} does not say which partitions it has rows of")
            return
        (start, _), (_, end) = ends[0], ends[1]
        self._spans[start, end] = token

    def untold(self, why: str) -> None:
        """Add a reason for which any partition may have changed."""
        self._untold[why] = None

    def found(self, until: Position | DigestsPosition, changes: int) -> Touched:
        """Return all that was added, in order of time."""
        spans = tuple(sorted(Span(*ends, token) for ends, token in self._spans.items()))
        return Touched(until, spans, _few(self._untold), changes)

    def _meaning(self, value: Bound) -> tuple[datetime, datetime] | None:
        """Return the span that a value means; None for a text that the partitions' format does not write."""
        if isinstance(value, datetime):
            if value.tzinfo is not None:
                moment = value.astimezone(UTC)
                return moment, moment + _MOMENT
            return self._earliest(value), self._latest(value) + _MOMENT
        if isinstance(value, date):
            midnight = _clipped(datetime(value.year, value.month, value.day))  # noqa: DTZ001 - a wall clock
            return self._earliest(midnight), self._latest(midnight + timedelta(days=1))
        text = column_format(self._partitions, integer=isinstance(value, int))
        try:
            start = datetime.strptime(str(value), text).replace(tzinfo=self._zone)
        except ValueError:
            return None
        end = next_start(start, self._partitions.every)
        return self._earliest(start.replace(tzinfo=None)), self._latest(end.replace(tzinfo=None))

    def _earliest(self, wall: datetime) -> datetime:
        """The first moment at which the clock shows this time: it shows some of them twice."""
        return min(self._moments(wall))

    def _latest(self, wall: datetime) -> datetime:
        return max(self._moments(wall))

    def _moments(self, wall: datetime) -> list[datetime]:
        shown = _clipped(wall)
        return [shown.replace(tzinfo=self._zone, fold=fold).astimezone(UTC) for fold in (0, 1)]


def _clipped(wall: datetime) -> datetime:
    return min(max(wall, _FIRST), _LAST)


def _few(reasons: Iterable[str], most: int = 5) -> tuple[str, ...]:
    found = list(reasons)
    if len(found) <= most:
        return tuple(found)
    return (*found[:most], f"and {len(found) - most:,} more")
