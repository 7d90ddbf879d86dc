"""Writing a folder of data files of any format: staged out of sight, committed by a log, given their names.

A folder has no transactions of its own: the log beside it (`folder_log`) makes them. Parts are staged below
`_s3_assets/` under names that no reader takes for data; one entry of the log commits them together with the
cursors; then they are copied on the server to the names that readers see, and what they replace is deleted
(`folder_swap`). Whoever opens the folder for a write finishes what another left unfinished: no reader ever
sees a row that is not committed, and all see every committed row once the next write begins, at the latest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from s3_assets.errors import SchemaMismatchError
from s3_assets.tables import folder_log, folder_swap
from s3_assets.tables.conditional_puts import require_conditional_puts
from s3_assets.tables.folder_log import STAGING, Entry, FolderLog
from s3_assets.tables.folder_replaced import replaced
from s3_assets.tables.partitioning import label_column, label_of
from s3_assets.tables.parts import Expressions, Layout
from s3_assets.tables.schemas import fit
from s3_assets.tables.table import Commit, TableVersion, WriteMode, Writer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

    from s3_assets.tables.encoding import Encoding
    from s3_assets.tables.folder_table import FolderTable
    from s3_assets.tables.parts import AuditedPart, Beside
    from s3_assets.tables.regions import Region
    from s3_assets.tables.settings import FolderSettings


@dataclass(frozen=True)
class StagedLayout(Layout):
    """Parts with names that do not end as data does: not even a reader of `**/*.parquet` takes them."""

    @property
    def suffix(self) -> str:
        """How the names of the parts end."""
        return f"{self.data_suffix}.staged"

    @property
    def data_suffix(self) -> str:
        """How the names of the files end that they become."""
        return super().suffix


class FolderWriter(Writer):
    """One write into a folder; without an encoding its files are Parquet."""

    table: FolderTable[Any]
    keeps_schema: ClassVar[bool] = False

    def __init__(self, table: FolderTable[Any], encoding: Encoding | None = None) -> None:
        import polars as pl

        self.table = table
        self._encoding = encoding
        # Whatever readers take for the folder: nothing but the folder itself is ever written or cleared.
        self._folder = table.folder_to_write()
        self._log = FolderLog(self._folder.objects, table.location)
        self._head = self._log.head()
        self.pinned = self._head.number
        if self._head.entry is not None and not self._head.done:
            folder_swap.carry_out(self._log, self._head.number, self._head.entry)
        self.schema = table.schema() if table.settings.columns is not None else pl.Schema()
        self.partition_by: tuple[str, ...] = table.settings.partition_by or ()

    def committed(self, stream: str) -> int | None:
        """Return what the newest entry of the log says of the stream."""
        return self._head.committed(stream)

    def commits_since(self, version: int) -> list[Mapping[str, str]] | None:
        """Return the notes of the entries after `version` up to the pinned one, newest first."""
        if version >= self.pinned:
            return []
        if version + 1 < self._head.oldest:
            return None
        notes: list[Mapping[str, str]] = []
        for number in range(self.pinned, version, -1):
            entry = self._head.entry if number == self.pinned else self._log.entry(number)
            if entry is None:
                return None
            notes.append({**entry.notes, "attempt": str(entry.attempt), "version": str(number)})
        return notes

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

    def arrange(self, columns: pl.Schema) -> Beside:
        """Choose the folders: the partition column, or for a timestamp its hour or day."""
        import polars as pl

        partitions = self.table.settings.partitions
        self.partition_by = folder_columns(self.table.settings, columns)
        if self.table.settings.partition_by or partitions is None or partitions.column in self.partition_by:
            return Expressions()
        _, step, text = label_of(partitions.every)
        value = pl.col(partitions.column)
        if columns[partitions.column].time_zone is None:  # type: ignore[attr-defined]  # a timestamp's
            value = value.dt.truncate(step)
        else:
            value = (
                value.dt.convert_time_zone(partitions.timezone).dt.truncate(step).dt.convert_time_zone("UTC")
            )
        self.partition_by = (label_column(partitions), *self.partition_by)
        return Expressions((value.dt.strftime(text).alias(label_column(partitions)),))

    def layout(self, attempt: int) -> StagedLayout:
        """Parts go to a staging folder of this attempt."""
        staging = self.table.location.folder(f"{STAGING}{attempt}/")
        return StagedLayout(staging, self.partition_by, attempt, encoding=self._encoding)

    def publish(
        self,
        parts: Sequence[AuditedPart],
        mode: WriteMode,
        *,
        window: Region | None,
        stamps: Mapping[str, int],
        notes: Mapping[str, str],
    ) -> Commit:
        """Commit the parts by an entry of the log, and carry it out.

        The files that an overwrite takes out are those of now: whatever is committed through the log since
        the folder was opened makes this commit fail.
        """
        attempt = max(stamps.values())
        moves, removals = folder_swap.place(
            parts, attempt, self.layout(attempt).data_suffix, self._replaced(mode, window)
        )
        entry = Entry(
            str(mode),
            attempt,
            self._head.oldest_of_next(),
            f"{STAGING}{attempt}/",
            moves,
            removals,
            {**(self._head.entry.stamps if self._head.entry else {}), **stamps},
            dict(notes),
        )
        number = self.pinned + 1
        self._require_conditional_puts()
        self._log.commit(number, entry)
        folder_swap.carry_out(self._log, number, entry)
        self._folder.objects.delete(self._head.surplus)
        return Commit(
            TableVersion(str(number), number),
            sum(part.part.rows for part in parts),
            sum(part.part.bytes for part in parts),
            len(parts),
            removed_files=len(removals),
        )

    def refuse(self, mode: WriteMode, window: Region | None) -> None:
        """Refuse servers that no commit can rest on, and files of which nobody can tell what is in them.

        That is whether they belong to what an overwrite replaces.
        """
        if window is not None:
            self._replaced(mode, window)
        self._require_conditional_puts()

    def _require_conditional_puts(self) -> None:
        require_conditional_puts(self.table.connection, self.table.location.key + folder_log.FOLDER)

    def _replaced(self, mode: WriteMode, window: Region | None) -> list[str]:
        return [] if mode is WriteMode.APPEND else replaced(self.table, self._folder, window)


def folder_columns(settings: FolderSettings, schema: Mapping[str, pl.DataType]) -> tuple[str, ...]:
    """Return those columns of the rows that are in no file: the folders' names carry them."""
    import polars as pl

    partitions = settings.partitions
    if settings.partition_by:
        return settings.partition_by
    if partitions is None or isinstance(schema.get(partitions.column), pl.Datetime):
        # The folders of a timestamp are its hours or days.
        return settings.key_columns
    return (partitions.column, *settings.key_columns)
