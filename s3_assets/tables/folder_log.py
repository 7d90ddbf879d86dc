"""The log of the writes into a folder: numbered entries beside the data, and which of them are carried out.

    <table>/_s3_assets/log/commit-<number>.json   one write; created if absent, and that is its commit
    <table>/_s3_assets/log/commit-<number>.done   its files have the names that readers see

How such a log works is told in `numbered_log`; here is what an entry says.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from s3_assets.location import relative_path
from s3_assets.tables.numbered_log import KEPT, NumberedLog, require_numbers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from s3_assets.location import Location
    from s3_assets.objects import Objects

__all__ = ["FOLDER", "KEPT", "STAGING", "Entry", "FolderLog", "Move"]

FOLDER = "_s3_assets/log/"
STAGING = "_s3_assets/staging/"
"""The folder below which parts wait for their commit."""

_SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Move:
    """A part, by its path below the staging folder, and the file below the table that it becomes."""

    part: str
    file: str
    rows: int
    bytes: int


@dataclass(frozen=True)
class Entry:
    """One write: the parts that it takes in, the files that it takes out, and how far streams have come."""

    mode: str
    attempt: int
    oldest: int
    """The lowest number that counts, as of this entry."""
    staging: str
    """The folder of the parts, below the table."""
    moves: tuple[Move, ...]
    removals: tuple[str, ...]
    """Files below the table."""
    stamps: Mapping[str, int]
    """The number of every stream's newest commit up to this one."""
    notes: Mapping[str, str]

    def write(self) -> bytes:
        """Return the entry as JSON."""
        return json.dumps({"schema_version": _SCHEMA_VERSION, **asdict(self)}, indent=1).encode()

    @classmethod
    def read(cls, body: bytes) -> Entry:
        """Read what `write` wrote; raises `ValueError` for anything else."""
        try:
            found = json.loads(body)
            version = found.pop("schema_version")
            if version != _SCHEMA_VERSION:
                raise ValueError(f"it is of version {version}, this release reads {_SCHEMA_VERSION}")
            moves = tuple(Move(**each) for each in found.pop("moves"))
            entry = cls(moves=moves, removals=tuple(found.pop("removals")), **found)
            entry.require_inside()
            require_numbers(entry)
        except (KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(f"it lacks or has too much of something: {error}") from error
        return entry

    def require_inside(self) -> None:
        """Raise `ValueError` for a path that leaves the table: who carries the entry out may write there."""
        ends = [path for move in self.moves for path in (move.part, move.file)]
        for path in (self.staging, *ends, *self.removals):
            relative_path(path)


class FolderLog(NumberedLog[Entry]):
    """The log of one table."""

    def __init__(self, objects: Objects, table: Location) -> None:
        super().__init__(
            objects, f"{table.key}{FOLDER}", Entry.read, title="the log of the folder", place=table.url
        )
        self.table = table
