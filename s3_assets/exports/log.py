"""The log of an export: one entry for each commit, in `_s3_assets/exports/<name>/log/`.

An entry lists uploads that are complete but for their completion; putting it is the commit. How such a log
works is told in `s3_assets.tables.numbered_log`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from s3_assets.tables.numbered_log import NumberedLog, require_numbers
from s3_assets.uploads import Pending

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from s3_assets.exports.destination import Destination

FOLDER = "log/"

_SCHEMA_VERSION = 1


@dataclass(frozen=True)
class NewFile:
    """A file that a commit makes visible."""

    upload: Pending
    rows: int
    replaces: bool
    """Whether its key was a file of the unit before; else nothing may be there."""


@dataclass(frozen=True)
class Entry:
    """One commit: the files that it brings and takes away, its manifest, and how far streams have come."""

    mode: str
    attempt: int
    oldest: int
    """The lowest number that counts, as of this entry."""
    lane: str
    """Of two attempts in one lane, only one commits on the same state."""
    unit: str
    pattern: tuple[str, ...]
    """The whole keys that the attempt may have written: the texts around the part number."""
    files: tuple[NewFile, ...]
    removals: tuple[str, ...]
    """Keys of files that are replaced by none."""
    manifest: str
    """The key of the unit's manifest."""
    told: Mapping[str, Any]
    """The manifest, but for what is known only when the files are complete."""
    replaced: tuple[str, ...]
    """Keys of the manifests that it makes untrue, its own among them if it is there."""
    flags: tuple[str, ...]
    """Keys of the `_SUCCESS` objects that it makes untrue."""
    success: str | None
    """The key of the `_SUCCESS` that is put at the end."""
    acl: str | None
    """The canned ACL of manifest and `_SUCCESS`: that of the files."""
    stamps: Mapping[str, int]
    """The number of every stream's newest commit up to this one."""
    before: Mapping[str, int]
    """The same as of the entry before: what holds if this one is void."""
    previous: int | None
    """The newest entry before this one that is not void."""
    notes: Mapping[str, str]

    def write(self) -> bytes:
        """Return the entry as JSON."""
        shallow = {each.name: getattr(self, each.name) for each in fields(self)}
        files = [
            {"upload": each.upload.as_json(), "rows": each.rows, "replaces": each.replaces}
            for each in self.files
        ]
        return json.dumps({"schema_version": _SCHEMA_VERSION, **shallow, "files": files}, indent=1).encode()

    @classmethod
    def read(cls, body: bytes) -> Entry:
        """Read what `write` wrote; raises `ValueError` for anything else."""
        try:
            found = json.loads(body)
            version = found.pop("schema_version")
            if version != _SCHEMA_VERSION:
                raise ValueError(f"it is of version {version}, this release reads {_SCHEMA_VERSION}")
            files = tuple(
                NewFile(Pending.from_json(each["upload"]), each["rows"], each["replaces"])
                for each in found.pop("files")
            )
            for name in ("pattern", "removals", "replaced", "flags"):
                found[name] = tuple(found[name])
            entry = cls(files=files, **found)
            require_numbers(entry)
        except (KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(f"it lacks or has too much of something: {error}") from error
        return entry

    @property
    def keys(self) -> Iterator[str | None]:
        """Every key that carrying it out may write or delete."""
        yield from (file.upload.key for file in self.files)
        yield from (*self.removals, *self.replaced, *self.flags, self.manifest, self.success)
        yield from self.pattern[:1]


ExportLog = NumberedLog[Entry]


def log_folder(destination: Destination) -> str:
    """Return the key of the log's folder."""
    return f"{destination.folder}{FOLDER}"


def log_of(destination: Destination) -> ExportLog:
    """Return the log of an export."""

    def read(body: bytes) -> Entry:
        entry = Entry.read(body)
        destination.require_inside(entry.keys)
        return entry

    return NumberedLog(
        destination.objects,
        log_folder(destination),
        read,
        title=f"the log of the export '{destination.export}'",
        place=destination.location.url,
    )


def stamps_of(entry: Entry | None, *, void: bool) -> Mapping[str, int]:
    """Return the number of every stream's newest commit as of an entry; those of a void one do not count."""
    if entry is None:
        return {}
    return entry.before if void else entry.stamps
