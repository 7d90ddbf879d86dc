"""One tick of a discovery sensor: what it looks at, reports, writes and remembers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from s3_assets.errors import S3AssetsError
from s3_assets.explore.discover import discover
from s3_assets.explore.discover_gone import still_lies
from s3_assets.explore.discover_known import reader_of
from s3_assets.explore.discover_requests import Portion
from s3_assets.objects import Objects
from s3_assets.progress import count
from s3_assets.registry.additions import add_found
from s3_assets.registry.known import known_of, names_of
from s3_assets.registry.loading import load_registry
from s3_assets.sensors.trying import trying

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from s3_assets.connection.settings import S3Connection
    from s3_assets.explore.discover import Discovery, Found
    from s3_assets.explore.discover_known import KnownEntry
    from s3_assets.registry.models import Registry
    from s3_assets.sensors.discovery_events import Reporter
    from s3_assets.sensors.discovery_memory import DiscoveryMemory

# Dagster ends a tick after 60 seconds; what is begun is looked at to its end.
_SECONDS = 30.0
_NAMED = 10


@dataclass
class Tick:
    """One tick: a portion of a look, what it reports, and what is remembered of it."""

    registry: Registry
    name: str
    memory: DiscoveryMemory
    reporter: Reporter
    taken: frozenset[str]
    new: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    requests: int = 0
    known: int = 0

    def run(self) -> None:
        """Look, report, write, remember: in this order, so that nothing is lost wherever a tick is ended."""
        place = self.registry.discovery[self.name]
        connection = self.registry.connections[place.connection]
        declared, names = self._declared()
        told = self.memory.known(connection)
        # What is to be written is looked into until it is in the file.
        writes = place.write_to is not None
        found = discover(
            connection,
            connection.location.folder(place.path).key,
            known=[*declared, *([] if writes else told)],
            taken={*self.taken, *names, *(() if writes else self.memory.told)},
            exclude=place.exclude,
            portion=Portion(place.most_requests, _SECONDS, self.memory.ahead, self.memory.claimed),
        )
        self.requests, self.known = found.requests, len(found.known)
        self.notes += found.remarks
        if found.unlooked:
            self.warnings.append(f"not looked at: {', '.join(found.unlooked[:_NAMED])}")
        for each in found.found:
            if self.reporter.new(each):
                self.new.append(each.name)
        written = self._write(found.found) if writes else set[str]()
        self._remember(found, told, written)
        if not found.ahead:
            self._end(connection, declared)

    def summary(self) -> str:
        """Say in a sentence what was seen."""
        told = [f"{len(self.new):,} new{_listed(self.new)}"] if self.new else ["nothing new"]
        if self.gone:
            told.append(f"{len(self.gone):,} gone{_listed(self.gone)}")
        told.append(f"{self.known:,} known; {count(self.requests, 'request')}")
        if self.memory.ahead:
            told.append(f"{count(len(self.memory.ahead), 'folder')} left for the next tick")
        return "; ".join([*told, *self.warnings])

    def _declared(self) -> tuple[list[KnownEntry], set[str]]:
        """Return what the registry knows: the one that was loaded, and the file as it is by now."""
        place = self.registry.discovery[self.name]
        connection = self.registry.connections[place.connection]
        registries = [self.registry]
        if place.write_to is not None and place.write_to.is_file():
            try:
                registries.append(load_registry(place.write_to))
            except S3AssetsError as error:
                self.warnings.append(str(error))
        known = [entry for each in registries for entry in known_of(each, connection)]
        return known, {name for each in registries for name in names_of(each)}

    def _write(self, found: Sequence[Found]) -> set[str]:
        """Add entries to the registry's file; return the names of those that it has now."""
        place = self.registry.discovery[self.name]
        if place.write_to is None or trying() or not found:
            return set()
        try:
            added = add_found(place.write_to, self.registry.connections[place.connection], found)
        except S3AssetsError as error:
            # They are found again by the next look, and not reported again.
            self.warnings.append(f"nothing was written to {place.write_to.name}: {error}")
            return set()
        self.notes += [
            f"the media set '{name}' was not added: its inventory would lie inside of another table"
            for name in added.crowded
        ]
        return {each.name for each in found} - set(added.crowded)

    def _remember(self, found: Discovery, told: Sequence[KnownEntry], written: Collection[str]) -> None:
        memory = self.memory
        memory.met.update(name for name, _ in found.known if name in memory.told)
        for each in found.found:
            memory.met.update(entry.name for entry in told if entry.reads(each.lies))
            if each.name in written:
                memory.told.pop(each.name, None)
            else:
                memory.tell(each)
        memory.ahead, memory.claimed = found.ahead, found.claimed

    def _end(self, connection: S3Connection, declared: Sequence[KnownEntry]) -> None:
        """At the end of a look: say what was reported once and is not there any more."""
        memory = self.memory
        objects = Objects(connection)
        for entry in memory.known(connection):
            if entry.name in memory.met:
                continue
            self.requests += 1
            try:
                lies = still_lies(objects, entry)
            except S3AssetsError as error:
                self.notes.append(f"{entry.name}: {error}")
                continue
            if lies is None:
                if self.reporter.gone(entry, objects.url(entry.prefix)):
                    self.gone.append(entry.name)
                del memory.told[entry.name]
            elif reader_of(lies, declared) is not None:
                del memory.told[entry.name]
        memory.met, memory.claimed = set(), ()


def _listed(names: Sequence[str]) -> str:
    more = ", ..." if len(names) > _NAMED else ""
    return f" ({', '.join(names[:_NAMED])}{more})"
