"""The data files that snapshots added, read from as few manifest lists as tell them.

Until files are taken out or moved, the manifest list of a later snapshot names all that the ones before it
added, and every entry keeps the id of the snapshot that added its file (Iceberg Table Spec, "Manifest Entry
Fields"), in manifests that were merged since, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.tables.iceberg_manifests import LiveFile, data_entries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyiceberg.manifest import ManifestFile
    from pyiceberg.table import Table as Handle
    from pyiceberg.table.snapshots import Snapshot

Appended = dict[int, list[LiveFile]]
"""By the id of the snapshot that added them, in the order of their paths."""


def appended(handle: Handle, run: Sequence[Snapshot]) -> Appended:
    """Return the data files that each of these snapshots added.

    They come one after the other, and none of them takes a file out.
    """
    if not run:
        return {}
    found = _named(handle, run[-1], {each.snapshot_id for each in run})
    for snapshot in run[:-1]:
        told = added_files(snapshot)
        files = found[snapshot.snapshot_id]
        if told != len(files):
            # Not told, or a writer that does not keep the ids: its own manifests know.
            found |= _named(handle, snapshot, {snapshot.snapshot_id})
    return found


def added_files(snapshot: Snapshot) -> int | None:
    """Return how many data files the snapshot added, if its summary tells."""
    return _count(snapshot, "added-data-files")


def added_size(snapshot: Snapshot) -> int | None:
    """Return the bytes of the files that the snapshot added, if its summary tells."""
    return _count(snapshot, "added-files-size")


def removed_files(snapshot: Snapshot) -> int | None:
    """Return how many data files the snapshot took out, if its summary tells."""
    return _count(snapshot, "deleted-data-files")


def removed_size(snapshot: Snapshot) -> int | None:
    """Return the bytes of the files that the snapshot took out, if its summary tells."""
    return _count(snapshot, "removed-files-size")


def _count(snapshot: Snapshot, name: str) -> int | None:
    text = snapshot.summary.additional_properties.get(name, "") if snapshot.summary is not None else ""
    return int(text) if text.isdecimal() else None


def _named(handle: Handle, snapshot: Snapshot, ids: set[int]) -> Appended:
    """Return the files of a snapshot's manifests that one of these snapshots added."""
    from pyiceberg.manifest import ManifestContent
    from pyiceberg.utils.concurrent import ExecutorFactory

    chosen = [
        manifest
        for manifest in snapshot.manifests(handle.io)
        if manifest.content == ManifestContent.DATA and manifest.added_snapshot_id in ids
    ]

    def read(manifest: ManifestFile) -> list[tuple[int, LiveFile]]:
        return [
            (each.snapshot_id, LiveFile(each.data_file, each.sequence_number or 0))
            for each in data_entries(manifest, handle.io)
            if each.snapshot_id in ids
        ]

    found: Appended = {each: [] for each in ids}
    # Many small objects: their round trips overlap.
    for files in ExecutorFactory.get_or_create().map(read, chosen):
        for identity, file in files:
            found[identity].append(file)
    for files_of_one in found.values():
        files_of_one.sort(key=lambda each: each.file.file_path)
    return found


def rewritten_files(handle: Handle, snapshot: Snapshot) -> tuple[list[LiveFile], list[LiveFile]] | None:
    """Return the data files that a snapshot took out and those that it put in their place.

    None if delete files have a part in it: then files do not tell which rows it took out.
    """
    from pyiceberg.manifest import ManifestContent, ManifestEntryStatus

    removed: list[LiveFile] = []
    put: list[LiveFile] = []
    for manifest in snapshot.manifests(handle.io):
        if manifest.content == ManifestContent.DELETES:
            return None
        if manifest.added_snapshot_id != snapshot.snapshot_id:
            continue
        for each in manifest.fetch_manifest_entry(handle.io, discard_deleted=False):
            file = LiveFile(each.data_file, each.sequence_number or 0)
            if each.status == ManifestEntryStatus.DELETED and each.snapshot_id == snapshot.snapshot_id:
                removed.append(file)
            elif each.status == ManifestEntryStatus.ADDED:
                put.append(file)
    return (removed, put) if removed_files(snapshot) in {None, len(removed)} else None
