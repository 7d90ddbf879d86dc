"""The registry: connections, tables, imports, media sets and exports, declared in YAML or in Python."""

from s3_assets.registry.loading import find_registry, load_registry
from s3_assets.registry.models import (
    DiscoverySettings,
    ExportSettings,
    ImportSettings,
    MediaSettings,
    Registry,
    WatchSettings,
)

__all__ = [
    "DiscoverySettings",
    "ExportSettings",
    "ImportSettings",
    "MediaSettings",
    "Registry",
    "WatchSettings",
    "find_registry",
    "load_registry",
]
