"""What a queue tells of: tables and media sets of its connections, and which of them a tick looks at."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import dagster as dg

from s3_assets.assets import asset_key
from s3_assets.notifications.addressees import Addressees
from s3_assets.sensors.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from s3_assets.notifications.addressees import Addressee
    from s3_assets.registry.models import Registry
    from s3_assets.registry.queues import QueueSettings
    from s3_assets.sensors.consumers import Consumer

MEDIA = "media:"
"""Before the name of a media set, where it stands beside names of tables."""


class Chosen(NamedTuple):
    """What one tick looks at, in the order of the registry."""

    tables: list[str]
    media: list[str]


class QueueWatch(NamedTuple):
    """The tables that are watched, the media sets, and whose each object is."""

    watch: Watch
    media: tuple[str, ...]
    addressees: Addressees

    @classmethod
    def of(
        cls,
        registry: Registry,
        settings: QueueSettings,
        sources: Mapping[str, Iterable[str]],
        consumers: Iterable[Consumer],
    ) -> QueueWatch:
        """Return what there is; `sources` are the tables that nobody here writes, by connection."""
        connections = settings.connections
        declared = [name for each in connections for name in sources.get(each, ())]
        watch = Watch.of(registry, connections, declared, consumers)
        media = tuple(
            name
            for name, each in registry.media.items()
            if each.on_new_data and each.connection in connections
        )
        return cls(watch, media, Addressees(registry, watch.tables, media))

    def everything(self) -> Chosen:
        """Choose all, as a sweep does."""
        return Chosen([*self.watch.tables], [*self.media])

    def chosen(self, concerned: Collection[Addressee], again: Collection[str]) -> Chosen:
        """Choose what was told of, what could not be looked at before, and what no message can tell of."""
        tables = {*again, *self.addressees.untold}
        tables |= {each.name for each in concerned if each.section == "tables"}
        media = {each.removeprefix(MEDIA) for each in again if each.startswith(MEDIA)}
        media |= {each.name for each in concerned if each.section == "media"}
        return Chosen(
            [name for name in self.watch.tables if name in tables],
            [name for name in self.media if name in media],
        )

    def selection(self) -> dg.AssetSelection | None:
        """Return what may be started; None if that is nothing."""
        registry = self.watch.registry
        keys = [each.key for each in self.watch.consumers]
        keys += [asset_key(registry.media[name].target, registry) for name in self.media]
        return dg.AssetSelection.assets(*keys) if keys else None
