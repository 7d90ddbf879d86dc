"""Which snapshots after a cursor added rows and nothing else (Iceberg Table Spec, "Snapshots").

PyIceberg's and Polars' own incremental scans read the appends of a range, and pass over its overwrites and
deletes without a word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.errors import CursorError, HistoryLostError, S3AssetsError, SourceRewrittenError
from s3_assets.tables.iceberg_snapshots import kept, lineage, table_id
from s3_assets.tables.positions import VersionPosition

if TYPE_CHECKING:
    from pyiceberg.table import Table as Handle
    from pyiceberg.table.snapshots import Snapshot

    from s3_assets.tables.positions import Position

# What a summary counts where rows were taken out, one way or the other.
_TAKEN_OUT = ("deleted-data-files", "deleted-records", "added-delete-files", "removed-delete-files")


def start_of(handle: Handle, since: Position) -> int:
    """Return the snapshot that was read before.

    Raises `SourceRewrittenError` if that was one of another table, which had this one's name.
    """
    if not isinstance(since, VersionPosition):
        raise CursorError(
            "the cursor counts files, and this source counts versions",
            remedy="Give the import another name, or reset its cursor.",
        )
    if since.table_id != table_id(handle):
        raise SourceRewrittenError(
            f"the table was dropped and made anew: the cursor stands at snapshot {since.version} of "
            f"{since.table_id}, and the table is {table_id(handle)} now",
            remedy="Reset the cursor to read the new table from its beginning.",
        )
    return since.version


def appends(handle: Handle, after: int) -> tuple[list[Snapshot], tuple[str, ...]]:
    """Return the snapshots after that one that added rows, oldest first, and notes on those passed over.

    Compaction changes no row and is passed over. Raises `SourceRewrittenError` that names the first snapshot
    that took rows out, or if the table was set back to before `after`, and `HistoryLostError` if snapshots in
    between have expired.
    """
    from pyiceberg.table.snapshots import Operation

    found: list[Snapshot] = []
    notes: list[str] = []
    for snapshot in reversed(_since(handle, after)):
        operation = snapshot.summary.operation if snapshot.summary is not None else None
        if operation is Operation.REPLACE:
            notes.append(f"snapshot {snapshot.snapshot_id} ({operation.value}) only rewrote files")
        elif operation is Operation.APPEND or _only_adds(handle, snapshot):
            found.append(snapshot)
        else:
            kind = operation.value if operation else "of unknown operation"
            raise SourceRewrittenError(
                f"snapshot {snapshot.snapshot_id} ({kind}) replaced or deleted rows that may have been "
                "read before, so that added rows cannot be told from old ones",
                remedy="Read this table with read_mode: current, or reset the cursor.",
            )
    return found, tuple(notes)


def _since(handle: Handle, after: int) -> list[Snapshot]:
    """Return the snapshots after that one up to the current one, newest first."""
    between: list[Snapshot] = []
    for snapshot in lineage(handle.metadata, handle.current_snapshot()):
        if snapshot.snapshot_id == after:
            return between
        between.append(snapshot)
        if snapshot.parent_snapshot_id == after:
            # It has expired itself, and all that came after is kept.
            return between
    raise _no_way_back(handle, after, between)


def _no_way_back(handle: Handle, after: int, between: list[Snapshot]) -> S3AssetsError:
    if handle.snapshot_by_id(after) is not None:
        return SourceRewrittenError(
            f"the table was set back: the cursor stands at snapshot {after}, which is not an ancestor of the "
            f"current one, {between[0].snapshot_id if between else 'none'}",
            remedy="Read this table with read_mode: current, or reset the cursor.",
        )
    oldest = f" and {between[-1].snapshot_id}" if between else ""
    return HistoryLostError(
        f"the snapshots between {after}, where the cursor stands,{oldest} have expired; {kept(handle)}",
        remedy="Let snapshots expire later (history.expire.max-snapshot-age-ms), and reset the cursor to "
        "start anew.",
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
