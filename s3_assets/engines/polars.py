"""Polars on one machine: the frame streams into Parquet parts, in bounded memory."""

from __future__ import annotations

from datetime import date, datetime
from threading import Lock
from typing import TYPE_CHECKING, Any

from s3_assets.connection.adapters import polars as adapter
from s3_assets.connection.diagnosis import diagnosed
from s3_assets.tables.parts import Layout, Part

if TYPE_CHECKING:
    import polars as pl

    from s3_assets.connection.settings import S3Connection
    from s3_assets.progress import Progress

# In memory, before compression: small enough that several open files fit, large enough to scan well.
_PART_BYTES = 512 * 1024 * 1024


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
    with diagnosed(connection, layout.root.url, OSError):
        _watched(frame, progress).sink_parquet(
            target,
            compression="zstd",
            compression_level=1,
            statistics=True,
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


class _Names:
    """Names each part and remembers which partition values it was named for."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._lock = Lock()
        self._count = 0
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
