"""Which files a snapshot consists of, as its manifests tell (Iceberg Table Spec, "Scan Planning")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from s3_assets.tables.iceberg_manifests import DeleteFile, LiveFile, data_entries, delete_files
from s3_assets.tables.iceberg_pruning import Pruning, may_overlap, predicate, prunable
from s3_assets.tables.table import Statistics

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyiceberg.manifest import DataFile, ManifestFile
    from pyiceberg.schema import Schema
    from pyiceberg.table import Table as Handle
    from pyiceberg.table.snapshots import Snapshot

    from s3_assets.tables.regions import Region

_TOTALS = ("total-data-files", "total-delete-files", "total-files-size", "total-records")


@dataclass(frozen=True)
class Files:
    """Data files, and the delete files that may apply to them, each with its sequence number."""

    data: tuple[LiveFile, ...] = ()
    deletes: tuple[DeleteFile, ...] = ()

    @property
    def count(self) -> int:
        """How many there are, of both kinds."""
        return len(self.data) + len(self.deletes)

    @property
    def bytes(self) -> int:
        """The size of all of them."""
        return sum(each.file.file_size_in_bytes for each in (*self.data, *self.deletes))


def live(handle: Handle, snapshot: Snapshot | None, schema: Schema, window: Region | None = None) -> Files:
    """Return the files of a snapshot; with a window, those of them that may hold its rows."""
    if snapshot is None:
        return Files()
    return _read(handle, snapshot.manifests(handle.io), schema, window)


def inside(handle: Handle, files: Files, schema: Schema, window: Region) -> Files:
    """Return those of the data files that may hold rows of the window, with all deletes."""
    if not prunable(window, schema):
        return files
    pruning = Pruning(schema, handle.specs(), predicate(window))
    data = tuple(each for each in files.data if _may_hold(pruning, each.file, schema, window))
    return Files(data, files.deletes)


def _may_hold(pruning: Pruning, file: DataFile, schema: Schema, window: Region) -> bool:
    return pruning.keeps(file) and may_overlap(file, schema, window)


def statistics(handle: Handle, snapshot: Snapshot | None) -> Statistics:
    """Return files, bytes and rows of a snapshot: by its summary, or where that is silent by its manifests.

    `rows` is None if there are delete files: they may name a row twice, or one that is gone.
    """
    told = summarized(snapshot)
    if told is not None:
        return told
    found = live(handle, snapshot, handle.schema())
    counts = [each.file.record_count for each in found.data]
    # Some writers say -1 where they do not know.
    known = not found.deletes and all(count >= 0 for count in counts)
    return Statistics(found.count, found.bytes, sum(counts) if known else None)


def summarized(snapshot: Snapshot | None) -> Statistics | None:
    """Return the size of a snapshot as its summary tells it, if it does: writers need not."""
    if snapshot is None:
        return Statistics(0, 0, 0)
    summary = snapshot.summary.additional_properties if snapshot.summary is not None else {}
    told = [summary.get(name, "") for name in _TOTALS]
    if not all(text.isdecimal() for text in told):
        return None
    files, deletes, size, rows = (int(text) for text in told)
    return Statistics(files + deletes, size, None if deletes else rows)


def _read(handle: Handle, manifests: Iterable[ManifestFile], schema: Schema, window: Region | None) -> Files:
    from pyiceberg.manifest import ManifestContent
    from pyiceberg.utils.concurrent import ExecutorFactory

    if window is not None and not prunable(window, schema):
        window = None
    specs = handle.specs()
    pruning = None if window is None else Pruning(schema, specs, predicate(window))
    chosen = [manifest for manifest in manifests if pruning is None or pruning.keeps_manifest(manifest)]

    def read(manifest: ManifestFile) -> Files:
        if manifest.content == ManifestContent.DELETES:
            # Chosen by partition alone: what they say of the window's column need not be true any more.
            deletes = delete_files(manifest, specs[manifest.partition_spec_id], handle.io)
            return Files(
                deletes=tuple(each for each in deletes if pruning is None or pruning.keeps(each.file))
            )
        data = data_entries(manifest, handle.io)
        if pruning is not None and window is not None:
            data = [each for each in data if _may_hold(pruning, each.data_file, schema, window)]
        return Files(tuple(LiveFile(each.data_file, each.sequence_number or 0) for each in data))

    # Many small objects: their round trips overlap.
    found = list(ExecutorFactory.get_or_create().map(read, chosen))
    return Files(
        tuple(each for files in found for each in files.data),
        tuple(each for files in found for each in files.deletes),
    )
