"""Files that a window cuts: the commit that removes them carries their other rows over into new files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.tables import iceberg_deletes, iceberg_scan
from s3_assets.tables.iceberg_files import Files
from s3_assets.tables.iceberg_windows import touched
from s3_assets.tables.table import Carried

if TYPE_CHECKING:
    import polars as pl
    from pyiceberg.manifest import DataFile, ManifestEntry
    from pyiceberg.table import Table as Handle

    from s3_assets.tables.iceberg import IcebergTable
    from s3_assets.tables.partitioning import Bounds


def carry(table: IcebergTable, handle: Handle, window: Bounds) -> tuple[tuple[DataFile, ...], Carried | None]:
    """Return the files that an overwrite of the window removes, and those of their rows that are outside.

    A file whose bounds leave room for the window's rows, and that has none, stays as it is. Rows that were
    deleted stay deleted.
    """
    import polars as pl

    found = touched(handle, window)
    removed = list(found.whole)
    frames: list[pl.LazyFrame] = []
    rows = 0
    for entry in found.partly.data:
        frame = _rows(table, handle, (entry,), found.partly.deletes)
        outside = ~window.expression().fill_null(value=False)
        live, others = (
            frame.select(pl.len(), outside.sum().alias("others")).collect(engine="streaming").row(0)
        )
        if others == live and live:
            continue
        removed.append(entry.data_file)
        if others:
            frames.append(frame.filter(outside))
            rows += others
    return tuple(removed), Carried(pl.concat(frames), rows) if frames else None


def _rows(
    table: IcebergTable, handle: Handle, data: tuple[ManifestEntry, ...], deletes: tuple[ManifestEntry, ...]
) -> pl.LazyFrame:
    return iceberg_scan.scan(table, handle, handle.schema(), iceberg_deletes.tasks(Files(data, deletes)))
