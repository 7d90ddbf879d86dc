"""Writing a folder of data files of any format: staged out of sight, then swapped in, partition by partition.

A folder has no transactions. Parts are staged below `_s3_assets/`, which readers skip; the swap copies them
on the server to names that depend on the partition alone and deletes what else was in the window. A swap that
is cut short is completed by running the same partitions again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from s3_assets.errors import SchemaMismatchError, UnsupportedError
from s3_assets.tables.files import hive_folder, inside
from s3_assets.tables.partitioning import label_bounds, label_column, label_of
from s3_assets.tables.parts import Layout
from s3_assets.tables.schemas import fit
from s3_assets.tables.table import Commit, TableVersion, WriteMode, Writer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

    from s3_assets.tables.encoding import Encoding
    from s3_assets.tables.folder_table import FolderTable
    from s3_assets.tables.partitioning import Bounds
    from s3_assets.tables.parts import AuditedPart
    from s3_assets.tables.settings import FolderSettings

STAGING = "_s3_assets/staging/"


class FolderWriter(Writer):
    """One write into a folder; without an encoding its files are Parquet."""

    keeps_schema: ClassVar[bool] = False

    def __init__(self, table: FolderTable[Any], encoding: Encoding | None = None) -> None:
        self.table = table
        self._encoding = encoding
        # Whatever readers take for the folder: nothing but the folder itself is ever written or cleared.
        self._folder = table.folder_to_write()
        self.schema = _known_schema(table)
        self.partition_by: tuple[str, ...] = table.settings.partition_by or ()

    def committed(self, stream: str) -> int | None:
        """A folder keeps no cursors."""
        del stream
        return None

    def admit(self, columns: pl.Schema) -> None:
        """Refuse rows that do not fit the columns that are declared, and types that the files cannot hold."""
        declared = self.table.settings.columns
        if declared is not None:
            added = fit(columns, self.schema, self.table.name).added
            if added:
                raise SchemaMismatchError(
                    f"the rows have columns that are not among the table's: {', '.join(added)}",
                    remedy="Drop them, or add them to the columns that are declared.",
                    table=self.table.name,
                )
        if self._encoding is None:
            return
        # Those of the folders are in no file.
        inside = columns.to_frame().drop(folder_columns(self.table.settings, columns)).schema
        if columns and not inside:
            raise SchemaMismatchError(
                "the rows have no columns but those of their folders",
                remedy="Add a column, or choose another partition_by.",
                table=self.table.name,
            )
        try:
            self._encoding.refuse(inside)
        except SchemaMismatchError as error:
            raise error.at(table=self.table.name) from None

    def add_columns(self, columns: Mapping[str, pl.DataType]) -> None:
        """Do nothing: each file carries its own columns."""

    def arrange(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Choose the folders: the partition column, or for a timestamp its hour or day."""
        import polars as pl

        partitions = self.table.settings.partitions
        schema = frame.collect_schema()
        self.partition_by = folder_columns(self.table.settings, schema)
        if self.partition_by or partitions is None:
            return frame
        _, step, text = label_of(partitions.every)
        value = pl.col(partitions.column)
        if schema[partitions.column].time_zone is None:  # type: ignore[attr-defined]  # a timestamp's
            value = value.dt.truncate(step)
        else:
            value = (
                value.dt.convert_time_zone(partitions.timezone).dt.truncate(step).dt.convert_time_zone("UTC")
            )
        self.partition_by = (label_column(partitions),)
        return frame.with_columns(value.dt.strftime(text).alias(label_column(partitions)))

    def layout(self, attempt: int) -> Layout:
        """Parts go to a staging folder of this attempt."""
        staging = self.table.location.folder(f"{STAGING}{attempt}/")
        return Layout(staging, self.partition_by, attempt, encoding=self._encoding)

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
        """Refuse appends, and files of which it cannot be told whether they belong to what is replaced."""
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
        suffix = self.layout(attempt).suffix
        moves, counts = [], dict[str, int]()
        for part in sorted(parts, key=lambda each: each.part.path):
            folder = part.part.path.rpartition("/")[0]
            index = counts.get(folder, 0)
            counts[folder] = index + 1
            name = f"part-{index:05d}{suffix}"
            target = f"{folder}/{name}" if folder else name
            moves.append((staged + part.part.path, self.table.location.key + target))
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


def folder_columns(settings: FolderSettings, schema: Mapping[str, pl.DataType]) -> tuple[str, ...]:
    """Return those columns of the rows that are in no file: the folders' names carry them."""
    import polars as pl

    partitions = settings.partitions
    if settings.partition_by:
        return settings.partition_by
    if partitions is None or isinstance(schema.get(partitions.column), pl.Datetime):
        # The folders of a timestamp are its hours or days.
        return ()
    return (partitions.column,)


def _known_schema(table: FolderTable[Any]) -> pl.Schema:
    """The declared columns, or the types of the folders that are there; empty for a new folder."""
    import polars as pl

    from s3_assets.tables.files import hive_columns

    if table.settings.columns is not None:
        return table.schema()
    found, _ = table.folder.objects.list_folders(table.location.key)
    return pl.Schema(hive_columns([f"{folder}x" for folder in found], table.location.key))
