"""How the new files of a folder are told from those that were read: what the ways have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, TypeVar

from s3_assets.errors import CursorError
from s3_assets.tables import archived
from s3_assets.tables.positions import (
    FilesPosition,
    Limit,
    ModifiedPosition,
    PathPosition,
    Position,
    StatePosition,
    VersionPosition,
)

if TYPE_CHECKING:
    import polars as pl

    from s3_assets.tables.files import Folder
    from s3_assets.tables.settings import FolderSettings

_HELD = {
    FilesPosition: "the files that were read (incremental: exact)",
    PathPosition: "the path up to which was read (incremental: path_order)",
    ModifiedPosition: "the time up to which was read (incremental: modified_time)",
    StatePosition: "a state of the whole table",
    VersionPosition: "a version, as tables with a log have them",
}

BY_PATH = ("key",)
BY_TIME = ("modified", "key")
_TOLD = {BY_PATH: "by path", BY_TIME: "oldest first"}

Kind = TypeVar("Kind", FilesPosition, PathPosition, ModifiedPosition)


@dataclass(frozen=True)
class NewFiles:
    """The files that a read takes behind a position, where it ends, and what is to be said of them."""

    files: pl.DataFrame
    until: Position
    found: int
    """How many files were there to choose from, before any was left out."""
    more: bool = False
    notes: tuple[str, ...] = ()
    listed: pl.DataFrame | None = None
    """All files of the folder; None if they were not all listed."""


class FileOrder(ABC):
    """One way of telling new files: what is read next, and which position lies behind it."""

    name: ClassVar[str]
    most_by: ClassVar[tuple[str, ...]] = BY_PATH
    """The order in which `max_files` takes files."""
    limit_by: ClassVar[tuple[str, ...]] = BY_PATH
    """The order in which a limit takes those."""

    def __init__(self, folder: Folder, settings: FolderSettings) -> None:
        self.folder = folder
        self.settings = settings

    @abstractmethod
    def find(self, since: Position | None, limit: Limit | None) -> NewFiles:
        """Return the files behind a position, None being the beginning, as many as the limit allows.

        Raises `CursorError` for a position of another kind, `SourceRewrittenError` as the policies say.
        """

    @abstractmethod
    def behind(self, files: pl.DataFrame) -> Position:
        """Return the position of one who has read these files of a listing, and nothing else before."""

    def own(self, since: Position | None, kind: type[Kind]) -> Kind | None:
        """Return a position that is of this way's kind; raises `CursorError` for any other."""
        if since is None or isinstance(since, kind):
            return since
        raise CursorError(
            f"the cursor holds {_HELD[type(since)]}, and this source tells new files by "
            f"incremental: {self.name}",
            remedy="Set `incremental` back to what it was, or reset the cursor: all files then come again.",
        )

    def take(self, candidates: pl.DataFrame, limit: Limit | None, *, all_found: bool = True) -> Taken:
        """Return those of the files that are read next, by path; `all_found`: there are no others."""
        found = take(candidates, self.settings, by=self.most_by, all_found=all_found)
        if limit is None:
            return found
        first = found.files.sort(self.limit_by)
        count = limit.count(first["size"])
        if count == first.height:
            return found
        of = f" of {first.height:,}" if all_found else ""
        note = f"the first {count:,}{of} new files are read, {_TOLD[self.limit_by]}; more come next (limit)"
        return Taken(first.head(count).sort(BY_PATH), (*found.notes, note), more=True)


@dataclass(frozen=True)
class Taken:
    """Files that are read, by path, what was left out, and whether a limit did it."""

    files: pl.DataFrame
    notes: tuple[str, ...]
    more: bool = False


def take(
    candidates: pl.DataFrame,
    settings: FolderSettings,
    *,
    by: tuple[str, ...] = BY_PATH,
    all_found: bool = True,
) -> Taken:
    """Leave out archived files where they are to be, and those beyond the most that one read takes."""
    notes = []
    files = candidates
    if settings.skip_glacier:
        files = archived.left_out(candidates)
        if files.height < candidates.height:
            left_out = candidates.height - files.height
            notes.append(f"{left_out:,} archived files were left out (skip_glacier)")
    most = settings.max_files
    if most is not None and files.height > most:
        of = f" of {files.height:,}" if all_found else ""
        notes.append(f"the first {most:,}{of} files are read, {_TOLD[by]} (max_files)")
        files = files.sort(by).head(most).sort(BY_PATH)
    return Taken(files, tuple(notes))
