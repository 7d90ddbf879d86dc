"""The tasks of one run: each is watched from its begin on, and begun again if its worker is lost."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from s3_assets.engines.ray.waiting import Patience
from s3_assets.engines.ray.worker import Report, begun_work
from s3_assets.errors import SettingError, WorkerLostError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

    from s3_assets.engines.ray.settings import RaySettings
    from s3_assets.engines.ray.told import Told

_log = logging.getLogger(__name__)
_STOPPING_SECONDS = 30.0


class Running:
    """The tasks of one run."""

    def __init__(
        self, ray: ModuleType, settings: RaySettings, recipe: bytes, portions: Sequence[bytes], told: Told
    ) -> None:
        self._ray = ray
        self._settings = settings
        self._portions = portions
        self._told = told
        # A worker that is lost is looked after here: its parts are to be known as nobody's.
        options = {
            "num_cpus": settings.cpus,
            "num_returns": "streaming",
            "max_retries": 0,
            "name": "s3-assets slice",
        }
        if settings.memory is not None:
            options["memory"] = settings.memory
        self._task = ray.remote(begun_work).options(**options)
        self._recipe = ray.put(recipe)
        self._numbers: dict[Any, int] = {}
        self._begun: set[Any] = set()
        self._tries = [0] * len(portions)
        self.lost = 0

    def results(self) -> tuple[Any, ...]:
        """Run them all; whatever ends it, no task runs any more."""
        found: dict[int, Any] = {}
        try:
            for number in range(len(self._portions)):
                self._start(number)
            while self._numbers:
                for task in self._heard():
                    number = self._numbers[task]
                    report = self._report(task, number)
                    if report is None:
                        continue
                    self._forget(task)
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

    def _forget(self, task: Any) -> None:  # noqa: ANN401 - Ray's generator of references
        del self._numbers[task]
        self._begun.discard(task)

    def _heard(self) -> list[Any]:
        """Return the tasks that have something to tell.

        Raises `WorkersBusyError` if none is under way, and none begins in the time that is allowed.
        """
        patience = Patience(self._ray, self._settings)
        while True:
            # Whatever is under way ends by itself, or is lost, and makes room for another.
            seconds = None if self._begun else patience.seconds
            done: list[Any] = self._ray.wait(list(self._numbers), timeout=seconds)[0]
            if done:
                return done
            patience.look()

    def _report(self, task: Any, number: int) -> Report | None:  # noqa: ANN401 - Ray's generator of references
        """Return what a worker reports; None if it has only begun, or was lost, and another one begins."""
        errors = self._ray.exceptions
        try:
            report: Report | None = self._ray.get(next(task))
        except (
            errors.WorkerCrashedError,
            errors.NodeDiedError,
            errors.OutOfMemoryError,
            errors.ObjectLostError,
        ) as error:
            self._forget(task)
            self.lost += 1
            self._tries[number] += 1
            if self._tries[number] > self._settings.retries:
                raise _lost(error, self._tries[number]) from None
            _log.warning("The worker of slice %d was lost, and another one begins: %s", number, _first(error))
            self._start(number)
            return None
        except errors.RayTaskError as error:
            raise _unfit(error) from None
        if report is None:
            self._begun.add(task)
        return report

    def _stop(self) -> None:
        """End what still runs; a worker in the middle of a slice is killed: nothing else would stop it."""
        if not self._numbers:
            return
        for task in self._numbers:
            self._ray.cancel(task, force=True)
        ended = [task.completed() for task in self._numbers]
        self._ray.wait(ended, num_returns=len(ended), timeout=_STOPPING_SECONDS)


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
