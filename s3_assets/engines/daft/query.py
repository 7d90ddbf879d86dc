"""How the cluster answers: in processes of its own, since Daft settles much once for a process."""

from __future__ import annotations

from functools import reduce
from operator import and_, or_
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from s3_assets.engines.daft.reads import Read, Reads

# Daft and its workers send no reports of their use, and draw no bars into logs.
ENVIRONMENT = {
    "DAFT_ANALYTICS_ENABLED": "0",
    "DO_NOT_TRACK": "true",
    "DAFT_PROGRESS_BAR": "0",
    "RAY_TQDM": "0",
}


class Board:
    """An actor that is told what became of each portion that was read."""

    def __init__(self) -> None:
        self._reports: dict[int, tuple[int, Any]] = {}

    def tell(self, read: Read, report: Any) -> None:  # noqa: ANN401 - a `worker.Report`
        """Take down a report; of a portion that is read again, the newest counts."""
        self._reports[read.number] = read.state, report

    def taken(self) -> list[tuple[int, Any]]:
        """Return what was told since the last call, each report with the number of its state."""
        reports, self._reports = self._reports, {}
        return list(reports.values())


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

        daft.set_runner_ray(noop_if_initialized=True)
        daft.set_execution_config(maintain_order=False)
        keys, zeros, ones = reads.plain.names
        rows = Portions(reads, portions, board).read().repartition(partitions, *keys)
        added = rows.groupby(*keys).agg(*(col(name).sum() for name in (*zeros, *ones)))
        lacking = reduce(or_, (col(key).is_null() for key in keys))
        sums = [*(col(name) == 0 for name in zeros), *(col(name) == 1 for name in ones)]
        even = cast("daft.Expression", reduce(and_, sums))
        found = added.where(lacking | ~even).select(*keys, *ones)
        if most is not None:
            found = found.limit(most + 1)
        return pl.DataFrame(found.to_arrow())
