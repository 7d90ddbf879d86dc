"""Which partitions of a consumer are due: what changed now, and what earlier ticks left."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from itertools import groupby
from math import ceil, floor
from typing import TYPE_CHECKING, NamedTuple

from s3_assets.partitions import Calendar
from s3_assets.sensors.memory import Batch

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    import dagster as dg

    from s3_assets.sensors.consumers import Consumer
    from s3_assets.tables.touched import Span, Touched

_SHORTEST = 3600


class Run(NamedTuple):
    """Neighbouring partitions of one run, by their indexes, and what tells this change from others."""

    indexes: Sequence[int]
    label: str


@dataclass
class Due:
    """The partitions of one consumer that are to be run: why, and since which tick."""

    consumer: Consumer
    calendar: Calendar
    tick: int
    labels: dict[int, set[str]] = field(default_factory=dict)
    """By index: what tells a change from others, and is the same for whoever looks at the source again."""
    origins: dict[int, int] = field(default_factory=dict)
    waiting: list[tuple[int, int]] = field(default_factory=list)
    """Spans behind the last partition, which are kept until there is one for them."""
    waiting_since: int = 0
    """The newest tick that found one of them."""
    too_early: int = 0

    @classmethod
    def of(
        cls, consumer: Consumer, touched: Mapping[str, Touched], pending: Iterable[Batch], tick: int
    ) -> Due | None:
        """Bring together what changed and what was left; None if nothing of it has a partition."""
        found = [touched[name] for name in consumer.sources if name in touched]
        partitions, batches = consumer.partitions, list(pending)
        if partitions is None or not (found or _begun(partitions, batches)):
            return None
        due = cls(consumer, Calendar.of(partitions), tick)
        for batch in batches:
            for start, end in batch.spans:
                due.add(start, end, str(batch.tick), batch.tick)
        for each in found:
            due.add_touched(each)
        return due

    def add_touched(self, touched: Touched) -> None:
        """Add what changed in one of the tables."""
        keys = self.calendar.keys
        if touched.untold and keys:
            self.add(self.calendar.starts[0], self.calendar.ends[-1], f"{self.tick}.all", self.tick)
        for span in touched.spans:
            self.add_span(span)

    def add_span(self, span: Span) -> None:
        """Add one span."""
        self.add(span.start.timestamp(), span.end.timestamp(), f"{self.tick}.{span.token}", self.tick)

    def add(self, start: float, end: float, label: str, origin: int) -> None:
        """Add what lies between two moments; what is newer takes the place of what an earlier tick left."""
        last = self.calendar.ends[-1] if self.calendar.ends else start
        if end > last:
            self.waiting.append((floor(max(start, last)), ceil(end)))
            self.waiting_since = max(self.waiting_since, origin)
        if self.calendar.starts and end <= self.calendar.starts[0]:
            self.too_early += 1
        for index in self.calendar.inside(start, end):
            if self.origins.get(index, origin) != origin:
                self.labels[index] = set()
            self.origins[index] = origin
            self.labels.setdefault(index, set()).add(label)

    def runs(self) -> list[Run]:
        """Return the runs, in order of time: of one partition each, or of neighbours as the policy says."""
        return [
            Run(indexes, _label(self.labels[index] for index in indexes))
            for group in _neighbours(sorted(self.labels))
            for indexes in _cut(group, self.consumer.per_run)
        ]

    def left(self, started: Collection[int]) -> tuple[Batch, ...]:
        """Return what is to be remembered once these partitions were started."""
        spans = {self.waiting_since: list(self.waiting)} if self.waiting else {}
        rest = sorted(set(self.labels) - set(started))
        for tick in {self.origins[index] for index in rest}:
            for group in _neighbours([index for index in rest if self.origins[index] == tick]):
                ends = int(self.calendar.starts[group[0]]), int(self.calendar.ends[group[-1]])
                spans.setdefault(tick, []).append(ends)
        return tuple(Batch(tick, _merged(found)) for tick, found in sorted(spans.items()))


def _begun(partitions: dg.TimeWindowPartitionsDefinition, batches: Iterable[Batch]) -> bool:
    """Tell whether there is a partition for one of the spans."""
    last = partitions.get_last_partition_window()
    return last is not None and any(
        start < last.end.timestamp() for batch in batches for start, _ in batch.spans
    )


def _neighbours(indexes: Iterable[int]) -> list[list[int]]:
    grouped = groupby(enumerate(indexes), key=lambda each: each[1] - each[0])
    return [[index for _, index in group] for _, group in grouped]


def _cut(indexes: Sequence[int], most: int | None) -> list[Sequence[int]]:
    size = most or len(indexes)
    return [indexes[start : start + size] for start in range(0, len(indexes), size)]


def _label(labels: Iterable[Collection[str]]) -> str:
    """Return one short text for all that changed in the partitions of a run."""
    found = sorted({label for each in labels for label in each})
    return found[0] if len(found) == 1 else f"{zlib.crc32(' '.join(found).encode()):08x}"


def _merged(spans: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Join spans between which there is no room for a partition: all of these last an hour or longer."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if found and start < found[-1][1] + _SHORTEST:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((start, end))
    return tuple(found)
