"""How the cluster answers: in processes of its own, since Daft settles much once for a process."""

from __future__ import annotations

from functools import reduce
from operator import and_, or_
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from s3_assets.engines.daft.reads import Read, Reads
    from s3_assets.engines.ray.worker import Report

# Daft and its workers send no reports of their use, and draw no bars into logs.
ENVIRONMENT = {
    "DAFT_ANALYTICS_ENABLED": "0",
    "DO_NOT_TRACK": "true",
    "DAFT_PROGRESS_BAR": "0",
    "RAY_TQDM": "0",
}
# In seconds.
_DAYS = 7 * 24 * 60 * 60


class Board:
    """An actor that is told that portions are read, and what became of each."""

    def __init__(self) -> None:
        self._reports: dict[int, Report] = {}
        self._begun = False

    def begin(self) -> None:
        """Take down that a worker has begun to read."""
        self._begun = True

    def tell(self, number: int, report: Report) -> None:
        """Take down what became of the read of a number."""
        self._reports[number] = report

    def taken(self) -> tuple[bool, dict[int, Report]]:
        """Return whether any worker has begun, and what was told since the last call, by number."""
        reports, self._reports = self._reports, {}
        return self._begun, reports


class Query:
    """An actor that asks Daft."""

    def uneven(
        self, reads: Reads, portions: Sequence[Read], board: str, partitions: int, most: int | None
    ) -> pl.DataFrame:
        """Return the keys that are not even, in plain columns; see `Sums.uneven`."""
        import daft
        import polars as pl
        from daft import col

        from s3_assets.engines.daft.portions import Portions

        # How long to wait for workers is for the driver to say: Daft alone would give up before it.
        daft.set_runner_ray(noop_if_initialized=True, worker_startup_timeout=_DAYS)
        daft.set_execution_config(maintain_order=False)
        keys, zeros, ones = reads.plain.names
        rows = Portions(reads, portions, board).read().repartition(partitions, *keys)
        added = rows.groupby(*keys).agg(*(col(name).sum() for name in (*zeros, *ones)))
        lacking = reduce(or_, (col(key).is_null() for key in keys))
        sums = [*(col(name) == 0 for name in zeros), *(col(name) == 1 for name in ones)]
        even = cast("daft.Expression", reduce(and_, sums))
        # Taken as they come, and no more than are asked for: Daft's own limit takes an actor that counts.
        batches, taken = [reads.plain.none().select(*keys, *ones)], 0
        for batch in added.where(lacking | ~even).select(*keys, *ones).to_arrow_iter():
            batches.append(pl.DataFrame(batch))
            taken += batch.num_rows
            if most is not None and taken > most:
                break
        return pl.concat(batches, how="vertical_relaxed")
