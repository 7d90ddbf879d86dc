"""Who reads a table: links from its asset to those of imports, exports and code that do."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

import dagster as dg

from s3_assets.metadata.markdown import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from s3_assets.registry.models import Registry


class _Reading(NamedTuple):
    table: str
    asset: tuple[str, ...]
    """The parts of its key."""
    what: str


def readers_of(registry: Registry, assets: Iterable[object]) -> dict[str, str]:
    """Return a list of links, in Markdown, for each table that somebody reads; `assets` are the user's."""
    found: dict[str, dict[str, str]] = {}
    for table, asset, what in [*_declared(registry), *_of_code(registry, assets)]:
        found.setdefault(table, {})[_link(asset)] = what
    return {
        table: "\n".join(f"- {link}, {what}" for link, what in sorted(links.items()))
        for table, links in found.items()
    }


def _declared(registry: Registry) -> Iterator[_Reading]:
    for name, job in registry.imports.items():
        yield _Reading(job.source, registry.assets.of(job.target), f"import {name}")
    for name, export in registry.exports.items():
        if export.source is not None:
            yield _Reading(export.source, registry.assets.of(name), "export")


def _of_code(registry: Registry, assets: Iterable[object]) -> Iterator[_Reading]:
    for asset in assets:
        if not isinstance(asset, dg.AssetsDefinition) or not asset.is_executable:
            continue
        for spec in asset.specs:
            for dep in spec.deps:
                table = registry.assets.name(dep.asset_key.path)
                if table in registry.tables and dep.asset_key != spec.key:
                    yield _Reading(table, tuple(spec.key.path), "asset")


def _link(path: tuple[str, ...]) -> str:
    return f"[{plain('/'.join(path))}](/assets/{'/'.join(quote(each, safe='') for each in path)})"
