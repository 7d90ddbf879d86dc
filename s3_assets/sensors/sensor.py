"""The sensor of a connection: it looks at its tables, and reports and acts on changes only."""

# No postponed annotations here: Dagster reads the annotation of `context` as it stands.
from collections.abc import Iterable, Mapping, Sequence

import dagster as dg

from s3_assets.assets import asset_key
from s3_assets.metadata.keys import VERSION
from s3_assets.metadata.tables import observed, seen_metadata
from s3_assets.registry.models import Registry
from s3_assets.sensors.consumers import Consumer
from s3_assets.sensors.due import Due
from s3_assets.sensors.looking import Look, look_at
from s3_assets.sensors.memory import Memory, Seen
from s3_assets.sensors.requests import partition_requests, whole_requests
from s3_assets.tables.table import State

_VERSION_TAG = "dagster/data_version"


def source_sensor(
    registry: Registry, connection: str, sources: Sequence[str], consumers: Sequence[Consumer] = ()
) -> dg.SensorDefinition:
    """Return the sensor of one connection.

    `sources` are tables that nobody here writes: their versions are reported. `consumers` are started by what
    changed in these, or in other tables of the connection: those are written here.
    """
    read = {
        name for each in consumers for name in each.sources if registry.tables[name].connection == connection
    }
    made = sorted(read - set(sources))
    tables = [*sources, *made]
    dated = {name for each in consumers if each.partitions is not None for name in each.sources}
    imports = {each.target: name for name, each in registry.imports.items()}

    @dg.sensor(
        name=f"{connection.replace('/', '_')}_sources",
        minimum_interval_seconds=registry.watch.every_seconds,
        asset_selection=dg.AssetSelection.assets(*[each.key for each in consumers]) if consumers else None,
        description=f"Looks at {len(tables)} tables of '{connection}', and starts what reads a changed one.",
    )
    def look(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        memory = Memory.read(context.cursor)
        seen = look_at(registry, memory, tables, dated, made)
        for name, error in [*seen.failures.items(), *seen.unplaced.items()]:
            context.log.warning("%s: %s", name, error)
        if seen.failures and not seen.versions:
            raise next(iter(seen.failures.values()))
        changed = _changed(memory, seen)
        tick = memory.tick + 1
        dues = [
            due
            for each in consumers
            if (due := Due.of(each, seen.touched, memory.pending.get(each.name, ()), tick))
        ]
        whole = whole_requests(consumers, changed, imports)
        partly, left = partition_requests(dues, registry.watch.max_runs_per_tick - len(whole))
        told = [*_told(registry, dues, partly), *_untold(seen)]
        for line in told:
            context.log.info("%s", line)
        after = Memory(
            _remembered(memory, seen, changed), {**memory.pending, **left}, tick if dues else memory.tick
        )
        requests = [*whole, *partly]
        return dg.SensorResult(
            run_requests=requests,
            asset_events=[
                _event(registry, name, changed[name], seen.states.get(name))
                for name in sources
                if name in changed
            ],
            cursor=after.write(tables, [each.name for each in consumers]),
            skip_reason=None if requests else _skip_reason(len(tables), changed, seen, told),
        )

    return look


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
    return dg.AssetObservation(asset_key(name), tags={_VERSION_TAG: seen.version}, metadata=told)


def _skip_reason(count: int, changed: Mapping[str, Seen], seen: Look, told: Iterable[str]) -> str:
    failed = len(seen.failures) + len(seen.unplaced)
    lines = [
        f"{len(changed)} of {count} sources changed"
        + (f", {failed} could not be looked at" if failed else "")
        + "; nothing to run",
        *told,
    ]
    return ". ".join(lines)
