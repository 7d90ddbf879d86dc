"""Which snapshots come behind a cursor, and what each did to the rows (Iceberg Table Spec, "Snapshots").

PyIceberg's and Polars' own incremental scans read the appends of a range, and pass over its overwrites and
deletes without a word.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

from s3_assets.errors import CursorError, HistoryLostError, S3AssetsError, TableRewrittenError
from s3_assets.tables.iceberg_snapshots import NO_SNAPSHOT, kept, lineage, table_id
from s3_assets.tables.positions import VersionPosition

if TYPE_CHECKING:
    from pyiceberg.table import Table as Handle
    from pyiceberg.table.snapshots import Snapshot

    from s3_assets.tables.positions import Position

# What a summary counts where rows were taken out, one way or the other.
_TAKEN_OUT = ("deleted-data-files", "deleted-records", "added-delete-files", "removed-delete-files")
GO_ON = "reset the cursor, or set on_gap: full_refresh, to go on from the rows as they are now."


class Effect(Enum):
    """What became of the rows."""

    MOVED = auto()  # to other files: compaction
    ADDED = auto()
    CHANGED = auto()


def start_of(handle: Handle, since: Position) -> VersionPosition:
    """Return the position as one of this table.

    Raises `TableRewrittenError` if it is one of another table, which had this one's name.
    """
    if not isinstance(since, VersionPosition):
        raise CursorError(
            "the cursor counts files, and this source counts versions",
            remedy="Give the import another name, or reset its cursor.",
        )
    if since.table_id != table_id(handle):
        raise TableRewrittenError(
            f"the table was dropped and made anew: the cursor stands at snapshot {since.version} of "
            f"{since.table_id}, and the table is {table_id(handle)} now",
            remedy=f"To read the new table, {GO_ON}",
        )
    return since


def behind(handle: Handle, since: VersionPosition, current: Snapshot | None) -> list[Snapshot]:
    """Return the snapshots up to the current one that were not read whole, oldest first.

    Raises `TableRewrittenError` if the table was set back to before `since`, and `HistoryLostError` if
    snapshots in between, or the one that was read in part, have expired.
    """
    between: list[Snapshot] = []
    for snapshot in lineage(handle.metadata, current):
        if snapshot.snapshot_id == since.version:
            return [*([snapshot] if since.partly else []), *reversed(between)]
        between.append(snapshot)
        if snapshot.parent_snapshot_id == since.version and not since.partly:
            # It has expired itself, and all that came after is kept.
            return between[::-1]
    if since.version == NO_SNAPSHOT and (not between or between[-1].parent_snapshot_id is None):
        return between[::-1]
    raise _no_way_back(handle, since, between)


def effect(handle: Handle, snapshot: Snapshot) -> Effect:
    """Tell what a snapshot did; only where its summary leaves it open its manifests are looked at."""
    from pyiceberg.table.snapshots import Operation

    operation = snapshot.summary.operation if snapshot.summary is not None else None
    if operation is Operation.REPLACE:
        return Effect.MOVED
    if operation is Operation.APPEND or _only_adds(handle, snapshot):
        return Effect.ADDED
    return Effect.CHANGED


def kind_of(snapshot: Snapshot) -> str:
    """Return the snapshot with what its summary calls it, for messages."""
    operation = snapshot.summary.operation.value if snapshot.summary is not None else "of unknown operation"
    return f"snapshot {snapshot.snapshot_id} ({operation})"


def rewritten(snapshot: Snapshot, since: VersionPosition) -> S3AssetsError:
    """Return the error for a snapshot that took rows out, where added rows are asked for."""
    return TableRewrittenError(
        f"{kind_of(snapshot)} replaced or deleted rows that may have been read before, so that added rows "
        f"cannot be told from old ones; the cursor stands at snapshot {since.version}",
        remedy=f"Read this table with read_mode: changes or current; or {GO_ON}",
    )


def expired(handle: Handle, since: VersionPosition) -> S3AssetsError:
    """Return the error for a snapshot that was read in part and is gone."""
    files = since.partly.files if since.partly else 0
    return HistoryLostError(
        f"of snapshot {since.version} {files:,} files were read, and the others cannot be: it has expired; "
        f"{kept(handle)}",
        remedy=f"Let snapshots expire later (history.expire.max-snapshot-age-ms); {GO_ON}",
    )


def _no_way_back(handle: Handle, since: VersionPosition, between: list[Snapshot]) -> S3AssetsError:
    if handle.snapshot_by_id(since.version) is not None:
        return TableRewrittenError(
            f"the table was set back: the cursor stands at snapshot {since.version}, which is not an "
            f"ancestor of the current one, {between[0].snapshot_id if between else 'none'}",
            remedy=f"Read this table with read_mode: current; or {GO_ON}",
        )
    if since.partly:
        return expired(handle, since)
    oldest = f" and {between[-1].snapshot_id}" if between else ""
    return HistoryLostError(
        f"the snapshots between {since.version}, where the cursor stands,{oldest} have expired; "
        f"{kept(handle)}",
        remedy=f"Let snapshots expire later (history.expire.max-snapshot-age-ms); {GO_ON}",
    )


def _only_adds(handle: Handle, snapshot: Snapshot) -> bool:
    """Tell whether an overwrite took nothing out: such as the first write of a partition.

    Both its summary and its manifests have to say so.
    """
    from pyiceberg.manifest import ManifestContent

    summary = snapshot.summary.additional_properties if snapshot.summary is not None else {}
    if any(summary.get(name, "0") != "0" for name in _TAKEN_OUT):
        return False
    own = [
        manifest
        for manifest in snapshot.manifests(handle.io)
        if manifest.added_snapshot_id == snapshot.snapshot_id
    ]
    return all(
        manifest.content == ManifestContent.DATA and manifest.deleted_files_count == 0 for manifest in own
    )
