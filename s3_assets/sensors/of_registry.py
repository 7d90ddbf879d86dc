"""All sensors of a registry that look at what is on S3."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.sensors.consumers import consumers_of
from s3_assets.sensors.discovery import discovery_sensors
from s3_assets.sensors.media import media_sensors
from s3_assets.sensors.queue import connections_told_of, queue_sensor
from s3_assets.sensors.sensor import source_sensor

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    import dagster as dg

    from s3_assets.registry.models import Registry


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
    told_of = connections_told_of(registry)
    watched = [registry.tables[name].connection for each in consumers for name in each.sources]
    return [
        # Those of sources first, in the order of the registry.
        *(
            source_sensor(registry, connection, sources.get(connection, ()), consumers)
            for connection in dict.fromkeys([*sources, *watched])
            if connection not in told_of
        ),
        *(queue_sensor(registry, name, sources, consumers) for name in registry.queues),
        *media_sensors(registry, told_of),
        *discovery_sensors(registry, taken),
    ]
