"""What tables and exports are called as assets: by their names, unless definitions call them otherwise."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True)
class AssetPaths:
    """The parts of asset keys, by the names of the tables and exports that are called otherwise."""

    paths: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def of(self, name: str) -> tuple[str, ...]:
        """Return the parts of the key of a table or export; of most, the name, split at the slashes."""
        return self.paths.get(name) or tuple(name.split("/"))

    def name(self, path: Sequence[str]) -> str:
        """Return the name of the table or export whose key has these parts."""
        return self._names.get(tuple(path)) or "/".join(path)

    @cached_property
    def _names(self) -> dict[tuple[str, ...], str]:
        return {path: name for name, path in self.paths.items()}
