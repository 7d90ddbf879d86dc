"""Manifests of Iceberg tables as files with their sequence numbers (Iceberg Table Spec, "Manifests")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from s3_assets.errors import UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyiceberg.io import FileIO
    from pyiceberg.manifest import DataFile, ManifestEntry, ManifestFile
    from pyiceberg.partitioning import PartitionSpec

# Reserved field id of the column `file_path` of position deletes (Iceberg Table Spec, "Reserved Field IDs").
_PATH_COLUMN = 2147483546
# Field 143 of a data file in version 3, also written in version 2: the data file that all deletes are of.
_REFERENCED_FIELD = "referenced_data_file"


@dataclass(frozen=True)
class LiveFile:
    """A file of a snapshot, with the data sequence number that tells which deletes come after it."""

    file: DataFile
    sequence: int

    @property
    def partition(self) -> tuple[int, tuple[object, ...]]:
        """The partition: which spec, and the values of its fields."""
        values = self.file.partition
        return self.file.spec_id, tuple(values[index] for index in range(len(values)))


@dataclass(frozen=True)
class DeleteFile(LiveFile):
    """A delete file."""

    target: str | None = None
    """The one data file that it is limited to, if it is to one."""
    everywhere: bool = False
    """Whether its partition spec has no fields: then deletes by equality are of all partitions."""

    @property
    def by_equality(self) -> bool:
        """Whether it names values, and not positions, of rows."""
        from pyiceberg.manifest import DataFileContent

        return bool(self.file.content == DataFileContent.EQUALITY_DELETES)

    @property
    def vector(self) -> bool:
        """Whether it is a deletion vector: all deleted positions of one data file."""
        from pyiceberg.manifest import FileFormat

        return bool(self.file.file_format == FileFormat.PUFFIN)


def data_entries(manifest: ManifestFile, files: FileIO) -> list[ManifestEntry]:
    """Return the manifest's live data files; raises `UnsupportedError` for one that nobody here can read."""
    entries = manifest.fetch_manifest_entry(files, discard_deleted=True)
    for entry in entries:
        _refuse_unreadable(entry.data_file, vectors=False)
    return entries


def delete_files(manifest: ManifestFile, spec: PartitionSpec, files: FileIO) -> list[DeleteFile]:
    """Return the manifest's live delete files; raises `UnsupportedError` for one that nobody here can read.

    PyIceberg reads the fields of version 2 of them, without the data file that a deletion vector is of.
    """
    from pyiceberg.manifest import DATA_FILE_TYPE, ManifestEntryStatus
    from pyiceberg.transforms import VoidTransform

    everywhere = all(isinstance(field.transform, VoidTransform) for field in spec.fields)
    referenced = [field.name for field in DATA_FILE_TYPE[3].fields].index(_REFERENCED_FIELD)
    found = []
    for entry in _entries(manifest, files):
        if entry.status == ManifestEntryStatus.DELETED:
            continue
        file, sequence = entry.data_file, entry.sequence_number
        file.spec_id = manifest.partition_spec_id
        _refuse_unreadable(file, vectors=True)
        if sequence is None:
            # Iceberg Table Spec, "Sequence Number Inheritance".
            sequence = manifest.sequence_number
        found.append(DeleteFile(file, sequence, file[referenced] or _only_path(file), everywhere))
    return found


def _entries(manifest: ManifestFile, files: FileIO) -> Iterator[ManifestEntry]:
    from pyiceberg.avro.file import AvroFile
    from pyiceberg.manifest import (
        MANIFEST_ENTRY_SCHEMAS,
        DataFile,
        DataFileContent,
        FileFormat,
        ManifestEntry,
        ManifestEntryStatus,
    )

    with AvroFile[ManifestEntry](
        files.new_input(manifest.manifest_path),
        MANIFEST_ENTRY_SCHEMAS[3],
        read_types={-1: ManifestEntry, 2: DataFile},
        read_enums={0: ManifestEntryStatus, 101: FileFormat, 134: DataFileContent},
    ) as entries:
        yield from entries


def _only_path(file: DataFile) -> str | None:
    """Return the data file that all position deletes are of, if the bounds of their paths are one path."""
    lower, upper = ((bounds or {}).get(_PATH_COLUMN) for bounds in (file.lower_bounds, file.upper_bounds))
    return lower.decode() if lower is not None and lower == upper else None


def _refuse_unreadable(file: DataFile, *, vectors: bool) -> None:
    from pyiceberg.manifest import FileFormat

    kinds = (FileFormat.PARQUET, FileFormat.PUFFIN) if vectors else (FileFormat.PARQUET,)
    if file.file_format not in kinds:
        raise UnsupportedError(
            f"the table has files of format {file.file_format.value}, such as {file.file_path}, which cannot "
            "be read",
            remedy="Rewrite them as Parquet (write.format.default, then rewrite_data_files).",
        )
    if file.key_metadata is not None:
        raise UnsupportedError(
            f"the table has encrypted files, such as {file.file_path}, which cannot be read",
            remedy="Read a copy of the table that is not encrypted by its format.",
        )
