"""Asking the cluster: a question is sent, watched, and asked again if a part of the answer was lost."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

from s3_assets.engines.daft.query import ENVIRONMENT, Board, Query
from s3_assets.engines.daft.reads import numbered
from s3_assets.engines.ray.waiting import Patience
from s3_assets.errors import UnsupportedError, WorkerLostError
from s3_assets.metrics import phase

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

    import polars as pl

    from s3_assets.engines.daft.reads import Read, Reads
    from s3_assets.engines.ray.settings import RaySettings
    from s3_assets.engines.ray.worker import Report

_log = logging.getLogger(__name__)
_LOOK_SECONDS = 1.0
# So many bytes of files have about a million keys, which one worker then holds at a time.
_PARTITION_BYTES = 64 * 1024 * 1024
_MOST_PARTITIONS = 1_000
# An actor ends as soon as nobody has its handle. By the connection's job: those of an earlier one are gone.
_kept: dict[str, Any] = {}


def require_daft() -> None:
    """Raise `UnsupportedError` if Daft is not installed."""
    # Looked for, and not imported: that it would report to its makers.
    if find_spec("daft") is None:
        raise UnsupportedError(
            "to bring rows of one key together, engine: ray needs the package 'daft', which is not installed",
            remedy="Install the extra, here and on the cluster's machines: pip install 's3-assets[daft]'.",
        )


@dataclass(frozen=True)
class Shuffle:
    """One question to a cluster."""

    ray: ModuleType
    settings: RaySettings
    reads: Reads

    @phase("shuffle")
    def uneven(
        self,
        states: Sequence[tuple[bytes, Sequence[bytes]]],
        size: int,
        most: int | None,
        take: Callable[[int, Report], None],
    ) -> pl.DataFrame:
        """Return the keys that are not even, in plain columns.

        `states` are recipes with their portions, of `size` bytes in all; `take` is given the number of a
        state and what became of one of its portions. Raises what reading a portion raised, and
        `WorkerLostError` if workers were lost again and again, and `WorkersBusyError` if none becomes free.
        """
        portions = numbered(states)
        cpus = int(self.ray.cluster_resources().get("CPU", 1))
        partitions = min(max(cpus, 1 + size // _PARTITION_BYTES), _MOST_PARTITIONS)
        tries = 0
        while True:
            tries += 1
            try:
                return self._asked(portions, partitions, most, take)
            except self.ray.exceptions.RayError as error:
                if tries > self.settings.retries:
                    raise WorkerLostError(
                        f"bringing rows of one key together failed {tries} times: {_last(error)}",
                        remedy="Ray's logs tell more; if memory was not enough, set ray.slice_bytes lower.",
                    ) from None
                _log.warning("Rows of one key are brought together once more: %s", _last(error))

    def _asked(
        self,
        portions: Sequence[Read],
        partitions: int,
        most: int | None,
        take: Callable[[int, Report], None],
    ) -> pl.DataFrame:
        name = f"s3-assets {uuid4().hex}"
        board = self.ray.remote(Board).options(num_cpus=0, name=name).remote()
        query = self._query()
        found: pl.DataFrame | None = None
        reports: dict[int, Report] = {}
        try:
            answer = query.uneven.remote(self.reads, portions, name, partitions, most)
            patience = Patience(self.ray, self.settings)
            while found is None:
                done, _ = self.ray.wait([answer], timeout=_LOOK_SECONDS)
                begun, told = self.ray.get(board.taken.remote())
                if not (begun or done):
                    patience.look()
                # A portion that was read twice counts once.
                reports |= told
                for report in reports.values():
                    if report.error is not None:
                        raise report.error
                if done:
                    found = cast("pl.DataFrame", self.ray.get(answer))
        finally:
            self.ray.kill(board)
            if found is None:
                # Its workers end with it, and so does what they read.
                _kept.clear()
                self.ray.kill(query)
        for each in portions:
            take(each.state, reports[each.number])
        return found

    def _query(self) -> Any:  # noqa: ANN401 - Ray's handle
        """Return the actor of this process's connection; its workers stay for the next question."""
        job = self.ray.get_runtime_context().get_job_id()
        if job not in _kept:
            options = {"num_cpus": 0, "runtime_env": {"env_vars": ENVIRONMENT}}
            _kept.clear()
            _kept[job] = self.ray.remote(Query).options(**options).remote()
        return _kept[job]


def _last(error: Exception) -> str:
    """Return the last line of an error: above it, Ray tells where it came from."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
