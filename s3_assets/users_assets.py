"""The user's own assets, told of by what the registry says of their tables and exports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dagster as dg

from s3_assets.metadata.code import source_of, together
from s3_assets.metadata.keys import CODE
from s3_assets.metadata.tables import table_kinds, table_metadata
from s3_assets.specs import export_kinds, static_metadata

if TYPE_CHECKING:
    from collections.abc import Mapping

    from s3_assets.registry.models import Registry

_NO_GROUP = "default"


def with_tables(
    definitions: dg.Definitions, registry: Registry, readers: Mapping[str, str]
) -> dg.Definitions:
    """Tell of each of the user's assets what its table says: place, format, kinds, description, readers.

    What the asset says itself stays.
    """
    return dg.Definitions(
        assets=[
            _with_table(asset, registry, readers)
            if isinstance(asset, dg.AssetsDefinition) and asset.is_executable
            else asset
            for asset in definitions.assets or ()
        ],
        schedules=definitions.schedules,
        sensors=definitions.sensors,
        jobs=definitions.jobs,
        resources=definitions.resources,
        asset_checks=definitions.asset_checks,
    )


def _with_table(
    asset: dg.AssetsDefinition, registry: Registry, readers: Mapping[str, str]
) -> dg.AssetsDefinition:
    source = source_of(asset)

    def told(spec: dg.AssetSpec) -> dg.AssetSpec:
        name = registry.assets.name(spec.key.path)
        settings, export = registry.tables.get(name), registry.exports.get(name)
        declared = settings or export
        if declared is None:
            return spec
        if declared.group is not None and spec.group_name in {None, _NO_GROUP}:
            spec = spec.replace_attributes(group_name=declared.group)
        if declared.description is not None and spec.description is None:
            spec = spec.replace_attributes(description=declared.description)
        if settings is not None:
            metadata, kinds = table_metadata(registry, name, readers), table_kinds(settings)
        else:
            metadata, kinds = static_metadata(registry, name), export_kinds(registry.exports[name])
        return spec.merge_attributes(metadata=_beside(spec, metadata, source), kinds=kinds)

    return asset.map_asset_specs(told)


def _beside(
    spec: dg.AssetSpec, told: Mapping[str, Any], source: dg.CodeReferencesMetadataValue | None
) -> dict[str, Any]:
    """Return what the asset does not say itself, and where its function stands before its table's entry."""
    found = {name: value for name, value in told.items() if name not in spec.metadata}
    code = together(spec.metadata.get(CODE, source), told.get(CODE))
    return found | ({CODE: code} if code is not None else {})
