"""Portions as a source of Daft's, read as our own workers read them; imported where Daft runs alone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import ray
from daft import Schema
from daft.io.source import DataSource, DataSourceTask
from daft.recordbatch import RecordBatch

from s3_assets.engines.daft.pipes import opened, pipe_name
from s3_assets.engines.ray.worker import work

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    import polars as pl
    from daft.io.pushdowns import Pushdowns

    from s3_assets.engines.daft.reads import Read, Reads
    from s3_assets.engines.ray.worker import Report


def _schema(reads: Reads) -> Schema:
    return Schema.from_pyarrow_schema(_as_arrow(reads.plain.none()).schema)


def _as_arrow(batch: pl.DataFrame) -> Any:  # noqa: ANN401 - an Arrow table
    """Return a batch in Arrow's older types: Daft does not know views."""
    import polars as pl

    return batch.to_arrow(compat_level=pl.CompatLevel.oldest())


class PortionTask(DataSourceTask):
    """Reads one portion."""

    def __init__(self, reads: Reads, read: Read, board: str) -> None:
        self._reads = reads
        self._read = read
        self._board = board

    @property
    def schema(self) -> Schema:
        """The plain columns."""
        return _schema(self._reads)

    async def read(self) -> AsyncIterator[RecordBatch]:
        """Yield the rows; whatever became of them is told on the board."""
        reads, read = self._reads, self._read
        await asyncio.to_thread(self._begin)
        with opened(pipe_name(reads.pipes, read.number)) as pipe:
            working = asyncio.create_task(
                asyncio.to_thread(work, read.recipe, read.portion, (read.number, read.of), reads.threads)
            )
            working.add_done_callback(lambda _: pipe.end())
            batch: pl.DataFrame | None = await asyncio.to_thread(pipe.take)
            while batch is not None:
                for rows in _as_arrow(reads.plain.rows(batch)).to_batches():
                    yield RecordBatch.from_arrow_record_batches([rows], rows.schema)
                batch = await asyncio.to_thread(pipe.take)
            report = await working
        await asyncio.to_thread(self._tell, report)
        if report.error is not None:
            # In words for Daft's logs only: the board has the error as it was.
            raise RuntimeError(f"slice {read.number} could not be read")

    def _begin(self) -> None:
        ray.get(ray.get_actor(self._board).begin.remote())

    def _tell(self, report: Report) -> None:
        ray.get(ray.get_actor(self._board).tell.remote(self._read.number, report))


class Portions(DataSource):
    """Reads all portions, each by a task of its own."""

    def __init__(self, reads: Reads, portions: Sequence[Read], board: str) -> None:
        self._reads = reads
        self._portions = portions
        self._board = board

    @property
    def name(self) -> str:
        """What plans call it."""
        return "slices"

    @property
    def schema(self) -> Schema:
        """The plain columns."""
        return _schema(self._reads)

    async def get_tasks(self, pushdowns: Pushdowns) -> AsyncIterator[DataSourceTask]:
        """Yield a task for each portion: all columns are needed."""
        del pushdowns
        for each in self._portions:
            yield PortionTask(self._reads, each, self._board)
