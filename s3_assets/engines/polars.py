"""Polars on one machine: the frame streams into parts, in bounded memory."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from s3_assets.connection.adapters import polars as adapter
from s3_assets.connection.diagnosis import diagnosed_rows
from s3_assets.engines.names import Names
from s3_assets.engines.regrouping import Regrouped
from s3_assets.engines.rows import write_rows
from s3_assets.engines.watching import watched
from s3_assets.metrics import phase
from s3_assets.tables.parts import Layout, Part

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from s3_assets.connection.settings import S3Connection
    from s3_assets.progress import Progress
    from s3_assets.tables.regions import Region

# In memory, before compression: small enough that several open files fit, large enough to scan well.
_PART_BYTES = 512 * 1024 * 1024
# Each open part holds one row group in memory; half of Polars' own size costs neither time nor bytes.
_ROW_GROUP = 65_536


@phase("write")
def write_parts(
    frame: pl.LazyFrame,
    layout: Layout,
    connection: S3Connection,
    progress: Progress | None = None,
    window: Region | None = None,
) -> list[Part]:
    """Run the frame and write its rows as parts where the layout says, and as it says.

    Parts without rows are not written. Those without footers count the rows outside of the window. Errors of
    the server arrive as ours, those of the frame as they are.
    """
    if layout.encoding is None:
        return _sink_parquet(frame, layout, connection, progress)
    with diagnosed_rows(connection, layout.root.url):
        return write_rows(watched(frame, progress), layout, layout.encoding, connection, window, progress)


def _sink_parquet(
    frame: pl.LazyFrame, layout: Layout, connection: S3Connection, progress: Progress | None
) -> list[Part]:
    import polars as pl

    names = Names(layout)
    sunk: list[Any] = []
    target = pl.PartitionBy(
        layout.root.url,
        file_path_provider=lambda asked: names.give(
            asked.partition_keys.row(0) if layout.partition_by else ()
        ),
        key=list(layout.partition_by) or None,
        include_key=layout.keep_partition_columns if layout.partition_by else None,
        approximate_bytes_per_file=_PART_BYTES,
    )
    with diagnosed_rows(connection, layout.root.url), _partitioned(frame, layout) as rows:
        watched(rows, progress).sink_parquet(
            target,
            compression="zstd",
            compression_level=1,
            statistics=True,
            arrow_schema=layout.arrow_schema,
            row_group_size=_ROW_GROUP,
            maintain_order=False,
            engine="streaming",
            sinked_paths_callback=lambda result: sunk.extend(result.paths),
            **adapter.options(connection),
        )
    parts = []
    for each in sunk:
        path = str(each.path).removeprefix(layout.root.url)
        if each.num_rows:
            parts.append(Part(path, each.num_rows, each.num_bytes, names.values[path]))
        if progress is not None:
            progress.advance(bytes_=each.num_bytes, files=1)
    return sorted(parts, key=lambda part: part.path)


@contextmanager
def _partitioned(frame: pl.LazyFrame, layout: Layout) -> Iterator[pl.LazyFrame]:
    """Regroup the rows of several partitions, if they have values that live outside their column."""
    if not layout.partition_by or not any(_variable(dtype) for dtype in frame.collect_schema().values()):
        yield frame
        return
    regrouped = Regrouped(frame, layout.partition_by)
    try:
        yield regrouped.lazy()
    except Exception:
        if regrouped.failed is not None:
            raise regrouped.failed from None
        raise


def _variable(dtype: pl.DataType) -> bool:
    import polars as pl

    return dtype in {pl.String, pl.Binary} or dtype.is_nested()
