"""The assets that a registry declares, as the user's `get_asset_spec` leaves them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import dagster as dg

from s3_assets.errors import RegistryError
from s3_assets.metadata.keys import READ_BY
from s3_assets.registry.asset_paths import AssetPaths
from s3_assets.specs import (
    EXPORT,
    IMPORT,
    IO_MANAGER_KEY,
    Declared,
    Kind,
    asset_spec,
    export_spec,
    import_spec,
    media_spec,
    source_spec,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from s3_assets.decorator import S3Asset
    from s3_assets.registry.models import Registry

    GetAssetSpec = Callable[[Declared], dg.AssetSpec]

# What sensors and the IO manager know an asset by: it stays where all other metadata are replaced.
_KEPT = frozenset({EXPORT, IMPORT, "dagster/io_manager_key"})
_CALLED = {
    Kind.SOURCE: "table",
    Kind.IMPORT: "import",
    Kind.MEDIA: "media set",
    Kind.EXPORT: "export",
    Kind.ASSET: "asset",
}


class _Entry(NamedTuple):
    """What becomes an asset; `asset` is the name of the table or export that it is."""

    kind: Kind
    name: str
    asset: str


@dataclass(frozen=True)
class Generated:
    """What is declared, and what each of it is called as an asset.

    `registry` knows these keys; whatever looks for a table's asset, or for an asset's table, asks it.
    """

    registry: Registry
    entries: Mapping[str, _Entry]
    """By the name of the table or export."""
    own: Mapping[str, S3Asset]
    io_manager_key: str
    changed: Mapping[str, dg.AssetSpec] = field(default_factory=dict)
    """What `get_asset_spec` returned, if there is one."""

    def of(self, kind: Kind) -> Iterator[_Entry]:
        """Yield what is of that kind, in the order of the registry."""
        return (each for each in self.entries.values() if each.kind is kind)

    def spec(self, asset: str, readers: Mapping[str, str] | None = None) -> dg.AssetSpec:
        """Return the spec of a table or export; `readers` are what `readers_of` tells of all tables."""
        changed = self.changed.get(asset)
        if changed is None:
            return self._declared(self.entries[asset], readers)
        more: dict[str, Any] = {}
        if readers and asset in readers and self.entries[asset].kind is not Kind.EXPORT:
            more["metadata"] = {READ_BY: dg.MetadataValue.md(readers[asset]), **changed.metadata}
        deps = [self._called(dep) for dep in changed.deps]
        if deps != list(changed.deps):
            more["deps"] = deps
        return changed.replace_attributes(**more) if more else changed

    def _declared(self, entry: _Entry, readers: Mapping[str, str] | None = None) -> dg.AssetSpec:
        if entry.kind is Kind.IMPORT:
            return import_spec(self.registry, entry.name, readers)
        if entry.kind is Kind.MEDIA:
            return media_spec(self.registry, entry.name, readers)
        if entry.kind is Kind.EXPORT:
            return export_spec(self.registry, entry.name)
        if entry.kind is Kind.SOURCE:
            return source_spec(self.registry, entry.name, readers, self.io_manager_key)
        spec = asset_spec(self.registry, entry.name, readers)
        return self.own[entry.name].described(spec) if entry.name in self.own else spec

    def _called(self, dep: dg.AssetDep) -> dg.AssetDep:
        """Return a dependency on a table by the key that the table has as an asset."""
        name = "/".join(dep.asset_key.path)
        path = self.registry.assets.paths.get(name)
        # A key that an asset does have is meant as it stands.
        if path is None or self.registry.assets.name(dep.asset_key.path) != name:
            return dep
        return dg.AssetDep(dg.AssetKey(path), partition_mapping=dep.partition_mapping)

    def asked(self, get_asset_spec: GetAssetSpec, taken: Collection[tuple[str, ...]]) -> Generated:
        """Return the same after the user was asked for each spec; `taken` are keys of the user's own assets.

        Raises `RegistryError` for what is no spec, for one key of two assets, and for partitions of what is
        not run by partitions.
        """
        specs: dict[str, dg.AssetSpec] = {}
        for asset, entry in self.entries.items():
            spec = self._declared(entry)
            found = get_asset_spec(Declared(entry.kind, entry.name, asset, spec, self.registry))
            _refuse_misfits(entry, spec, found)
            kept = {
                name: spec.metadata[name] for name in _KEPT & spec.metadata.keys() - found.metadata.keys()
            }
            specs[asset] = found.merge_attributes(metadata=kept) if kept else found
        paths = {asset: tuple(spec.key.path) for asset, spec in specs.items()}
        _refuse_one_key_for_two(paths)
        # The user's own asset under a table's key writes that table, and says itself what there is to say.
        written = {
            asset
            for asset, entry in self.entries.items()
            if paths[asset] in taken and (entry.kind is Kind.SOURCE or entry.name not in self.own)
            if entry.kind in {Kind.SOURCE, Kind.ASSET}
        }
        assets = AssetPaths({name: path for name, path in paths.items() if path != tuple(name.split("/"))})
        return Generated(
            self.registry.called(assets),
            {asset: entry for asset, entry in self.entries.items() if asset not in written},
            self.own,
            self.io_manager_key,
            {asset: spec for asset, spec in specs.items() if asset not in written},
        )


def generated(
    registry: Registry,
    own: Mapping[str, S3Asset],
    taken: Collection[tuple[str, ...]],
    get_asset_spec: GetAssetSpec | None = None,
    io_manager_key: str = IO_MANAGER_KEY,
) -> Generated:
    """Return what a registry declares.

    `own` are the user's assets that name their table or export, `taken` the keys of the user's other ones.
    """
    entries = {
        **{each.target: _Entry(Kind.IMPORT, name, each.target) for name, each in registry.imports.items()},
        **{each.target: _Entry(Kind.MEDIA, name, each.target) for name, each in registry.media.items()},
    }
    for name, each in registry.exports.items():
        if each.source is not None:
            entries[name] = _Entry(Kind.EXPORT, name, name)
        elif name in own or get_asset_spec is not None:
            entries[name] = _Entry(Kind.ASSET, name, name)
    for name in registry.tables:
        if name not in entries and tuple(name.split("/")) not in taken:
            entries[name] = _Entry(Kind.ASSET if name in own else Kind.SOURCE, name, name)
    found = Generated(registry, entries, own, io_manager_key)
    return found if get_asset_spec is None else found.asked(get_asset_spec, taken)


def _refuse_misfits(entry: _Entry, spec: dg.AssetSpec, found: object) -> None:
    what = f"the {_CALLED[entry.kind]} '{entry.name}'"
    if not isinstance(found, dg.AssetSpec):
        raise RegistryError(
            f"get_asset_spec returned a {type(found).__name__} for {what}",
            remedy="Return declared.spec, or what replace_attributes makes of it.",
        )
    by_partitions = entry.kind in {Kind.SOURCE, Kind.ASSET} or spec.partitions_def is not None
    if found.partitions_def is not None and not by_partitions:
        raise RegistryError(
            f"get_asset_spec gives partitions to {what}, which is not run by partitions",
            remedy="Leave partitions_def as it is; replaced partitions are declared with the table.",
        )


def _refuse_one_key_for_two(paths: Mapping[str, tuple[str, ...]]) -> None:
    taken: dict[tuple[str, ...], str] = {}
    for name, path in paths.items():
        other = taken.setdefault(path, name)
        if other != name:
            raise RegistryError(
                f"get_asset_spec gives '{other}' and '{name}' one key, {'/'.join(path)}",
                remedy="Keep the name of the table in its key; a prefix is put before it by key.with_prefix.",
            )
