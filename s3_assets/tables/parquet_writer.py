"""Writing a folder of Parquet files: staged out of sight, then swapped in, partition by partition.

A folder has no transactions. Parts are staged below `_s3_assets/`, which readers skip; the swap copies them
on the server to names that depend on the partition alone and deletes what else was in the window. A swap that
is cut short is completed by running the same partitions again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from s3_assets.errors import UnsupportedError
from s3_assets.tables.files import hive_folder, inside
from s3_assets.tables.partitioning import label_bounds, label_column, label_of
from s3_assets.tables.parts import Layout
from s3_assets.tables.table import Commit, TableVersion, WriteMode, Writer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

    from s3_assets.tables.files import Folder
    from s3_assets.tables.parquet import ParquetTable
    from s3_assets.tables.partitioning import Bounds
    from s3_assets.tables.parts import AuditedPart

STAGING = "_s3_assets/staging/"


class ParquetWriter(Writer):
    """One write into a folder."""

    keeps_schema: ClassVar[bool] = False

    def __init__(self, table: ParquetTable, folder: Folder) -> None:
        self.table = table
        # Whatever readers take for the folder: nothing but the folder itself is ever written or cleared.
        self._folder = replace(folder, exactly=True)
        self.schema = _known_schema(table)
        self.partition_by: tuple[str, ...] = table.settings.partition_by or ()

    def committed(self, stream: str) -> int | None:
        """A folder keeps no cursors."""
        del stream
        return None

    def add_columns(self, columns: Mapping[str, pl.DataType]) -> None:
        """Do nothing: each file carries its own columns."""

    def arrange(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Choose the folders: the partition column, or for a timestamp its hour or day."""
        import polars as pl

        partitions = self.table.settings.partitions
        if self.partition_by or partitions is None:
            return frame
        schema = frame.collect_schema()
        dtype = schema.get(partitions.column)
        if not isinstance(dtype, pl.Datetime):
            self.partition_by = (partitions.column,)
            return frame
        _, step, text = label_of(partitions.every)
        value = pl.col(partitions.column)
        if dtype.time_zone is None:
            value = value.dt.truncate(step)
        else:
            value = (
                value.dt.convert_time_zone(partitions.timezone).dt.truncate(step).dt.convert_time_zone("UTC")
            )
        self.partition_by = (label_column(partitions),)
        return frame.with_columns(value.dt.strftime(text).alias(label_column(partitions)))

    def layout(self, attempt: int) -> Layout:
        """Parts go to a staging folder of this attempt."""
        return Layout(self.table.location.folder(f"{STAGING}{attempt}/"), self.partition_by, attempt)

    def publish(
        self,
        parts: Sequence[AuditedPart],
        mode: WriteMode,
        *,
        window: Bounds | None,
        stamps: Mapping[str, int],
        notes: Mapping[str, str],
    ) -> Commit:
        """Swap the parts in; streams with a cursor need a table with transactions."""
        del notes
        self._refuse_append(mode)
        objects = self._folder.objects
        root = self.table.location.key
        replaced = self._replaced(window)
        moves = self._moves(parts, stamps)
        objects.copy(moves)
        surplus = set(replaced) - {target for _, target in moves}
        objects.delete(sorted(surplus))
        objects.delete(
            item.key
            for item in list(objects.list_objects(root + STAGING))
            if item.key in {move[0] for move in moves}
        )
        return Commit(
            TableVersion(str(max(stamps.values(), default=0))),
            sum(part.part.rows for part in parts),
            sum(part.part.bytes for part in parts),
            len(parts),
            removed_files=len(surplus),
        )

    def refuse(self, mode: WriteMode, window: Bounds | None) -> None:
        """Refuse appends, and files of which it cannot be told whether they are in the window."""
        self._refuse_append(mode)
        if window is not None:
            self._replaced(window)

    def _refuse_append(self, mode: WriteMode) -> None:
        if mode is WriteMode.APPEND:
            raise UnsupportedError(
                "rows cannot be appended to a plain folder exactly once",
                remedy="Write whole partitions, or choose format: delta for this table.",
                table=self.table.name,
            )

    def _replaced(self, window: Bounds | None) -> list[str]:
        keys = self._folder.list_files()["key"]
        return [key for key in keys if window is None or self._in_window(key, window)]

    def _moves(self, parts: Sequence[AuditedPart], stamps: Mapping[str, int]) -> list[tuple[str, str]]:
        attempt = max(stamps.values())
        staged = f"{self.table.location.key}{STAGING}{attempt}/"
        moves, counts = [], dict[str, int]()
        for part in sorted(parts, key=lambda each: each.part.path):
            folder = part.part.path.rpartition("/")[0]
            index = counts.get(folder, 0)
            counts[folder] = index + 1
            name = f"{folder}/part-{index:05d}.parquet" if folder else f"part-{index:05d}.parquet"
            moves.append((staged + part.part.path, self.table.location.key + name))
        return moves

    def _in_window(self, key: str, window: Bounds) -> bool:
        import polars as pl

        partitions = self.table.settings.partitions
        label = label_column(partitions) if partitions else None
        for segment in key.removeprefix(self.table.location.key).split("/")[:-1]:
            column, value = hive_folder(segment)
            if column == window.column:
                dtype = self.schema.get(window.column) or pl.String()
                return value is not None and inside(value, window, dtype)
            if column is not None and column == label and value is not None:
                return inside(value, label_bounds(window, label), pl.String())
        raise UnsupportedError(
            f"the file {key} lies in no folder of the partition column '{window.column}', "
            "so it cannot be told whether it holds rows of this window",
            remedy=f"Move it into a folder such as {window.column}=…/, or choose format: delta.",
            table=self.table.name,
        )


def _known_schema(table: ParquetTable) -> pl.Schema:
    """The declared columns, or the types of the folders that are there; empty for a new folder."""
    import polars as pl

    from s3_assets.tables.files import hive_columns

    if table.settings.columns is not None:
        return table.schema()
    found, _ = table.folder.objects.list_folders(table.location.key)
    return pl.Schema(hive_columns([f"{folder}x" for folder in found], table.location.key))
