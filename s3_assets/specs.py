"""What the registry says of each asset, as Dagster's specs; and the one seam by which users change these."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import dagster as dg

from s3_assets.automation import condition_of
from s3_assets.exports.units import ExportMode
from s3_assets.metadata import OURS, table_kinds, table_metadata
from s3_assets.metadata.code import code_references
from s3_assets.metadata.inventory import inventory_schema
from s3_assets.metadata.keys import CODE, COLUMNS, PLACE
from s3_assets.partitions import partitions_definition

if TYPE_CHECKING:
    from collections.abc import Mapping

    from s3_assets.registry.exports import ExportSettings
    from s3_assets.registry.imports import ImportSettings
    from s3_assets.registry.media import MediaSettings
    from s3_assets.registry.models import Registry
    from s3_assets.tables.settings import Partitions, TableSettings

IO_MANAGER_KEY = "io_manager"
"""The key of the resource that reads and writes tables; Dagster's own name of the default one."""
EXPORT = f"{OURS}/export"
"""The key of an asset's metadata that names the export that it is."""
IMPORT = f"{OURS}/import"
"""The key of an asset's metadata that names the import that it is."""


class Kind(StrEnum):
    """What an asset is."""

    SOURCE = "source"
    """A table that is only read."""
    IMPORT = "import"
    MEDIA = "media"
    EXPORT = "export"
    ASSET = "asset"
    """A table or an export whose rows are those of a function of the user."""


@dataclass(frozen=True)
class Declared:
    """One asset as the registry declares it: what `get_asset_spec` is asked about.

    `name` is the import's, the media set's, the export's or the table's. `asset` is the name of the table or
    export that the asset is. `spec` is what follows from all this.
    """

    kind: Kind
    name: str
    asset: str
    spec: dg.AssetSpec
    registry: Registry = field(repr=False, compare=False)

    @property
    def settings(self) -> TableSettings | ExportSettings:
        """What the registry says of the table, or of the export."""
        found: TableSettings | ExportSettings | None = self.registry.tables.get(self.asset)
        return found if found is not None else self.registry.exports[self.asset]

    @property
    def entry(self) -> ImportSettings | MediaSettings | None:
        """What the registry says of the import or media set that writes it."""
        if self.kind is Kind.IMPORT:
            return self.registry.imports[self.name]
        return self.registry.media[self.name] if self.kind is Kind.MEDIA else None

    @property
    def connection(self) -> str:
        """The name of the connection under which it lies."""
        return self.settings.connection


def import_spec(registry: Registry, name: str, readers: Mapping[str, str] | None = None) -> dg.AssetSpec:
    """Return the spec of an import: by the target's partitions if it replaces them, else without any."""
    settings = registry.imports[name]
    partitions = registry.tables[settings.target].partitions if settings.mode.replaces else None
    return _table_spec(
        registry,
        settings.target,
        description=settings.description,
        deps=[dg.AssetKey(settings.source.split("/"))],
        metadata={
            **table_metadata(registry, settings.target, readers, declared_by=("imports", name)),
            IMPORT: name,
            f"{OURS}/mode": str(settings.mode),
        },
        partitions_def=_partitions(partitions),
        automation_condition=condition_of(settings.automation),
    )


def media_spec(registry: Registry, name: str, readers: Mapping[str, str] | None = None) -> dg.AssetSpec:
    """Return the spec of a media set: of the table that is its inventory."""
    settings = registry.media[name]
    place = registry.connections[settings.connection].location.folder(settings.path)
    return _table_spec(
        registry,
        settings.target,
        description=settings.description,
        metadata={
            **table_metadata(registry, settings.target, readers, declared_by=("media", name)),
            COLUMNS: inventory_schema(registry.tables[settings.target]),
            f"{OURS}/media": name,
            f"{OURS}/source": place.url,
        },
        automation_condition=condition_of(settings.automation),
    )


def source_spec(
    registry: Registry,
    name: str,
    readers: Mapping[str, str] | None = None,
    io_manager_key: str = IO_MANAGER_KEY,
) -> dg.AssetSpec:
    """Return the spec of a table that is only read; `readers` are what `readers_of` tells of all tables."""
    # What `with_io_manager_key` adds, by a second spec.
    metadata = {**table_metadata(registry, name, readers), "dagster/io_manager_key": io_manager_key}
    return _table_spec(registry, name, metadata=metadata)


def asset_spec(registry: Registry, name: str, readers: Mapping[str, str] | None = None) -> dg.AssetSpec:
    """Return the spec of a table or an export that a function of the user writes: by its partitions."""
    if name in registry.exports:
        return export_spec(registry, name)
    partitions = _partitions(registry.tables[name].partitions)
    return _table_spec(
        registry, name, metadata=table_metadata(registry, name, readers), partitions_def=partitions
    )


def export_spec(registry: Registry, name: str) -> dg.AssetSpec:
    """Return the spec of an export: by the source's partitions if its mode says so."""
    settings = registry.exports[name]
    return dg.AssetSpec(
        dg.AssetKey(name.split("/")),
        deps=[dg.AssetKey(settings.source.split("/"))] if settings.source is not None else [],
        description=settings.description,
        metadata=static_metadata(registry, name),
        group_name=settings.group or settings.connection.replace("/", "_"),
        owners=list(settings.owners),
        tags=settings.tags,
        kinds=export_kinds(settings),
        partitions_def=export_partitions(registry, name),
        automation_condition=condition_of(settings.automation),
    )


def export_partitions(registry: Registry, name: str) -> dg.PartitionsDefinition | None:
    """Return the partitions by which an export is run; None if it is run as a whole."""
    settings = registry.exports[name]
    if registry.export_mode(name) is not ExportMode.PARTITIONS:
        return None
    source = registry.tables[settings.source] if settings.source is not None else None
    return _partitions(settings.partitions_for(source))


def static_metadata(registry: Registry, name: str) -> dict[str, Any]:
    """Return what is known of an export without looking at it."""
    settings, mode = registry.exports[name], registry.export_mode(name)
    place = registry.connections[settings.connection].location.folder(settings.path_prefix)
    code = code_references(registry, ("exports", name))
    return {
        PLACE: place.url,
        **({CODE: code} if code is not None else {}),
        EXPORT: name,
        f"{OURS}/format": settings.format.extension,
        f"{OURS}/connection": settings.connection,
        f"{OURS}/mode": str(mode),
        f"{OURS}/key": str(settings.template(mode)),
    }


def export_kinds(settings: ExportSettings) -> set[str]:
    """Return the kinds of an export, under the names for which Dagster has icons."""
    return {"s3", settings.format.format}


def _table_spec(
    registry: Registry,
    name: str,
    *,
    description: str | None = None,
    **more: Any,  # noqa: ANN401 - of a spec
) -> dg.AssetSpec:
    settings = registry.tables[name]
    return dg.AssetSpec(
        dg.AssetKey(name.split("/")),
        description=description or settings.description,
        group_name=settings.group or settings.connection.replace("/", "_"),
        owners=list(settings.owners),
        tags=settings.tags,
        kinds=table_kinds(settings),
        **more,
    )


@lru_cache(maxsize=1024)
def _partitions(partitions: Partitions | None) -> dg.PartitionsDefinition | None:
    # Many tables have partitions alike: one definition for all of them is sooner made, and sooner compared.
    return partitions_definition(partitions) if partitions is not None else None
