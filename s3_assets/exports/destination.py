"""Where an export's files go, and the folder beside them in which it keeps what it knows of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from s3_assets.errors import KeyTakenError, ObjectMissingError
from s3_assets.object_heads import Heads
from s3_assets.object_options import COMMIT_NAME
from s3_assets.objects import Objects
from s3_assets.uploads import Uploads

if TYPE_CHECKING:
    from collections.abc import Iterable

    from s3_assets.connection.settings import S3Connection
    from s3_assets.location import Location

FOLDER = "_s3_assets/exports/"
"""Below the prefix; a listing of the prefix has to leave `_s3_assets/` out."""

# User metadata have room for 112 bytes of ours.
_NAME, _DIGEST, _UNIT = 60, 12, 8


@dataclass(frozen=True)
class Owner:
    """Who put an object there, as far as its user metadata tell."""

    export: str | None
    """The export's name, or how it begins; None for an object that no export wrote."""
    same: bool
    """Whether it is the very export that asks."""
    same_unit: bool
    """Whether it is the very unit."""

    def __str__(self) -> str:
        if self.same:
            return "another unit of this export"
        return f"the export '{self.export}'" if self.export else "no export of s3-assets"


@dataclass(frozen=True)
class Destination:
    """The prefix of one export: `prefix` is a path below the connection's url, `export` its name."""

    connection: S3Connection
    prefix: str
    export: str

    @cached_property
    def location(self) -> Location:
        """The folder below which all keys lie; raises `SettingError` for a prefix that is none."""
        return self.connection.location.folder(self.prefix)

    @cached_property
    def folder(self) -> str:
        """The key of the export's own folder."""
        return f"{self.location.key}{FOLDER}{quote(self.export, safe='')}/"

    @cached_property
    def objects(self) -> Objects:
        """Its objects."""
        return Objects(self.connection)

    @cached_property
    def uploads(self) -> Uploads:
        """Its uploads."""
        return Uploads(self.connection)

    @cached_property
    def _mark(self) -> str:
        digest = sha256(f"{self.location.url} {self.export}".encode()).hexdigest()[:_DIGEST]
        return f"{quote(self.export, safe='')[:_NAME]}/{digest}/"

    def require_inside(self, keys: Iterable[str | None]) -> None:
        """Raise `ValueError` for a key that is not below the prefix, as a file there may name any."""
        for key in keys:
            if key is not None and not key.startswith(self.location.key):
                raise ValueError(f"it names '{key}', which is not below {self.location.url}")

    def mark(self, unit: str, attempt: int) -> str:
        """Return what the files of an attempt at a unit have in their user metadata."""
        return f"{self._mark}{_unit_digest(unit)}/{attempt}"

    def owner(self, key: str, unit: str = "") -> Owner | None:
        """Return who put an object there, seen by a unit: one request; None if there is none."""
        mark = self._read_mark(key)
        if mark is None:
            return None
        return Owner(
            unquote(mark.split("/")[0]) or None,
            mark.startswith(self._mark),
            mark.startswith(f"{self._mark}{_unit_digest(unit)}/"),
        )

    def holds(self, key: str, unit: str, attempt: int) -> bool:
        """Tell whether the object is a file of that attempt: one request."""
        return self._read_mark(key) == self.mark(unit, attempt)

    def refuse(self, key: str, owner: Owner, remedy: str = "") -> KeyTakenError:
        """Return the error of a key that is not this unit's to write."""
        return KeyTakenError(
            f"the key of a file to be exported is taken: its object was written by {owner}",
            remedy=remedy or "Give the export a path_prefix or a key of its own, or delete the object.",
            table=self.export,
            connection=self.connection.name,
            location=self.objects.url(key),
        )

    def _read_mark(self, key: str) -> str | None:
        try:
            return Heads(self.connection).head(key).metadata.get(COMMIT_NAME, "")
        except ObjectMissingError:
            return None


def _unit_digest(unit: str) -> str:
    return sha256(unit.encode()).hexdigest()[:_UNIT]
