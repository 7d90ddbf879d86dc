"""All sensors of a registry that look at what is on S3."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.sensors.consumers import consumers_of
from s3_assets.sensors.sensor import source_sensor

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    import dagster as dg

    from s3_assets.registry.models import Registry
    from s3_assets.sensors.consumers import Consumer


def registry_sensors(
    registry: Registry,
    sources: Mapping[str, Sequence[str]],
    assets: Iterable[object],
    taken: Collection[str] = (),
) -> list[dg.SensorDefinition]:
    """Return the sensors of connections, of queues, of media sets and of places of discovery.

    `sources` are the tables that nobody here writes, by connection; `assets` those that new data may start;
    `taken` are names of assets that are not the registry's.
    """
    consumers = consumers_of(registry, assets)
    # A queue's connections are looked at by no other sensor.
    told_of = {each for queue in registry.queues.values() for each in queue.connections}
    watched = [registry.tables[name].connection for each in consumers for name in each.sources]
    return [
        # Those of sources first, in the order of the registry.
        *(
            source_sensor(registry, connection, sources.get(connection, ()), consumers)
            for connection in dict.fromkeys([*sources, *watched])
            if connection not in told_of
        ),
        *(_of_queues(registry, sources, consumers) if registry.queues else ()),
        *(_of_media(registry, told_of) if registry.media else ()),
        *(_of_discovery(registry, taken) if registry.discovery else ()),
    ]


# What most registries do not have is not loaded for them: every run of Dagster's waits for that.
def _of_queues(
    registry: Registry, sources: Mapping[str, Sequence[str]], consumers: Sequence[Consumer]
) -> list[dg.SensorDefinition]:
    from s3_assets.sensors.queue import queue_sensor

    return [queue_sensor(registry, name, sources, consumers) for name in registry.queues]


def _of_media(registry: Registry, told_of: Collection[str]) -> list[dg.SensorDefinition]:
    from s3_assets.sensors.media import media_sensors

    return media_sensors(registry, told_of)


def _of_discovery(registry: Registry, taken: Collection[str]) -> list[dg.SensorDefinition]:
    from s3_assets.sensors.discovery import discovery_sensors

    return discovery_sensors(registry, taken)
