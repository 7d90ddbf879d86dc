"""Who is started by new data: imports, and the user's assets that ask for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import dagster as dg

from s3_assets.errors import RegistryError
from s3_assets.specs import IMPORT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from s3_assets.registry.models import Registry

ON_NEW_DATA = "on_new_data"
"""The key of an asset's metadata by which it asks to be started."""


@dataclass(frozen=True)
class Consumer:
    """An asset that is started when one of its tables upstream changes.

    Without `partitions` it is run as a whole. `per_run` is how many neighbouring partitions one run takes;
    None: as many as there are.
    """

    key: dg.AssetKey
    name: str
    """The name of its table."""
    sources: tuple[str, ...]
    partitions: dg.TimeWindowPartitionsDefinition | None = None
    per_run: int | None = 1


def consumers_of(registry: Registry, assets: Iterable[object]) -> list[Consumer]:
    """Return the assets that new data starts, in order of their names.

    Raises `RegistryError` for one whose changed partitions could not be told.
    """
    found = [
        consumer
        for asset in assets
        if isinstance(asset, dg.AssetsDefinition) and asset.is_executable
        for consumer in _of(registry, asset)
    ]
    return sorted(found, key=lambda each: each.name)


def _of(registry: Registry, asset: dg.AssetsDefinition) -> Iterator[Consumer]:
    for spec in asset.specs:
        name = registry.assets.name(spec.key.path)
        imported, exported = spec.metadata.get(IMPORT), registry.exports.get(name)
        if imported is not None:
            asked: object = registry.imports[str(imported)].on_new_data
        elif exported is not None and exported.source is not None:
            asked = exported.on_new_data
        else:
            asked = spec.metadata.get(ON_NEW_DATA, False)
        if not isinstance(asked, bool):
            raise RegistryError(
                f"the metadata of the asset '{name}' says {ON_NEW_DATA}: {asked!r}",
                remedy="Write True, and its changed partitions are run; or leave it out.",
            )
        if not asked:
            continue
        upstream = [dep for dep in spec.deps if dep.asset_key != spec.key and _is_table(registry, dep)]
        if spec.partitions_def is None:
            yield Consumer(spec.key, name, _names(registry, upstream, name))
            continue
        # A table without partitions is read as a whole by each run: it says nothing of dates.
        dated = [dep for dep in upstream if registry.tables[_name(registry, dep)].partitions is not None]
        if imported is not None and not dated:
            # Its placement tells the rows of a partition: by their values, which no listing shows.
            continue
        spans = _spans(registry, asset, spec, dated)
        yield Consumer(spec.key, name, _names(registry, dated, name), spans, _per_run(asset))


def _is_table(registry: Registry, dep: dg.AssetDep) -> bool:
    return _name(registry, dep) in registry.tables


def _name(registry: Registry, dep: dg.AssetDep) -> str:
    return registry.assets.name(dep.asset_key.path)


def _names(registry: Registry, deps: Iterable[dg.AssetDep], name: str) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(_name(registry, dep) for dep in deps))
    if not found:
        raise RegistryError(
            f"new data is to start the asset '{name}', and it reads no table that could tell of some",
            remedy="Read a table of the registry, with 'partitions' if the asset has some; or leave "
            f"{ON_NEW_DATA} out.",
        )
    return found


def _spans(
    registry: Registry, asset: dg.AssetsDefinition, spec: dg.AssetSpec, deps: Iterable[dg.AssetDep]
) -> dg.TimeWindowPartitionsDefinition:
    name = registry.assets.name(spec.key.path)
    if not isinstance(spec.partitions_def, dg.TimeWindowPartitionsDefinition):
        raise RegistryError(
            f"new data is to start partitions of the asset '{name}', and these are no spans of time",
            remedy=f"Partition it hourly, daily, weekly or monthly, or leave {ON_NEW_DATA} out.",
        )
    for dep in deps:
        mapping = dep.partition_mapping or asset.get_partition_mapping(dep.asset_key)
        same = isinstance(mapping, dg.TimeWindowPartitionMapping) and not (
            mapping.start_offset or mapping.end_offset
        )
        if mapping is not None and not same and not isinstance(mapping, dg.IdentityPartitionMapping):
            raise RegistryError(
                f"new data is to start partitions of the asset '{name}', and it reads "
                f"'{_name(registry, dep)}' by a {type(mapping).__name__} of its own",
                remedy=f"Read the partitions of the run, or leave {ON_NEW_DATA} out.",
            )
    return spec.partitions_def


def _per_run(asset: dg.AssetsDefinition) -> int | None:
    policy = asset.backfill_policy
    return 1 if policy is None else policy.max_partitions_per_run
