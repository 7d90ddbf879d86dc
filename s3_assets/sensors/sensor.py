"""The sensor of a connection: it looks at its tables, and reports and acts on changes only."""

# No postponed annotations here: Dagster reads the annotation of `context` as it stands.
from collections.abc import Sequence

import dagster as dg

from s3_assets.observing import observed_look
from s3_assets.progress import count
from s3_assets.registry.models import Registry
from s3_assets.sensors.consumers import Consumer
from s3_assets.sensors.marks import mark
from s3_assets.sensors.memory import Memory
from s3_assets.sensors.watch import Looked, Watch


def source_sensor(
    registry: Registry, connection: str, sources: Sequence[str], consumers: Sequence[Consumer] = ()
) -> dg.SensorDefinition:
    """Return the sensor of one connection.

    `sources` are tables that nobody here writes: their versions are reported. `consumers` are started by what
    changed in these, or in other tables of the connection: those are written here.
    """
    watch = Watch.of(registry, {connection}, sources, consumers)
    tables = watch.tables

    @dg.sensor(
        name=f"{connection.replace('/', '_')}_sources",
        minimum_interval_seconds=registry.watch.every_seconds,
        asset_selection=watch.selection,
        metadata=mark("connections", connection),
        description=f"Looks at {count(len(tables), 'table')} of '{connection}', "
        "and starts what reads a changed one.",
    )
    @observed_look(registry, f"{connection.replace('/', '_')}_sources")
    def look(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        found = watch.look(Memory.read(context.cursor), tables)
        found.log(context)
        found.raise_if_nothing_was_seen()
        return dg.SensorResult(
            run_requests=[*found.requests],
            asset_events=[*found.events],
            cursor=watch.write(found.memory),
            skip_reason=None if found.requests else _skip_reason(len(tables), found),
        )

    return look


def _skip_reason(count: int, found: Looked) -> str:
    failed = f", {found.failed} could not be looked at" if found.failed else ""
    lines = [f"{len(found.changed)} of {count} sources changed{failed}; nothing to run", *found.told]
    return ". ".join(lines)
