"""One write into an Iceberg table: parts taken in by one snapshot that carries the cursors of its streams.

A stream's number stands in the snapshot's summary and, since snapshots expire, in a table property that the
same commit sets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from s3_assets.errors import CursorError, ServerFailureError, UnsupportedError
from s3_assets.tables.catalogs.failures import catalog_errors
from s3_assets.tables.iceberg_carrying import carry
from s3_assets.tables.iceberg_commit import Committer
from s3_assets.tables.iceberg_evolution import change, wider
from s3_assets.tables.iceberg_merge import Holders, holders
from s3_assets.tables.iceberg_parts import IcebergLayout, PartitionFields, data_files, refuse_nulls
from s3_assets.tables.iceberg_snapshots import lineage, number_of, version_of
from s3_assets.tables.iceberg_types import from_iceberg
from s3_assets.tables.iceberg_windows import touched
from s3_assets.tables.table import Carried, Commit, Merging, TableVersion, WriteMode, Writer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager

    import polars as pl
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table as Handle
    from pyiceberg.table.snapshots import Snapshot

    from s3_assets.tables.iceberg import IcebergTable
    from s3_assets.tables.parts import AuditedPart, Beside
    from s3_assets.tables.regions import Region

_OURS = "s3_assets."
_STREAM = f"{_OURS}stream."
_WRITTEN_VERSIONS = (1, 2)


class IcebergWriter(Writer):
    """A handle that pins the snapshot from which the cursors were read; the commit goes through it."""

    merges: ClassVar[Merging | None] = Merging.PARTS

    def __init__(self, table: IcebergTable, handle: Handle) -> None:
        self.table = table
        self._iceberg = table
        self._handle = handle
        self._committer = Committer(table, handle)
        self._lineage = tuple(lineage(handle.metadata, handle.current_snapshot()))
        self._fields = PartitionFields(handle.spec(), handle.schema(), table.name)
        self._removed: tuple[DataFile, ...] | None = None
        self._held: tuple[pl.DataFrame, Holders] | None = None
        self.pinned = number_of(handle, handle.current_snapshot())
        self.schema = from_iceberg(handle.schema(), table.name)
        self.partition_by = tuple(str(field) for field in handle.spec().fields)

    @property
    def shape(self) -> object:
        """Columns with their ids, and partition fields: parts are written for exactly these."""
        return self._handle.schema(), self._handle.spec()

    @property
    def version(self) -> TableVersion:
        """The pinned snapshot."""
        return version_of(self._handle)

    @property
    def _complete(self) -> bool:
        """Whether the lineage is known from the table's first snapshot on.

        That it has no parent does not tell: PyIceberg takes out the id of a parent that it lets expire.
        """
        return not self._lineage or self._lineage[-1].sequence_number == 1

    def committed(self, stream: str) -> int | None:
        """Return the number of the stream's last commit in the pinned lineage.

        Raises `CursorError` if the table was rolled back behind that commit, and the one before is forgotten.
        """
        key = _STREAM + stream
        for snapshot in self._lineage:
            if (number := _summary(snapshot).get(key)) is not None:
                return int(number)
        number = self._handle.properties.get(key)
        if number is None or self._complete:
            # A table that was rolled back has the property of a commit that it no longer has.
            return None
        if any(_summary(snapshot).get(key) == number for snapshot in self._handle.snapshots()):
            raise CursorError(
                f"the table was rolled back behind the last commit of the stream '{stream}', and the "
                "snapshot of the one before it is expired",
                remedy="Replace the table's rows by an import that starts anew.",
                table=self._iceberg.name,
                connection=self._iceberg.connection.name,
                location=self._iceberg.location.url,
            )
        return int(number)

    def commits_since(self, version: int) -> list[Mapping[str, str]] | None:
        """Return the notes of the commits after `version` up to the pinned one, newest first."""
        if self.pinned < version:
            return None
        found: list[Mapping[str, str]] = []
        for index, snapshot in enumerate(self._lineage):
            # In version 1 of the format the lineage's length counts, in version 2 the commits are numbered.
            number = snapshot.sequence_number or len(self._lineage) - index
            if number <= version:
                return found
            found.append(_notes(snapshot, number))
        return found if self._complete or self._lineage[-1].sequence_number == version + 1 else None

    def live(self) -> frozenset[str]:
        """Return the paths of the live files that lie below the table."""
        with self._errors():
            files = touched(self._handle, None).whole
        root = self._iceberg.location
        places = (file.file_path.partition("://")[2] for file in files)
        return frozenset(place.removeprefix(f"{root.bucket}/{root.key}") for place in places)

    def widened(self, columns: pl.Schema) -> Mapping[str, pl.DataType]:
        """Return the columns whose type has to become wider for these rows, where Iceberg lets it."""
        return wider(self.schema, columns, self._iceberg.name)

    def add_columns(self, columns: Mapping[str, pl.DataType]) -> None:
        """Add nullable columns, and give those that are there their new types."""
        with self._errors():
            transaction = self._committer.transaction()
            change(transaction, self.schema, columns, self._iceberg.name)
            transaction.commit_transaction()

    def refuse(self, mode: WriteMode, window: Region | None) -> None:
        """Refuse versions of the format in which deletions are recorded in a way that is not written here."""
        del mode, window
        version = self._handle.metadata.format_version
        if version not in _WRITTEN_VERSIONS:
            raise UnsupportedError(
                f"the table has Iceberg's format version {version}, and 1 and 2 can be written",
                remedy="Write it with the software that made it.",
                table=self._iceberg.name,
                connection=self._iceberg.connection.name,
            )

    def arrange(self, columns: pl.Schema) -> Beside:
        """Return the partition of each row."""
        del columns
        return self._fields

    def layout(self, attempt: int) -> IcebergLayout:
        """Parts lie among the table's data; until the commit no manifest names them."""
        return IcebergLayout.of(self._handle, self._fields, attempt)

    def inspect(self, parts: Sequence[AuditedPart]) -> None:
        """Raise `RowsRefusedError` for a null where the table demands a value."""
        for part in parts:
            refuse_nulls(part, self._handle.schema(), self._iceberg.name)

    def carried(self, window: Region | None) -> Carried | None:
        """Return the rows outside the window of the files that it cuts, without those that were deleted."""
        if window is None:
            return None
        with self._errors():
            self._removed, carried = carry(self._iceberg, self._handle, window)
        return carried

    def held(self, touched: pl.DataFrame) -> pl.DataFrame:
        """Return those of the keys that the pinned snapshot has rows of, with their number."""
        return self._holders(touched).held

    def beside(self, touched: pl.DataFrame) -> Carried | None:
        """Return the rows of other keys of the files that hold rows of these."""
        found = self._holders(touched)
        self._removed = found.removed
        return found.carried

    def _holders(self, touched: pl.DataFrame) -> Holders:
        if self._held is None or self._held[0] is not touched:
            with self._errors():
                self._held = touched, holders(self._iceberg, self._handle, self.schema, touched)
        return self._held[1]

    def publish(
        self,
        parts: Sequence[AuditedPart],
        mode: WriteMode,
        *,
        window: Region | None,
        stamps: Mapping[str, int],
        notes: Mapping[str, str],
    ) -> Commit:
        """Commit the parts through the pinned handle.

        An overwrite names the files that it takes out, so that it holds for the pinned snapshot alone.
        """
        with self._errors():
            removed = self._replaced(mode, window)
            adds = data_files(parts, self.layout(max(stamps.values())), self._handle)
        streams = {f"{_STREAM}{stream}": str(number) for stream, number in stamps.items()}
        told = {f"{_OURS}{key}": value for key, value in notes.items()}
        attempt = {f"{_OURS}attempt": str(max(stamps.values()))}
        snapshot = self._committer.snapshot(adds, removed, {**told, **attempt, **streams}, streams)
        return Commit(
            TableVersion(str(snapshot.snapshot_id), snapshot.sequence_number or self.pinned + 1),
            sum(each.part.rows for each in parts),
            sum(each.part.bytes for each in parts),
            len(parts),
            removed_files=len(removed),
        )

    def abandon(self) -> None:
        """Delete the manifests of a commit that surely failed."""
        self._committer.abandon()

    def _replaced(self, mode: WriteMode, window: Region | None) -> tuple[DataFile, ...]:
        if mode is WriteMode.APPEND:
            return ()
        if mode is not WriteMode.MERGE and window is None:
            return touched(self._handle, None).whole
        if self._removed is None:
            raise ServerFailureError("rows were to be replaced before their files were looked at")
        return self._removed

    def _errors(self) -> AbstractContextManager[None]:
        return catalog_errors(self._iceberg.connection, self._iceberg.name, self._handle.location())


def _summary(snapshot: Snapshot) -> dict[str, str]:
    return snapshot.summary.additional_properties if snapshot.summary else {}


def _notes(snapshot: Snapshot, number: int) -> dict[str, str]:
    ours = {
        key.removeprefix(_OURS): value for key, value in _summary(snapshot).items() if key.startswith(_OURS)
    }
    return {**ours, "version": str(snapshot.snapshot_id), "number": str(number)}
