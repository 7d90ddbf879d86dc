"""Portions of folders of data files: some of the files that a plan has chosen, in its columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from s3_assets.tables.portions import Portion, TableReference, shared_out

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

    from s3_assets.tables.folder_table import FolderTable
    from s3_assets.tables.inference import Inferred
    from s3_assets.tables.portions import Cut
    from s3_assets.tables.reading import Reading
    from s3_assets.tables.regions import Region
    from s3_assets.tables.settings import FolderSettings


@dataclass(frozen=True)
class FolderPortion(Portion):
    """Files of a listing, and what was inferred of all that the plan reads."""

    chosen: pl.DataFrame
    inferred: Inferred
    hive: Mapping[str, pl.DataType]
    window: Region | None

    def read(self, reading: Reading) -> pl.LazyFrame:
        """Return the rows of the files, those of the window."""
        import polars as pl

        table = cast("FolderTable[FolderSettings]", self.table.open())
        frame = table.scan_inferred(self.chosen, self.inferred, pl.Schema(self.hive), reading)
        return frame if self.window is None else frame.filter(self.window.expression())


def cut(
    table: FolderTable[Any],
    chosen: pl.DataFrame,
    inferred: Inferred,
    hive: pl.Schema,
    window: Region | None,
) -> Cut:
    """Return what cuts the chosen files of a listing."""
    reference = TableReference.of(table)

    def portions(size: int) -> Sequence[Portion]:
        groups = shared_out(enumerate(chosen["size"].to_list()), size)
        found = []
        for indices, bytes_ in groups:
            own = chosen.slice(indices[0], len(indices))
            keys = set(own["key"])
            known = inferred._replace(
                files=tuple(key for key in inferred.files if key in keys), told_by=dict(inferred.told_by)
            )
            found.append(FolderPortion(reference, own.height, bytes_, own, known, dict(hive), window))
        return found

    return portions
