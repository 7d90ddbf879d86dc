"""The registry: connections, tables and imports, declared in YAML or in Python."""

from s3_assets.registry.loading import find_registry, load_registry
from s3_assets.registry.models import ImportSettings, Registry, WatchSettings

__all__ = ["ImportSettings", "Registry", "WatchSettings", "find_registry", "load_registry"]
