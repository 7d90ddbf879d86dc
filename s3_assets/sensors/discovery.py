"""The discovery sensor: it looks through a place, and reports what the registry does not have."""

# No postponed annotations here: Dagster reads the annotation of `context` as it stands.
import time
from collections.abc import Callable, Collection
from math import ceil

import dagster as dg

from s3_assets.observing import observed_look
from s3_assets.registry.models import Registry
from s3_assets.sensors.discovery_events import Reporter
from s3_assets.sensors.discovery_memory import DiscoveryMemory
from s3_assets.sensors.discovery_tick import Tick
from s3_assets.sensors.marks import mark
from s3_assets.sensors.trying import trying

_INTERVAL = 60


def discovery_sensors(registry: Registry, taken: Collection[str] = ()) -> list[dg.SensorDefinition]:
    """Return a sensor for each place; `taken` are names of assets that are not the registry's."""
    return [discovery_sensor(registry, name, taken) for name in registry.discovery]


def discovery_sensor(
    registry: Registry, name: str, taken: Collection[str] = (), clock: Callable[[], float] = time.time
) -> dg.SensorDefinition:
    """Return the sensor of one place.

    A look is as many ticks as it needs, each with so many requests; then it rests. Each new table or media
    set is reported to the instance once, and added to the registry's file if the place says so. When it is
    only tried, it does not rest, and adds nothing.
    """
    place = registry.discovery[name]
    root = registry.connections[place.connection].location.folder(place.path)

    @dg.sensor(
        name=f"{name.replace('/', '_')}_discovery",
        metadata=mark("discovery", name),
        minimum_interval_seconds=min(place.every_seconds, _INTERVAL),
        description=f"Looks through {root.url} for tables and media that the registry does not have.",
    )
    @observed_look(registry, f"{name.replace('/', '_')}_discovery")
    def look(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        memory = DiscoveryMemory.read(context.cursor)
        if not trying() and not memory.ahead and memory.ended is not None:
            rest = memory.ended + place.every_seconds - clock()
            if rest > 0:
                return dg.SensorResult(
                    skip_reason=f"the next look begins in {ceil(rest):,} s", cursor=context.cursor
                )
        tick = Tick(registry, name, memory, Reporter(context.instance, name, place), frozenset(taken))
        tick.run()
        # They are the same at every look: told with what is new.
        for line in tick.notes if tick.new else ():
            context.log.info("%s", line)
        for line in tick.warnings:
            context.log.warning("%s", line)
        if not memory.ahead:
            memory.ended = clock()
        return dg.SensorResult(skip_reason=tick.summary(), cursor=memory.write())

    return look
