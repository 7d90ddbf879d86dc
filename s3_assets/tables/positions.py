"""How far a consumer has read a table: what a cursor holds, and what a plan begins behind and ends at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    import polars as pl


@dataclass(frozen=True)
class Partly:
    """How much of a version was read: its first `files`, by path.

    `of_snapshot`: of all the files that the version consists of, else of those that it added.
    """

    files: int
    of_snapshot: bool


@dataclass(frozen=True)
class VersionPosition:
    """How far a consumer has read a table that numbers its versions.

    All of `version` was read, and all before it; with `partly`, all before it and the first files of it.
    """

    version: int
    table_id: str
    partly: Partly | None = None


@dataclass(frozen=True)
class FilesPosition:
    """Files that a consumer has read: a frame of key, size, etag, modified.

    As `since` of a plan: all that were ever read. As `until`: those that this plan reads.
    """

    files: pl.DataFrame


@dataclass(frozen=True)
class PathPosition:
    """The last path, below the table, of the files that a consumer has read in the order of their names."""

    path: str


@dataclass(frozen=True)
class ModifiedPosition:
    """The time up to which files were read, and those of them (as `FilesPosition`) inside the look-back.

    `files` are all that were read, or passed over, of those written at `known_from` or later; whatever is
    older has been dealt with. To begin at a moment: that moment twice, and no files.
    """

    modified: datetime
    files: pl.DataFrame
    known_from: datetime


@dataclass(frozen=True)
class StatePosition:
    """The state of a table (`TableVersion.token`) that a consumer has read whole."""

    token: str


Position = VersionPosition | FilesPosition | PathPosition | ModifiedPosition | StatePosition


@dataclass(frozen=True)
class Limit:
    """The most that one plan takes; a file is never cut, and one is taken in any case."""

    files: int | None = None
    bytes: int | None = None

    def count(self, sizes: Iterable[int]) -> int:
        """Return how many of the files of these sizes, in bytes, are taken from the first one on."""
        taken = total = 0
        for size in sizes:
            total += size
            over = (self.files is not None and taken >= self.files) or (
                self.bytes is not None and total > self.bytes
            )
            if taken and over:
                break
            taken += 1
        return taken
