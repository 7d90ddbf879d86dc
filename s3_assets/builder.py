"""From a registry to Dagster definitions, without touching the network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dagster as dg

from s3_assets.asset_checks import asset_checks
from s3_assets.assets import import_asset, observable_sources
from s3_assets.collector import paused
from s3_assets.errors import RegistryError
from s3_assets.generated import generated
from s3_assets.io_managers import S3TableIOManager
from s3_assets.metadata.readers import readers_of
from s3_assets.schedules import run_once_sensors, schedules
from s3_assets.sensors.of_registry import registry_sensors
from s3_assets.specs import IO_MANAGER_KEY, Kind
from s3_assets.users_assets import with_tables
from s3_assets.users_code import UsersCode, assets_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from s3_assets.decorator import S3Asset
    from s3_assets.generated import Generated, GetAssetSpec
    from s3_assets.registry.models import Registry


@paused()
def build_definitions(
    registry: Registry,
    assets: Iterable[dg.AssetsDefinition | S3Asset] = (),
    *,
    get_asset_spec: GetAssetSpec | None = None,
    io_manager_key: str = IO_MANAGER_KEY,
    executor: dg.ExecutorDefinition | None = dg.in_process_executor,
) -> dg.Definitions:
    """Return everything that the registry declares, with the user's assets beside it.

    Imports, media sets and exports with a source are assets, tables that nobody writes are sources that can
    be observed, and the IO manager serves all of them. Each connection has a sensor that has sources, or
    tables whose changes are to start assets; one that has media sets has another. Each place of discovery has
    one. What has a schedule has one of its own.
    `assets` are the user's own, besides those of `code`. `get_asset_spec` is asked about each asset that the
    registry declares, and about those of `s3_asset`: what it returns, key and all, is the asset's spec.
    `executor` is that of all runs: each step of another process would load definitions and engines anew.
    Raises `RegistryError` if a file of `code` is missing, two assets write one table, or a spec does not fit.
    """
    code = UsersCode.of(registry, assets)
    made = generated(registry, code.own, code.keys, get_asset_spec, io_manager_key)
    registry = made.registry
    written = code.written(registry)
    _refuse_two_writers(registry, written)
    _refuse_one_name_for_two(registry, io_manager_key)
    own = [each.definition(registry, made.spec(name), io_manager_key) for name, each in code.own.items()]
    plain = [*code.plain, dg.Definitions(assets=own)]
    readers = readers_of(registry, assets_of(plain))
    users = [with_tables(each, registry, readers) for each in plain]
    specs = {asset: made.spec(asset, readers) for asset in made.entries}
    imports = [import_asset(registry, each.name, specs[each.asset]) for each in made.of(Kind.IMPORT)]
    media, exports = _media(registry, made, specs), _exports(registry, made, specs)
    sources: dict[str, list[str]] = {}
    for each in made.of(Kind.SOURCE):
        sources.setdefault(registry.tables[each.asset].connection, []).append(each.asset)
    observed = [
        observable_sources(registry, connection, [specs[name] for name in names])
        for connection, names in sources.items()
    ]
    ours = dg.Definitions(
        assets=[*imports, *media, *exports, *observed],
        sensors=[
            *registry_sensors(registry, sources, [*imports, *exports, *assets_of(users)], written),
            *run_once_sensors(registry, specs),
        ],
        schedules=schedules(registry, specs),
        asset_checks=asset_checks(registry, [*imports, *media, *assets_of(users)]),
        resources={io_manager_key: S3TableIOManager(registry), **_connections(registry)},
        executor=executor,
    )
    return dg.Definitions.merge(ours, *users)


def tables_of_code(registry: Registry) -> frozenset[str]:
    """Return the declared tables that assets of the registry's `code` write; its files are run for that."""
    return frozenset(UsersCode.of(registry).written(registry) & set(registry.tables))


# What most registries do not have is not loaded for them: every run of Dagster's waits for that.
def _media(
    registry: Registry, made: Generated, specs: Mapping[str, dg.AssetSpec]
) -> list[dg.AssetsDefinition]:
    found = list(made.of(Kind.MEDIA))
    if not found:
        return []
    from s3_assets.media_assets import media_asset

    return [media_asset(registry, each.name, specs[each.asset]) for each in found]


def _exports(
    registry: Registry, made: Generated, specs: Mapping[str, dg.AssetSpec]
) -> list[dg.AssetsDefinition]:
    found = list(made.of(Kind.EXPORT))
    if not found:
        return []
    from s3_assets.export_assets import export_asset

    return [export_asset(registry, each.name, specs[each.asset]) for each in found]


def _connections(registry: Registry) -> dict[str, Any]:
    # As values, not as configuration: what stands in a resource's configuration is shown in the UI.
    return {
        name.replace("/", "_"): dg.ResourceDefinition.hardcoded_resource(connection, f"{connection.url}")
        for name, connection in registry.connections.items()
    }


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


def _refuse_one_name_for_two(registry: Registry, io_manager_key: str) -> None:
    # Names of sensors and resources know no slashes.
    taken = {io_manager_key: "the IO manager"}
    for name in registry.connections:
        other = taken.setdefault(name.replace("/", "_"), f"the connection '{name}'")
        if other != f"the connection '{name}'":
            raise RegistryError(
                f"the connection '{name}' would have the same name in Dagster as {other}",
                remedy="Rename the connection.",
            )
