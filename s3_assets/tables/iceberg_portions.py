"""Portions of Iceberg tables: data files of manifests, each with the delete files that apply to it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from s3_assets.tables.iceberg_deletes import targets
from s3_assets.tables.iceberg_rows import rows
from s3_assets.tables.iceberg_scan import Scanner
from s3_assets.tables.portions import Portion, TableReference, shared_out

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl
    from pyiceberg.schema import Schema

    from s3_assets.tables.iceberg import IcebergTable
    from s3_assets.tables.iceberg_deletes import Target
    from s3_assets.tables.iceberg_files import Files
    from s3_assets.tables.portions import Cut
    from s3_assets.tables.reading import Reading
    from s3_assets.tables.regions import Region


@dataclass(frozen=True)
class IcebergPortion(Portion):
    """Data files of a snapshot with their deletes, in the columns of a schema."""

    schema: Schema
    targets: tuple[Target, ...]
    window: Region | None

    def read(self, reading: Reading) -> pl.LazyFrame:
        """Return the rows of the files, those of the window; nothing is ever left out of an Iceberg table.

        The table is loaded for the keys that its catalog may lend; which files are read is said already.
        """
        del reading
        table = cast("IcebergTable", self.table.open())
        frame = rows(Scanner(table, table.open()), self.schema, self.targets)
        return frame if self.window is None else frame.filter(self.window.expression())


def cut(table: IcebergTable, schema: Schema, files: Files, window: Region | None) -> Cut:
    """Return what cuts data files of a snapshot."""
    whole = IcebergPortion(TableReference.of(table), 0, 0, schema, (), window)

    def portions(size: int) -> Sequence[Portion]:
        listed = ((each, each.data.file.file_size_in_bytes) for each in targets(files))
        return [
            replace(whole, files=len(group), bytes=bytes_, targets=tuple(group))
            for group, bytes_ in shared_out(listed, size)
        ]

    return portions
