"""Polars on one machine: the frame streams into Parquet parts, in bounded memory."""

from __future__ import annotations

import re
from contextlib import contextmanager
from datetime import date, datetime
from threading import Lock
from typing import TYPE_CHECKING, Any

from s3_assets.connection.adapters import polars as adapter
from s3_assets.connection.diagnosis import diagnose
from s3_assets.engines.regrouping import Regrouped
from s3_assets.tables.parts import Layout, Part

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from s3_assets.connection.settings import S3Connection
    from s3_assets.progress import Progress

# In memory, before compression: small enough that several open files fit, large enough to scan well.
_PART_BYTES = 512 * 1024 * 1024
# Each open part holds one row group in memory; half of Polars' own size costs neither time nor bytes.
_ROW_GROUP = 65_536


def write_parts(
    frame: pl.LazyFrame, layout: Layout, connection: S3Connection, progress: Progress | None = None
) -> list[Part]:
    """Run the frame and write its rows as Parquet parts where the layout says.

    Parts without rows are not written. Errors of the server arrive as ours, those of the frame as they are.
    """
    import polars as pl

    names = _Names(layout)
    sunk: list[Any] = []
    target = pl.PartitionBy(
        layout.root.url,
        file_path_provider=names.provide,
        key=list(layout.partition_by) or None,
        include_key=layout.keep_partition_columns if layout.partition_by else None,
        approximate_bytes_per_file=_PART_BYTES,
    )
    with _diagnosed(connection, layout), _partitioned(frame, layout) as rows:
        _watched(rows, progress).sink_parquet(
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
def _diagnosed(connection: S3Connection, layout: Layout) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        # The frame reads while the sink writes: Polars' own words tell which of the two it was.
        named = re.search(r"s3://[^\s()'\"]+", str(error))
        # Not chained: the engine's text may quote signed headers.
        raise diagnose(error, connection, named[0] if named else layout.root.url) from None


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


class _Names:
    """Names each part and remembers which partition values it was named for."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._lock = Lock()
        self._count = layout.first
        self.values: dict[str, dict[str, str | None]] = {}

    def provide(self, arguments: Any) -> str:  # noqa: ANN401 - polars' own argument object
        keys = arguments.partition_keys.row(0) if self._layout.partition_by else ()
        values = {column: text(value) for column, value in zip(self._layout.partition_by, keys, strict=True)}
        with self._lock:
            index = self._count
            self._count += 1
            path = self._layout.path(values, index)
            self.values[path] = values
        return path


def text(value: object) -> str | None:
    """Write a partition value as Delta and Hive do (Delta protocol, "Partition Value Serialization")."""
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        from datetime import UTC

        moment = value.astimezone(UTC) if value.tzinfo else value
        return moment.strftime("%Y-%m-%d %H:%M:%S.%f")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def _watched(frame: pl.LazyFrame, progress: Progress | None) -> pl.LazyFrame:
    if progress is None or progress.show is None:
        return frame

    def count(batch: pl.DataFrame) -> pl.DataFrame:
        progress.advance(rows=batch.height)
        return batch

    return frame.map_batches(count, predicate_pushdown=True, projection_pushdown=True, streamable=True)
