"""Portions of Delta tables: data files by their paths, which are read without the table's log."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from s3_assets.tables.delta_files import scan_files
from s3_assets.tables.portions import Portion, TableReference, shared_out

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import polars as pl
    from deltalake import DeltaTable as Handle

    from s3_assets.tables.delta import DeltaTable
    from s3_assets.tables.portions import Cut
    from s3_assets.tables.reading import Reading
    from s3_assets.tables.regions import Region


@dataclass(frozen=True)
class DeltaPortion(Portion):
    """Data files of one version, that are read as they lie."""

    columns: pl.Schema
    folders: tuple[str, ...]
    """The columns whose values the folders tell."""
    paths: tuple[str, ...]
    window: Region | None

    def read(self, reading: Reading) -> pl.LazyFrame:
        """Return the rows of the files, those of the window; nothing is ever left out of a Delta table."""
        del reading
        table = self.table
        frame = scan_files(table.connection, table.open().location, self.columns, self.folders, self.paths)
        return frame if self.window is None else frame.filter(self.window.expression())


def cut(
    table: DeltaTable,
    handle: Handle,
    columns: pl.Schema,
    files: Iterable[tuple[str, int]],
    window: Region | None,
) -> Cut:
    """Return what cuts data files, each given by its path and its bytes, that are read as they lie."""
    listed = list(files)
    folders = tuple(handle.metadata().partition_columns)
    whole = DeltaPortion(TableReference.of(table), 0, 0, columns, folders, (), window)

    def portions(size: int) -> Sequence[Portion]:
        return [
            replace(whole, files=len(paths), bytes=bytes_, paths=tuple(paths))
            for paths, bytes_ in shared_out(listed, size)
        ]

    return portions
