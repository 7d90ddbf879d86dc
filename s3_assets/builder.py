"""From a registry to Dagster definitions, without touching the network."""

from __future__ import annotations

import importlib.util
import sys
import warnings
import zlib
from typing import TYPE_CHECKING, Any

import dagster as dg

from s3_assets.assets import IO_MANAGER_KEY, import_asset, observable_sources
from s3_assets.errors import RegistryError
from s3_assets.export_assets import export_asset
from s3_assets.io_managers import S3TableIOManager
from s3_assets.media_assets import media_asset, media_sensors
from s3_assets.metadata.readers import readers_of
from s3_assets.schedules import run_once_sensors, schedules
from s3_assets.sensors import Consumer, consumers_of, source_sensor
from s3_assets.sensors.discovery import discovery_sensors
from s3_assets.users_assets import with_tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path
    from types import ModuleType

    from s3_assets.registry.models import Registry


def build_definitions(registry: Registry, assets: Iterable[dg.AssetsDefinition] = ()) -> dg.Definitions:
    """Return everything that the registry declares, with the user's assets beside it.

    Imports, media sets and exports with a source are assets, tables that nobody writes are sources that can
    be observed, and the IO manager serves all of them. Each connection has a sensor that has sources, or
    tables whose changes are to start assets; one that has media sets has another. Each place of discovery has
    one. What has a schedule has one of its own.
    `assets` are the user's own, besides those of `code`.
    Raises `RegistryError` if a file of `code` is missing or two assets write one table.
    """
    code = [_definitions(_load(path)) for path in registry.code]
    plain = (*code, dg.Definitions(assets=list(assets)))
    readers = readers_of(registry, _assets(plain))
    users = [with_tables(each, registry, readers) for each in plain]
    produced = _produced(users)
    imports = [import_asset(registry, name, readers) for name in registry.imports]
    media = [media_asset(registry, name, readers) for name in registry.media]
    exports = [
        export_asset(registry, name) for name, each in registry.exports.items() if each.source is not None
    ]
    _refuse_two_writers(registry, produced)
    _refuse_one_name_for_two(registry)
    sources = _sources(registry, produced)
    observed = [observable_sources(registry, *item, readers) for item in sources.items()]
    ours = dg.Definitions(
        assets=[*imports, *media, *exports, *observed],
        sensors=[
            *_sensors(registry, sources, [*imports, *exports, *_assets(users)]),
            *run_once_sensors(registry),
            *media_sensors(registry),
            *discovery_sensors(registry, produced),
        ],
        schedules=schedules(registry),
        resources={IO_MANAGER_KEY: S3TableIOManager(registry), **_connections(registry)},
        # Each step of another process would load the definitions and the engines anew.
        executor=dg.in_process_executor,
    )
    return dg.Definitions.merge(ours, *users)


def tables_of_code(registry: Registry) -> frozenset[str]:
    """Return the declared tables that assets of the registry's `code` write; its files are run for that."""
    produced = _produced([_definitions(_load(path)) for path in registry.code])
    return frozenset(produced & set(registry.tables))


def _sources(registry: Registry, produced: set[str]) -> dict[str, list[str]]:
    written = registry.targets | produced
    sources: dict[str, list[str]] = {}
    for name, settings in registry.tables.items():
        if name not in written:
            sources.setdefault(settings.connection, []).append(name)
    return sources


def _sensors(
    registry: Registry, sources: Mapping[str, list[str]], assets: Iterable[object]
) -> list[dg.SensorDefinition]:
    consumers = consumers_of(registry, assets)
    watched = [registry.tables[name].connection for each in consumers for name in each.sources]
    # Those of sources first, in the order of the registry.
    return [
        source_sensor(
            registry, connection, sources.get(connection, ()), _of_connection(registry, connection, consumers)
        )
        for connection in dict.fromkeys([*sources, *watched])
    ]


def _of_connection(registry: Registry, connection: str, consumers: Iterable[Consumer]) -> list[Consumer]:
    return [
        each
        for each in consumers
        if any(registry.tables[name].connection == connection for name in each.sources)
    ]


def _connections(registry: Registry) -> dict[str, Any]:
    # As values, not as configuration: what stands in a resource's configuration is shown in the UI.
    return {
        name.replace("/", "_"): dg.ResourceDefinition.hardcoded_resource(connection, f"{connection.url}")
        for name, connection in registry.connections.items()
    }


def _produced(users: list[dg.Definitions]) -> set[str]:
    return {
        "/".join(key.path)
        for asset in _assets(users)
        if isinstance(asset, dg.AssetsDefinition) and asset.is_executable
        for key in asset.keys
    }


def _assets(users: Iterable[dg.Definitions]) -> list[object]:
    return [asset for definitions in users for asset in definitions.assets or ()]


def _refuse_two_writers(registry: Registry, produced: set[str]) -> None:
    both = [f"import '{name}'" for name, each in registry.imports.items() if each.target in produced]
    both += [f"media set '{name}'" for name, each in registry.media.items() if each.target in produced]
    if both:
        raise RegistryError(
            f"the target of the {both[0]} is written by an asset of yours, too",
            remedy="Give one of them another table.",
        )
    mine = [name for name, each in registry.exports.items() if each.source is not None and name in produced]
    if mine:
        raise RegistryError(
            f"the export '{mine[0]}' has a source, and is written by an asset of yours, too",
            remedy="Leave its source out, and the asset's rows are exported; or rename one of them.",
        )


def _refuse_one_name_for_two(registry: Registry) -> None:
    # Names of sensors and resources know no slashes.
    taken = {IO_MANAGER_KEY: "the IO manager"}
    for name in registry.connections:
        other = taken.setdefault(name.replace("/", "_"), f"the connection '{name}'")
        if other != f"the connection '{name}'":
            raise RegistryError(
                f"the connection '{name}' would have the same name in Dagster as {other}",
                remedy="Rename the connection.",
            )


def _definitions(module: ModuleType) -> dg.Definitions:
    with warnings.catch_warnings():
        # A preview in Dagster: it finds every kind of definition, also asset jobs and their schedules.
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return dg.load_definitions_from_module(module)


def _load(path: Path) -> ModuleType:
    # Two folders may have files of one name.
    name = f"s3_assets_code_{path.stem}_{zlib.crc32(str(path.absolute()).encode()):08x}"
    specification = importlib.util.spec_from_file_location(name, path)
    if specification is None or specification.loader is None or not path.is_file():
        raise RegistryError(
            f"the file {path} of 'code' is not there", remedy="Name it relative to the registry's folder."
        )
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    try:
        specification.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
