"""The registry: connections, tables, imports, media sets and exports, declared in YAML or in Python.

Names are imported when they are first used: who only asks where the file is does not wait for its models.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from s3_assets.registry.finding import find_registry
    from s3_assets.registry.loading import load_registry
    from s3_assets.registry.models import (
        DiscoverySettings,
        ExportSettings,
        ImportSettings,
        MediaSettings,
        QueueSettings,
        Registry,
        WatchSettings,
    )

__all__ = [
    "DiscoverySettings",
    "ExportSettings",
    "ImportSettings",
    "MediaSettings",
    "QueueSettings",
    "Registry",
    "WatchSettings",
    "find_registry",
    "load_registry",
]

_ELSEWHERE = {"find_registry": "finding", "load_registry": "loading"}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 's3_assets.registry' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(f"s3_assets.registry.{_ELSEWHERE.get(name, 'models')}"), name)
