"""What past commits of an Iceberg table did, as the summaries of its snapshots tell (Iceberg Table Spec)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

from s3_assets.tables.history import OURS, PastCommit
from s3_assets.tables.iceberg_snapshots import lineage, number_of
from s3_assets.tables.table import TableVersion

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyiceberg.table import Table as Handle
    from pyiceberg.table.snapshots import Snapshot

STREAM = "stream."
_MOVES = "replace"


def history(handle: Handle, limit: int) -> list[PastCommit]:
    """Return the newest snapshots of the current lineage, newest first; no request but the table's own."""
    newest = islice(lineage(handle.metadata, handle.current_snapshot()), limit)
    return [_told(handle, snapshot) for snapshot in newest]


def past_commit(handle: Handle, snapshot_id: int) -> PastCommit | None:
    """Return what the commit of that snapshot did, None if it is not kept."""
    snapshot = handle.snapshot_by_id(snapshot_id)
    return _told(handle, snapshot) if snapshot is not None else None


def _told(handle: Handle, snapshot: Snapshot) -> PastCommit:
    summary = snapshot.summary.additional_properties if snapshot.summary is not None else {}
    operation = snapshot.summary.operation.value if snapshot.summary is not None else ""
    ours = {key.removeprefix(OURS): value for key, value in summary.items() if key.startswith(OURS)}
    streams = {key.removeprefix(STREAM): value for key, value in ours.items() if key.startswith(STREAM)}
    return PastCommit(
        TableVersion(str(snapshot.snapshot_id), number_of(handle, snapshot)),
        datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=snapshot.timestamp_ms),
        operation,
        # A replacement moves rows to other files, and adds none.
        rows=0 if operation == _MOVES else _count(summary, "added-records"),
        files=_count(summary, "added-data-files"),
        bytes=_count(summary, "added-files-size"),
        removed_files=_count(summary, "deleted-data-files"),
        notes={key: value for key, value in ours.items() if not key.startswith(STREAM)},
        streams={stream: int(number) for stream, number in streams.items()},
    )


def _count(summary: Mapping[str, str], name: str) -> int | None:
    """Return a count; writers leave out those that are 0, and some leave out all."""
    if name in summary:
        return int(summary[name]) if summary[name].isdecimal() else None
    return 0 if "total-records" in summary else None
