"""Manifests: what a unit of an export consists of, put behind its last file, for whoever reads the files.

    _s3_assets/exports/<name>/manifests/<unit>.json

A manifest that is there is true: before a file of its unit is touched, it is deleted.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from s3_assets.errors import CursorError, ObjectMissingError
from s3_assets.threads import ThreadPoolExecutor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from s3_assets.exports.destination import Destination

FOLDER = "manifests/"
SCHEMA_VERSION = 1

_AT_ONCE = 16


@dataclass(frozen=True)
class ManifestFile:
    """One file of a unit; `key` counts from the bucket's root."""

    key: str
    url: str
    rows: int
    bytes: int
    sha256: str
    etag: str


@dataclass(frozen=True)
class Manifest:
    """What one unit consists of."""

    key: str
    """Where it lies, counted from the bucket's root."""
    export: str
    mode: str
    unit: str
    number: int
    """The entry of the export's log that made it."""
    previous: int | None
    """That of the unit's manifest before; of an incremental export, of the commit before."""
    created: datetime
    files: tuple[ManifestFile, ...]
    document: Mapping[str, Any] = field(repr=False)
    """All that it says."""

    @property
    def rows(self) -> int:
        """The rows of all files."""
        return sum(file.rows for file in self.files)

    @property
    def size(self) -> int:
        """The bytes of all files."""
        return sum(file.bytes for file in self.files)

    @property
    def success(self) -> str | None:
        """The key of the unit's `_SUCCESS`."""
        key: str | None = self.document.get("success")
        return key

    @classmethod
    def read(cls, key: str, text: bytes | str) -> Manifest:
        """Read a manifest that lies there; raises `ValueError` for anything else."""
        try:
            found = json.loads(text)
            if found["schema_version"] != SCHEMA_VERSION:
                raise ValueError(
                    f"it is of version {found['schema_version']}, this release reads {SCHEMA_VERSION}"
                )
            return cls(
                key,
                found["export"],
                found["mode"],
                found["unit"],
                found["number"],
                found["previous"],
                datetime.fromisoformat(found["created"]),
                tuple(ManifestFile(**each) for each in found["files"]),
                found,
            )
        except (KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(f"it lacks or has too much of something: {error}") from error


def read_manifest(destination: Destination, key: str) -> Manifest | None:
    """Return a manifest by its key, None if there is none; raises `CursorError` if it cannot be read."""
    try:
        found = Manifest.read(key, destination.objects.get(key))
        destination.require_inside([*(file.key for file in found.files), found.success])
    except ObjectMissingError:
        return None
    except ValueError as error:
        raise CursorError(
            f"the manifest of an export cannot be read: {error}",
            remedy="Restore it from a backup or an older object version: it tells the unit's files.",
            table=destination.export,
            location=destination.objects.url(key),
        ) from error
    return found


def read_manifests(destination: Destination) -> list[Manifest]:
    """Return all manifests of an export in the order of their commits: a listing, and one request each."""
    folder = f"{destination.folder}{FOLDER}"
    keys = [item.key for item in destination.objects.list_objects(folder)]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = pool.map(lambda key: read_manifest(destination, key), keys)
        return sorted((each for each in found if each is not None), key=lambda each: each.number)


def complete_manifest(told: Mapping[str, Any], etags: Mapping[str, str], number: int) -> bytes:
    """Return the manifest's text, with what is known now that its files are there."""
    files = [{**each, "etag": etags.get(each["key"], "")} for each in told["files"]]
    document = {**told, "number": number, "files": files}
    return json.dumps(document, indent=1, ensure_ascii=False).encode()
