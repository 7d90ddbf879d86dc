"""What an open Iceberg table tells of its snapshots: the current one, those of the past, how they follow."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from s3_assets.errors import HistoryLostError
from s3_assets.tables.positions import VersionPosition
from s3_assets.tables.table import TableVersion

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyiceberg.schema import Schema
    from pyiceberg.table import Table as Handle
    from pyiceberg.table.metadata import TableMetadata
    from pyiceberg.table.snapshots import Snapshot

NO_SNAPSHOT = 0
"""Stands for the snapshot of a table that never had one; writers draw their ids from positive numbers."""
_MILLISECOND = timedelta(milliseconds=1)


def table_id(handle: Handle) -> str:
    """Return what tells the table from one of the same name before it: its uuid.

    Version 1 of the format leaves the uuid out at will, and PyIceberg makes up another one at each load: the
    location stands for it then.
    """
    metadata = handle.metadata
    if "table_uuid" in metadata.model_fields_set:
        return str(metadata.table_uuid)
    return handle.location()


def position_of(handle: Handle, snapshot: Snapshot | None) -> VersionPosition:
    """Return how far a consumer has come that has read this snapshot."""
    return VersionPosition(snapshot.snapshot_id if snapshot else NO_SNAPSHOT, table_id(handle))


def version_of(handle: Handle) -> TableVersion:
    """Return the current snapshot's id and number."""
    snapshot = handle.current_snapshot()
    return TableVersion(str(snapshot.snapshot_id if snapshot else NO_SNAPSHOT), number_of(handle, snapshot))


def number_of(handle: Handle, snapshot: Snapshot | None) -> int:
    """Return a snapshot's number, 0 for none: its sequence number, in version 1 the length of its lineage."""
    if snapshot is None:
        return 0
    if handle.format_version > 1:
        return snapshot.sequence_number or 0
    return sum(1 for _ in lineage(handle.metadata, snapshot))


def lineage(metadata: TableMetadata, snapshot: Snapshot | None) -> Iterator[Snapshot]:
    """Yield a snapshot and its ancestors as far as they are kept, newest first."""
    known = {each.snapshot_id: each for each in metadata.snapshots}
    while snapshot is not None:
        yield snapshot
        snapshot = known.get(snapshot.parent_snapshot_id) if snapshot.parent_snapshot_id is not None else None


def snapshot_at(handle: Handle, at: int | datetime | None) -> Snapshot | None:
    """Return the snapshot of that id, or the one that was current at that time; None of an empty table.

    A time without a zone is UTC. Raises `HistoryLostError` for an id that is not kept, and for a time before
    the first snapshot that is.
    """
    if at is None:
        return handle.current_snapshot()
    if isinstance(at, datetime):
        return _snapshot_as_of(handle, at if at.tzinfo else at.replace(tzinfo=UTC))
    found = handle.snapshot_by_id(at)
    if found is None:
        raise HistoryLostError(
            f"the table keeps no snapshot {at}; {kept(handle)}",
            remedy="Ask for the id of one that the table still keeps, or for a time.",
        )
    return found


def schema_of(handle: Handle, snapshot: Snapshot | None) -> Schema:
    """Return the columns that the table had at a snapshot; the current ones where it does not tell."""
    if snapshot is None or snapshot.schema_id is None:
        return handle.schema()
    return handle.schemas().get(snapshot.schema_id, handle.schema())


def _snapshot_as_of(handle: Handle, moment: datetime) -> Snapshot:
    # In whole milliseconds, as the log has them: a float of seconds would round.
    milliseconds = (moment - datetime.fromtimestamp(0, UTC)) // _MILLISECOND
    entries = [entry for entry in handle.history() if entry.timestamp_ms <= milliseconds]
    if not entries:
        raise HistoryLostError(
            f"there was no snapshot at {moment.isoformat()}; {kept(handle)}",
            remedy="Ask for a later time.",
        )
    entry = entries[-1]
    found = handle.snapshot_by_id(entry.snapshot_id)
    if found is None:
        raise HistoryLostError(
            f"the snapshot that was current at {moment.isoformat()} has expired: {entry.snapshot_id}; "
            f"{kept(handle)}",
            remedy="Ask for a later time, and let snapshots expire later.",
        )
    return found


def kept(handle: Handle) -> str:
    """Say which snapshots the table keeps, as the part of a sentence."""
    found = sorted(handle.snapshots(), key=lambda snapshot: snapshot.timestamp_ms)
    if not found:
        return "it has none"
    first, last = found[0], found[-1]
    span = f"from {first.snapshot_id} ({_moment(first)}) to {last.snapshot_id} ({_moment(last)})"
    return f"it keeps {len(found)}, {span}"


def _moment(snapshot: Snapshot) -> str:
    return (datetime.fromtimestamp(0, UTC) + snapshot.timestamp_ms * _MILLISECOND).isoformat()
