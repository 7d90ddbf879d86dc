"""Files that a window cuts: the commit that removes them carries their other rows over into new files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.connection.diagnosis import diagnosed
from s3_assets.tables.iceberg_deletes import targets
from s3_assets.tables.iceberg_rows import rows as scanned
from s3_assets.tables.iceberg_scan import Scanner
from s3_assets.tables.iceberg_windows import touched
from s3_assets.tables.table import Carried

if TYPE_CHECKING:
    import polars as pl
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table as Handle

    from s3_assets.tables.iceberg import IcebergTable
    from s3_assets.tables.regions import Region


def carry(table: IcebergTable, handle: Handle, window: Region) -> tuple[tuple[DataFile, ...], Carried | None]:
    """Return the files that an overwrite of the window removes, and those of their rows that are outside.

    A file whose bounds leave room for the window's rows, and that has none, stays as it is. Rows that were
    deleted stay deleted.
    """
    import polars as pl

    found = touched(handle, window)
    removed = list(found.whole)
    frames: list[pl.LazyFrame] = []
    rows = 0
    scanner = Scanner(table, handle)
    for target in targets(found.partly):
        frame = scanned(scanner, handle.schema(), [target])
        outside = window.outside()
        counted = frame.select(pl.len(), outside.sum().alias("others"))
        with diagnosed(table.connection, handle.location(), OSError):
            live, others = counted.collect(engine="streaming").row(0)
        if others == live and live:
            continue
        removed.append(target.data.file)
        if others:
            frames.append(frame.filter(outside))
            rows += others
    return tuple(removed), Carried(tuple(frames), rows) if frames else None
