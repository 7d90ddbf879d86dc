"""The engine that has portions written by Ray's workers: one task each, begun again if its worker is lost."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING, Any, cast

from s3_assets.engines.daft.pipes import Pour
from s3_assets.engines.daft.reads import Reads
from s3_assets.engines.daft.shuffle import Shuffle, require_daft
from s3_assets.engines.engine import Engine, Job, Ran, Result, Rows
from s3_assets.engines.packing import pack
from s3_assets.engines.ray.cluster import connected
from s3_assets.engines.ray.settings import RaySettings
from s3_assets.engines.ray.worker import Asked, Recipe, Report, work
from s3_assets.errors import SettingError, UnsupportedError, WorkerLostError
from s3_assets.metrics import current

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

    import polars as pl

    from s3_assets.engines.sums import Sums
    from s3_assets.metrics import Meter, Request
    from s3_assets.metrics.meter import Counted
    from s3_assets.progress import Progress
    from s3_assets.tables.reading import Tally

_log = logging.getLogger(__name__)
# Several slices for each worker: one that is slow, or lost, then holds up little.
_SLICES_OF_A_WORKER = 3
# Below this, a slice costs more to hand out than to write.
_SMALLEST_SLICE = 16 * 1024 * 1024
_STOPPING_SECONDS = 30.0


@dataclass(frozen=True)
class RayEngine(Engine):
    """Workers of a Ray cluster."""

    settings: RaySettings = field(default_factory=RaySettings)
    name: str = "ray"

    def run(self, rows: Rows, job: Job[Result], progress: Progress | None = None) -> Ran[Result]:
        """Have the job done with each portion, as `Engine.run` says.

        Raises `SettingError`, before anything is sent, for a secret that is written out, and
        `WorkerLostError` if the worker of a portion was lost again and again.
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
        running = _Running(ray, self.settings, recipe, packed, _Told(rows.of_plan.begin(), meter, progress))
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
        told = [_Told(each.of_plan.begin(), meter, None) for each in states]
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


class _Told:
    """What workers report, handed on to whoever counts here."""

    def __init__(self, tally: Tally, meter: Meter | None, progress: Progress | None) -> None:
        self._tally = tally
        self._meter = meter
        self._progress = progress
        self._requests: list[Request] = []
        if meter is not None:
            meter.also(self, self._taken)

    def take(self, report: Report) -> None:
        """Count what a worker has counted."""
        if report.tally is not None:
            self._tally.join(report.tally)
        if self._meter is not None:
            self._meter.usage.merge(report.counts)
            self._requests += report.requests
            for engine in report.unseen:
                self._meter.used(engine)
        if self._progress is not None:
            if self._progress.look is not None:
                for rows in report.seen:
                    self._progress.look(rows)
            self._progress.advance(rows=report.rows, bytes_=report.bytes, files=report.files)

    def _taken(self) -> Counted:
        """Return the single requests that are kept for traces, and forget them."""
        requests, self._requests = self._requests, []
        return {}, requests


class _Running:
    """The tasks of one run."""

    def __init__(
        self, ray: ModuleType, settings: RaySettings, recipe: bytes, portions: Sequence[bytes], told: _Told
    ) -> None:
        self._ray = ray
        self._settings = settings
        self._portions = portions
        self._told = told
        # A worker that is lost is looked after here: its parts are to be known as nobody's.
        options = {"num_cpus": settings.cpus, "max_retries": 0, "name": "s3-assets slice"}
        if settings.memory is not None:
            options["memory"] = settings.memory
        self._task = ray.remote(work).options(**options)
        self._recipe = ray.put(recipe)
        self._numbers: dict[Any, int] = {}
        self._tries = [0] * len(portions)
        self.lost = 0

    def results(self) -> tuple[Any, ...]:
        """Run them all; whatever ends it, no task runs any more."""
        found: dict[int, Any] = {}
        try:
            for number in range(len(self._portions)):
                self._start(number)
            while self._numbers:
                done, _ = self._ray.wait(list(self._numbers))
                for task in done:
                    number = self._numbers.pop(task)
                    report = self._report(task, number)
                    if report is None:
                        continue
                    self._told.take(report)
                    if report.error is not None:
                        raise report.error
                    found[number] = report.result
        finally:
            self._stop()
        return tuple(found[number] for number in range(len(self._portions)))

    def _start(self, number: int) -> None:
        share = (number, len(self._portions))
        task = self._task.remote(self._recipe, self._portions[number], share, self._settings.threads)
        self._numbers[task] = number

    def _report(self, task: Any, number: int) -> Report | None:  # noqa: ANN401 - Ray's reference
        """Return what a worker reports; None if it was lost, and another one begins."""
        errors = self._ray.exceptions
        try:
            report: Report = self._ray.get(task)
        except (
            errors.WorkerCrashedError,
            errors.NodeDiedError,
            errors.OutOfMemoryError,
            errors.ObjectLostError,
        ) as error:
            self.lost += 1
            self._tries[number] += 1
            if self._tries[number] > self._settings.retries:
                raise _lost(error, self._tries[number]) from None
            _log.warning("The worker of slice %d was lost, and another one begins: %s", number, _first(error))
            self._start(number)
            return None
        except errors.RayTaskError as error:
            raise _unfit(error) from None
        return report

    def _stop(self) -> None:
        """End what still runs; a worker in the middle of a slice is killed: nothing else would stop it."""
        if not self._numbers:
            return
        tasks = list(self._numbers)
        for task in tasks:
            self._ray.cancel(task, force=True)
        self._ray.wait(tasks, num_returns=len(tasks), timeout=_STOPPING_SECONDS)


def _lost(error: Exception, times: int) -> WorkerLostError:
    return WorkerLostError(
        f"the worker of one slice was lost {times} times: {_first(error)}",
        remedy="If its memory was not enough, set ray.slice_bytes lower or ray.memory; Ray's logs tell more.",
    )


def _unfit(error: Any) -> Exception:  # noqa: ANN401 - Ray's
    """Return what a worker could not even begin with: it runs other software than this process."""
    cause = error.cause
    if isinstance(cause, ModuleNotFoundError | AttributeError):
        return SettingError(
            f"a worker could not begin: {cause}",
            remedy="Install the same release of s3-assets on all machines of the cluster, with its extras.",
        )
    return cause if isinstance(cause, Exception) else RuntimeError(_first(error))


def _first(error: Exception) -> str:
    """Return what an error says in its first line: the rest of Ray's are hints for its developers."""
    return str(error).strip().partition("\n")[0]
