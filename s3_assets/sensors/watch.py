"""One look of a sensor at its tables: what changed, what that starts, and what is remembered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import dagster as dg

from s3_assets.assets import asset_key
from s3_assets.metadata.keys import VERSION
from s3_assets.metadata.tables import observed, seen_metadata
from s3_assets.sensors.due import Due
from s3_assets.sensors.looking import Look, look_at
from s3_assets.sensors.memory import Memory, Seen
from s3_assets.sensors.requests import partition_requests, whole_requests

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from s3_assets.registry.models import Registry
    from s3_assets.sensors.consumers import Consumer
    from s3_assets.tables.table import State

_VERSION_TAG = "dagster/data_version"


@dataclass(frozen=True)
class Watch:
    """The tables that one sensor looks at, and the assets that their changes start.

    `sources` are tables that nobody here writes: their versions are reported. `made` are written here.
    """

    registry: Registry
    sources: tuple[str, ...]
    made: tuple[str, ...]
    consumers: tuple[Consumer, ...]

    @classmethod
    def of(
        cls,
        registry: Registry,
        connections: Collection[str],
        sources: Iterable[str],
        consumers: Iterable[Consumer],
    ) -> Watch:
        """Return what there is to watch on these connections, of the consumers those that read some of it."""
        declared = tuple(sources)
        here = {name for name, each in registry.tables.items() if each.connection in connections}
        reading = tuple(each for each in consumers if not here.isdisjoint(each.sources))
        read = {name for each in reading for name in each.sources} & here
        return cls(registry, declared, tuple(sorted(read - {*declared})), reading)

    @property
    def tables(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.sources, *self.made)

    @property
    def selection(self) -> dg.AssetSelection | None:
        """What may be started; None if that is nothing."""
        return dg.AssetSelection.assets(*[each.key for each in self.consumers]) if self.consumers else None

    def look(self, memory: Memory, tables: Sequence[str]) -> Looked:
        """Look at some of the tables; partitions that earlier looks left are due whichever these are."""
        registry = self.registry
        dated = {name for each in self.consumers if each.partitions is not None for name in each.sources}
        imports = {each.target: name for name, each in registry.imports.items()}
        seen = look_at(registry, memory, tables, dated, self.made)
        changed = _changed(memory, seen)
        tick = memory.tick + 1
        dues = [
            due
            for each in self.consumers
            if (due := Due.of(each, seen.touched, memory.pending.get(each.name, ()), tick))
        ]
        whole = whole_requests(self.consumers, changed, imports)
        partly, left = partition_requests(dues, registry.watch.max_runs_per_tick - len(whole))
        after = Memory(
            _remembered(memory, seen, changed), {**memory.pending, **left}, tick if dues else memory.tick
        )
        events = tuple(
            _event(registry, name, changed[name], seen.states.get(name))
            for name in self.sources
            if name in changed
        )
        told = (*_told(registry, dues, partly), *_untold(seen))
        return Looked(seen, changed, (*whole, *partly), events, told, after)

    def write(self, memory: Memory) -> str:
        """Write what is known of the tables and consumers that there are."""
        return memory.write(self.tables, [each.name for each in self.consumers])


@dataclass(frozen=True)
class Looked:
    """What a look found: requests of runs, events of sources, lines for the log, and the new memory."""

    seen: Look
    changed: Mapping[str, Seen]
    requests: tuple[dg.RunRequest, ...]
    events: tuple[dg.AssetObservation, ...]
    told: tuple[str, ...]
    memory: Memory

    @property
    def failed(self) -> int:
        """How many tables could not be looked at."""
        return len(self.seen.failures) + len(self.seen.unplaced)

    def log(self, context: dg.SensorEvaluationContext) -> None:
        """Tell the tick's log why some tables could not be looked at, and what is not run now."""
        for name, error in [*self.seen.failures.items(), *self.seen.unplaced.items()]:
            context.log.warning("%s: %s", name, error)
        for line in self.told:
            context.log.info("%s", line)

    def raise_if_nothing_was_seen(self) -> None:
        """Raise the first table's error if no table could be looked at."""
        if self.seen.failures and not self.seen.versions:
            raise next(iter(self.seen.failures.values()))


def _changed(memory: Memory, seen: Look) -> dict[str, Seen]:
    """Return the tables whose version is a new one."""
    found = {}
    for name, version in seen.versions.items():
        known = memory.sources.get(name)
        if known is None:
            found[name] = Seen(version, 1)
        elif known.version != version:
            found[name] = Seen(version, known.change + 1, known.told, known.position)
    return found


def _remembered(memory: Memory, seen: Look, changed: Mapping[str, Seen]) -> dict[str, Seen]:
    found = {**memory.sources, **changed}
    for name, touched in seen.touched.items():
        # What came between the two looks is told again by the next, and is nothing new then.
        found[name] = Seen(found[name].version, found[name].change, found[name].version, touched.until)
    return found


def _told(registry: Registry, dues: Iterable[Due], requests: Sequence[dg.RunRequest]) -> list[str]:
    """Say what is not run now, and why."""
    lines = []
    for due in dues:
        runs = len(due.runs())
        now = sum(each.asset_selection == [due.consumer.key] for each in requests)
        keys = due.calendar.keys
        if now < runs:
            lines.append(
                f"{due.consumer.name}: {len(due.labels)} partitions are due; {now} of {runs} runs now, "
                f"the others at the next ticks (watch.max_runs_per_tick: {registry.watch.max_runs_per_tick})"
            )
        if due.waiting:
            last = f" behind {keys[-1]}, the last partition now," if keys else ""
            lines.append(f"{due.consumer.name}: changes{last} wait until there is a partition for them")
        if due.too_early:
            lines.append(f"{due.consumer.name}: {due.too_early} changes before {keys[0]} are passed over")
    return lines


def _untold(seen: Look) -> list[str]:
    return [
        f"{name}: all partitions are run, since it cannot be told which changed: {'; '.join(touched.untold)}"
        for name, touched in seen.touched.items()
        if touched.untold
    ]


def _event(registry: Registry, name: str, seen: Seen, state: State | None) -> dg.AssetObservation:
    told = {VERSION: seen.version}
    if state is not None:
        told |= observed(seen_metadata(state, registry.tables[name]))
    return dg.AssetObservation(asset_key(name, registry), tags={_VERSION_TAG: seen.version}, metadata=told)
