"""Paths of files in a registry: relative to its folder, wherever the program was started."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

if TYPE_CHECKING:
    from s3_assets.registry.models import Registry

_SECTIONS = ("connections", "tables", "imports", "media", "exports", "discovery")


def with_paths_from(registry: Registry, folder: Path) -> Registry:
    """Return the registry with every path of its sections counted from the folder.

    Certificates, tokens and files of secrets are meant; `~` is the user's home, an absolute path stays.
    """
    sections = {name: _resolved(getattr(registry, name), folder) for name in _SECTIONS}
    return registry.model_copy(update=sections)


def _resolved(value: Any, folder: Path) -> Any:  # noqa: ANN401 - any value of a model
    if isinstance(value, Path):
        return folder / value.expanduser()
    if isinstance(value, dict):
        return {name: _resolved(each, folder) for name, each in value.items()}
    if isinstance(value, tuple):
        return tuple(_resolved(each, folder) for each in value)
    if isinstance(value, BaseModel):
        found = {name: getattr(value, name) for name in value.model_fields_set}
        changed = {name: new for name, old in found.items() if (new := _resolved(old, folder)) is not old}
        return value.model_copy(update=changed) if changed else value
    return value
