"""Which spans of time an Iceberg table's snapshots changed (Iceberg Table Spec, "Manifests").

By the partition tuples of the files that they added and took out, else by the bounds of the column in each.
A replacement (compaction) moves rows to other files and changed none.
"""

from __future__ import annotations

import struct
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from s3_assets.tables.iceberg_snapshots import NO_SNAPSHOT, lineage, position_of
from s3_assets.tables.iceberg_types import from_iceberg
from s3_assets.tables.positions import VersionPosition
from s3_assets.tables.touched import Placing
from s3_assets.threads import ThreadPoolExecutor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pyiceberg.manifest import DataFile, ManifestEntry, ManifestFile
    from pyiceberg.partitioning import PartitionField
    from pyiceberg.table import Table as Handle
    from pyiceberg.table.snapshots import Snapshot

    from s3_assets.tables.iceberg import IcebergTable
    from s3_assets.tables.partitioning import Bound
    from s3_assets.tables.positions import Position
    from s3_assets.tables.touched import DigestsPosition, Touched

_AT_ONCE = 16
_EPOCH = datetime.fromtimestamp(0, UTC)
_EPOCH_YEAR = 1970
_MONTHS = 12
_MOMENT = timedelta(microseconds=1)
# The finest first.
_TRANSFORMS = ("identity", "hour", "day", "month", "year")


def touched(table: IcebergTable, handle: Handle, since: Position | DigestsPosition | None) -> Touched:
    """Tell what the snapshots after `since` changed: their own manifests are read, and nothing else."""
    current = handle.current_snapshot()
    placing = Placing(table, from_iceberg(handle.schema(), table.name))
    until = position_of(handle, current)
    files = _Files(handle, placing)
    before = since if isinstance(since, VersionPosition) and since.table_id == until.table_id else None
    if since is not None and before is None:
        placing.untold("the table was dropped and made anew")
    snapshots, whole = _behind(handle, current, before)
    if before is not None and not whole:
        placing.untold(f"the snapshots behind {before.version} have expired, or the table was set back")
    if current is not None and (before is None or not whole):
        files.touch(files.present(current), str(current.snapshot_id))
        return placing.found(until, 1)
    changes = 0
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        # Oldest first, so that of two changes of a span the later one counts.
        for snapshot, found in zip(
            reversed(snapshots), pool.map(files.changed, reversed(snapshots)), strict=True
        ):
            files.touch(found, str(snapshot.snapshot_id))
            changes += bool(found)
    return placing.found(until, changes)


def _behind(
    handle: Handle, current: Snapshot | None, before: VersionPosition | None
) -> tuple[list[Snapshot], bool]:
    """Return the snapshots behind a position, newest first, and whether these are all."""
    found: list[Snapshot] = []
    if before is None:
        return found, False
    for snapshot in lineage(handle.metadata, current):
        if snapshot.snapshot_id == before.version:
            # Of a snapshot that was read in part, the rest is yet to come.
            return ([*found, snapshot] if before.partly is not None else found), True
        found.append(snapshot)
        if snapshot.parent_snapshot_id == before.version and before.partly is None:
            return found, True
    began = not found or found[-1].parent_snapshot_id is None
    return found, before.version == NO_SNAPSHOT and began


class _Found(NamedTuple):
    """A file, and the smallest and largest value in it: none if all are nulls, None if it is not told."""

    path: str
    values: tuple[()] | tuple[Bound, Bound] | None


