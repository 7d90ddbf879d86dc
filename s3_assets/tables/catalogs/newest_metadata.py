"""Which file of a table's `metadata/` folder says what the table is now, where no catalog tells.

Apache Iceberg's specification, "File System Tables": `v<N>.metadata.json` is the table once it exists, so the
highest number is the newest; `version-hint.text` says where to begin to count. Files of tables that had a
catalog are called `<N>-<uuid>.metadata.json`: there a number may occur twice, after a commit that failed, or
after the table was dropped and made anew, and what a file says inside has to tell them apart.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from s3_assets.errors import DataFileBrokenError, ObjectMissingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from pyiceberg.table.metadata import TableMetadata

    from s3_assets.location import Location
    from s3_assets.objects import ObjectInfo, Objects

HINT = "version-hint.text"
FOLDER = "metadata/"
# Uncompressed, compressed, and compressed as Iceberg once called it: of files of one number, the first is
# taken, as Iceberg's HadoopTableOperations does.
_EXTENSIONS = (".metadata.json", ".gz.metadata.json", ".metadata.json.gz")
_NAME = re.compile(
    r"^(?:v(?P<version>\d+)|(?P<number>\d+)-.+?)(?P<extension>(?:\.gz)?\.metadata\.json|\.metadata\.json\.gz)$"
)


_NUMBER = re.compile(r"^[0-9]{1,18}$")


class MetadataFile(NamedTuple):
    """One file of metadata: `numbered` tells whether its name is its version's number and nothing else."""

    name: str
    number: int
    extension: str
    numbered: bool
    modified: datetime

    @property
    def rank(self) -> tuple[int, int]:
        """The version, then the way it is stored: of two files, the one with the higher rank is meant."""
        return self.number, -_EXTENSIONS.index(self.extension)


class Opened(NamedTuple):
    """A file of metadata and what it says."""

    file: MetadataFile
    metadata: TableMetadata


def newest_metadata(objects: Objects, table: Location, read: Callable[[str], TableMetadata]) -> Opened | None:
    """Return the file that says what the table is now; None if there is no file of metadata at all.

    `read` gets the name of a file. It takes one listing and one file where the names are numbers, and another
    file for the hint; where they are not, a file for each line of history that is found. Raises
    `DataFileBrokenError` if the hint names a file that is not there.
    """
    folder = table.folder(FOLDER).key
    # All names that begin with v, the hint's among them: manifests are called by other letters.
    found = list(objects.list_objects(folder, start_after=f"{folder}v"))
    hint = _hint(objects, f"{folder}{HINT}") if any(each.key == f"{folder}{HINT}" for each in found) else None
    if hint is not None and not _NUMBER.match(hint):
        file = _called(hint, folder, objects)
        return Opened(file, read(file.name))
    if hint is not None:
        counted = _counted_from(int(hint), _files(found, folder))
        if counted is not None:
            return Opened(counted, read(counted.name))
    files = _files(objects.list_folders(folder)[1], folder)
    return max(
        _heads(files, read),
        key=lambda head: (head.metadata.last_updated_ms, head.file.rank),
        default=None,
    )


def _hint(objects: Objects, key: str) -> str | None:
    # Who writes it deletes it first, or may have written nothing yet.
    with suppress(ObjectMissingError, UnicodeDecodeError):
        return objects.get(key).decode().strip() or None
    return None


def _called(hint: str, folder: str, objects: Objects) -> MetadataFile:
    """Return the file of that name, with or without its extension."""
    listed = {file.name: file for file in _files(objects.list_folders(folder)[1], folder)}
    for name in (hint, *(f"{hint}{extension}" for extension in _EXTENSIONS)):
        if name in listed:
            return listed[name]
    raise DataFileBrokenError(
        f"{FOLDER}{HINT} names '{hint[:200]}', and there is no such file of metadata",
        remedy="Have it name the newest file, or delete it: then the files themselves tell.",
    )


def _counted_from(number: int, files: list[MetadataFile]) -> MetadataFile | None:
    """Return the last file of an unbroken count that begins at the hint."""
    best: dict[int, MetadataFile] = {}
    for file in sorted(files, key=lambda each: each.rank):
        if file.numbered:
            best[file.number] = file
    if number not in best:
        return None
    while number + 1 in best:
        number += 1
    return best[number]


def _heads(files: list[MetadataFile], read: Callable[[str], TableMetadata]) -> list[Opened]:
    """Return the files that no other file names as its past, reading as few of them as tell that.

    Each file lists up to a hundred of its predecessors. What it lists need not be read. Neither what is
    older than its list, unless another file has the same number, or was written last of all.
    """
    opened: list[Opened] = []
    past: set[str] = set()
    # What was written last may be of a table that was made anew, and counts from 0 again.
    last = max(files, key=lambda file: file.modified, default=None)
    for file in sorted(files, key=lambda each: (each is last, each.rank), reverse=True):
        if file.name in past or (opened and not _may_be_newest(file, files, opened, past)):
            continue
        with suppress(ObjectMissingError):  # deleted since it was listed, as old metadata is
            metadata = read(file.name)
            opened.append(Opened(file, metadata))
            past |= {entry.metadata_file.rpartition("/")[2] for entry in metadata.metadata_log}
    return [each for each in opened if each.file.name not in past]


def _may_be_newest(
    file: MetadataFile, files: list[MetadataFile], opened: list[Opened], past: set[str]
) -> bool:
    known = [each.number for each in files if each.name in past] + [each.file.number for each in opened]
    return file.number >= min(known) or sum(each.number == file.number for each in files) > 1


def _files(found: Iterable[ObjectInfo], folder: str) -> list[MetadataFile]:
    files = []
    for info in found:
        name = info.key.removeprefix(folder)
        match = _NAME.match(name)
        if match is not None:
            number = int(match["version"] or match["number"])
            numbered = match["version"] is not None
            files.append(MetadataFile(name, number, match["extension"], numbered, info.modified))
    return files
