"""Waiting for a worker: a cluster whose CPUs others hold, or that has too few of them, is told as that."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from s3_assets.errors import WorkersBusyError

if TYPE_CHECKING:
    from types import ModuleType

    from s3_assets.engines.ray.settings import RaySettings

_log = logging.getLogger(__name__)
# Whoever waits so long is told what for.
_LONG_SECONDS = 30.0
_GB = 1e9


@dataclass
class Patience:
    """How long a run has waited for its first worker, or for the next one while none works for it."""

    ray: ModuleType
    settings: RaySettings
    since: float = field(default_factory=time.monotonic)
    told: bool = False

    @property
    def seconds(self) -> float:
        """How long to wait before the next look."""
        left = self.settings.wait_seconds - (time.monotonic() - self.since)
        return min(max(left, 0.0), _LONG_SECONDS)

    def look(self) -> None:
        """Raise `WorkersBusyError` if it was long enough; say once, before, what the run waits for."""
        waited = time.monotonic() - self.since
        if waited >= self.settings.wait_seconds:
            raise WorkersBusyError(
                f"no worker of the Ray cluster was free for {waited:.0f} s: {self._lacking()}",
                remedy="Nothing was committed. Run it again when there is room, let the cluster grow, ask "
                "for less by ray.cpus or ray.memory, or set ray.wait_seconds higher.",
            )
        if waited >= _LONG_SECONDS and not self.told:
            self.told = True
            _log.warning("No worker of the Ray cluster is free yet: %s", self._lacking())

    def _lacking(self) -> str:
        """Say what a slice takes, and what the cluster has of it."""
        settings = self.settings
        unit = "CPU" if settings.cpus == 1 else "CPUs"
        told = [f"a slice takes {settings.cpus:g} {unit}, {self._has('CPU', 1)}"]
        if settings.memory is not None:
            told.append(f"and {settings.memory / _GB:.1f} GB of memory, {self._has('memory', _GB)}")
        return " ".join(told)

    def _has(self, what: str, unit: float) -> str:
        had = [node["Resources"].get(what, 0) / unit for node in self.ray.nodes() if node["Alive"]]
        free = self.ray.available_resources().get(what, 0) / unit
        return f"{free:.4g} of {sum(had):.4g} are free, one machine has at most {max(had, default=0):.4g}"