class _Files:
    """Reads manifests, and places the files that they tell of."""

    def __init__(self, handle: Handle, placing: Placing) -> None:
        self._handle = handle
        self._placing = placing
        field = handle.schema().find_field(placing.column)
        self._id = field.field_id
        self._kind: Any = field.field_type

    def present(self, snapshot: Snapshot) -> list[_Found]:
        """Return the live files of a snapshot, deletions among them."""
        from pyiceberg.manifest import ManifestEntryStatus

        manifests = snapshot.manifests(self._handle.io)
        return self._read(manifests, lambda entry: entry.status != ManifestEntryStatus.DELETED)

    def changed(self, snapshot: Snapshot) -> list[_Found]:
        """Return the files that a snapshot added and took out because rows changed."""
        from pyiceberg.manifest import ManifestEntryStatus
        from pyiceberg.table.snapshots import Operation

        if snapshot.summary is not None and snapshot.summary.operation is Operation.REPLACE:
            return []
        number = snapshot.snapshot_id
        own = [each for each in snapshot.manifests(self._handle.io) if each.added_snapshot_id == number]
        return self._read(
            own, lambda entry: entry.status != ManifestEntryStatus.EXISTING and entry.snapshot_id == number
        )

    def touch(self, found: Iterable[_Found], token: str) -> None:
        """Touch what files have rows of."""
        for each in found:
            if each.values is None:
                self._placing.touch(None, None, token, where=f"the manifest entry of {each.path}")
            elif each.values:
                self._placing.touch(*each.values, token, where=each.path)

    def _read(self, manifests: Iterable[ManifestFile], keep: Callable[[ManifestEntry], bool]) -> list[_Found]:
        from pyiceberg.manifest import ManifestContent

        found = []
        for manifest in manifests:
            for entry in manifest.fetch_manifest_entry(self._handle.io, discard_deleted=False):
                if not keep(entry):
                    continue
                file = entry.data_file
                file.spec_id = manifest.partition_spec_id
                values = self._by_partition(file)
                if values is None and manifest.content == ManifestContent.DATA:
                    values = self._by_bounds(file)
                found.append(_Found(file.file_path, values))
        return found

    def _by_partition(self, file: DataFile) -> tuple[()] | tuple[Bound, Bound] | None:
        """Return the smallest and largest value that the file's partition leaves room for; None if any."""
        spec = self._handle.specs()[file.spec_id]
        for index, field in self._fields(spec.fields):
            value = file.partition[index]
            if value is None:
                return ()
            return self._span(str(field.transform), value)
        return None

    def _fields(self, fields: tuple[PartitionField, ...]) -> Iterator[tuple[int, PartitionField]]:
        """Yield the fields that tell spans of the column, the finest first."""
        own = [
            (index, field)
            for index, field in enumerate(fields)
            if field.source_id == self._id and str(field.transform) in _TRANSFORMS
        ]
        yield from sorted(own, key=lambda each: _TRANSFORMS.index(str(each[1].transform)))

    def _span(self, transform: str, value: Any) -> tuple[Bound, Bound]:  # noqa: ANN401 - a partition value
        """Return the smallest and largest value of the column in a partition."""
        if transform == "identity":
            plain = self._plain(value)
            return plain, plain
        low, high = _start(transform, value), _start(transform, value, 1)
        return self._as_column(low), self._as_column(high - _MOMENT)

    def _by_bounds(self, file: DataFile) -> tuple[()] | tuple[Bound, Bound] | None:
        from pyiceberg.conversions import from_bytes

        if (file.null_value_counts or {}).get(self._id) == file.record_count:
            return ()
        low, high = ((each or {}).get(self._id) for each in (file.lower_bounds, file.upper_bounds))
        if low is None or high is None:
            return None
        try:
            return self._plain(from_bytes(self._kind, low)), self._plain(from_bytes(self._kind, high))
        except (struct.error, ValueError):
            # Written when the column had another type.
            return None

    def _plain(self, value: Any) -> Bound:  # noqa: ANN401 - as manifests hold it
        """Return a value as the column has it: manifests count days and microseconds."""
        from pyiceberg.types import DateType, TimestampType, TimestamptzType

        if isinstance(value, int) and isinstance(self._kind, DateType):
            return (_EPOCH + timedelta(days=value)).date()
        if isinstance(value, int) and isinstance(self._kind, TimestampType | TimestamptzType):
            return self._as_column(_EPOCH + timedelta(microseconds=value))
        found: Bound = value
        return found

    def _as_column(self, moment: datetime) -> Bound:
        from pyiceberg.types import DateType, TimestamptzType

        if isinstance(self._kind, DateType):
            return moment.date()
        return moment if isinstance(self._kind, TimestamptzType) else moment.replace(tzinfo=None)


def _start(transform: str, value: Any, later: int = 0) -> datetime:  # noqa: ANN401 - int, or a date of day()
    """Return the start of a partition, or of one that comes so many behind it, in UTC."""
    if isinstance(value, date):
        value = (value - _EPOCH.date()).days
    count = value + later
    if transform == "hour":
        return _EPOCH + timedelta(hours=count)
    if transform == "day":
        return _EPOCH + timedelta(days=count)
    years, month = divmod(count, _MONTHS) if transform == "month" else (count, 0)
    return _EPOCH.replace(year=_EPOCH_YEAR + years, month=month + 1)
