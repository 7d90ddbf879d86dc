"""The engine that has portions written by Ray's workers: one task each, begun again if its worker is lost."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING, Any, cast

from s3_assets.engines.daft.pipes import Pour
from s3_assets.engines.daft.reads import Reads
from s3_assets.engines.daft.shuffle import Shuffle, require_daft
from s3_assets.engines.engine import Engine, Job, Ran, Result, Rows
from s3_assets.engines.packing import pack
from s3_assets.engines.ray.cluster import connected
from s3_assets.engines.ray.running import Running
from s3_assets.engines.ray.settings import RaySettings
from s3_assets.engines.ray.told import Told
from s3_assets.engines.ray.worker import Asked, Recipe
from s3_assets.errors import UnsupportedError
from s3_assets.metrics import current

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

    import polars as pl

    from s3_assets.engines.sums import Sums
    from s3_assets.metrics import Meter
    from s3_assets.progress import Progress

# Several slices for each worker: one that is slow, or lost, then holds up little.
_SLICES_OF_A_WORKER = 3
# Below this, a slice costs more to hand out than to write.
_SMALLEST_SLICE = 16 * 1024 * 1024


@dataclass(frozen=True)
class RayEngine(Engine):
    """Workers of a Ray cluster."""

    settings: RaySettings = field(default_factory=RaySettings)
    name: str = "ray"

    def run(self, rows: Rows, job: Job[Result], progress: Progress | None = None) -> Ran[Result]:
        """Have the job done with each portion, as `Engine.run` says.

        Raises `SettingError`, before anything is sent, for a secret that is written out, `WorkerLostError` if
        the worker of a portion was lost again and again, and `WorkersBusyError` if no worker becomes free.
        """
        if rows.cut is None:
            raise UnsupportedError("these rows cannot be cut for workers", remedy="Leave the engine out.")
        meter = current()
        recipe = pack(_recipe(rows, job, meter, progress))
        portions = rows.cut(self.settings.slice_bytes)
        # Before a cluster is started: what cannot be sent is told at once.
        packed = [pack(each) for each in portions]
        ray = connected(self.settings)
        fair = self._fair(ray, sum(each.bytes for each in portions))
        if fair < self.settings.slice_bytes:
            packed = [pack(each) for each in rows.cut(fair)]
        running = Running(ray, self.settings, recipe, packed, Told(rows.of_plan.begin(), meter, progress))
        return Ran(cast("tuple[Result, ...]", running.results()), running.lost)

    def uneven(self, states: Sequence[Rows], sums: Sums, most: int | None = None) -> pl.DataFrame:
        """Add up by keys, as `Sums.uneven` says, with Daft on the same cluster.

        Raises `UnsupportedError` without the extra `daft`, and otherwise what `run` raises.
        """
        require_daft()
        meter = current()
        reads = Reads.of(states, sums, self.settings.threads)
        recipes = [pack(_recipe(each, Pour(reads.pipes), meter, None)) for each in states]
        size = self.settings.slice_bytes
        cut = [each.cut(size) for each in states if each.cut is not None]
        total = sum(portion.bytes for portions in cut for portion in portions)
        packed = [[pack(portion) for portion in portions] for portions in cut]
        ray = connected(self.settings)
        fair = self._fair(ray, total)
        if fair < size:
            packed = [
                [pack(portion) for portion in each.cut(fair)] for each in states if each.cut is not None
            ]
        told = [Told(each.of_plan.begin(), meter, None) for each in states]
        found = Shuffle(ray, self.settings, reads).uneven(
            list(zip(recipes, packed, strict=True)),
            total,
            most,
            lambda state, report: told[state].take(report),
        )
        return reads.plain.back(found)

    def _fair(self, ray: ModuleType, total: int) -> int:
        """Return how many bytes a slice may have so that all workers of the cluster have something to do."""
        workers = max(1, int(ray.cluster_resources().get("CPU", 1) / self.settings.cpus))
        return max(ceil(total / (_SLICES_OF_A_WORKER * workers)), _SMALLEST_SLICE)


def _recipe(rows: Rows, job: Job[Any], meter: Meter | None, progress: Progress | None) -> Recipe:
    """Return what workers are told."""
    return Recipe(
        rows.steps,
        job,
        None if meter is None else Asked(meter.asker, meter.everything, meter.keep, meter.tells),
        counts=progress is not None and progress.show is not None,
        looks=progress is not None and progress.look is not None,
    )
