"""New files by a ledger of all that were read: nothing is missed, whatever its name or time."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from s3_assets.object_listings import empty_listing
from s3_assets.tables.file_order import BY_TIME, FileOrder, NewFiles
from s3_assets.tables.positions import FilesPosition
from s3_assets.tables.unread import Unread, newest_of

if TYPE_CHECKING:
    import polars as pl

    from s3_assets.tables.positions import Limit, Position


class ExactOrder(FileOrder):
    """The whole folder is listed and compared with the ledger, by key and ETag."""

    name: ClassVar[str] = "exact"
    limit_by: ClassVar[tuple[str, ...]] = BY_TIME

    def find(self, since: Position | None, limit: Limit | None) -> NewFiles:
        """Return the files that the ledger does not hold; with a limit the oldest first."""
        ledger = self.own(since, FilesPosition)
        listed = self.folder.list_files()
        read = self.folder.take(ledger.files) if ledger is not None else empty_listing()
        unread = Unread.of(listed, read)
        unread.check(self.settings)
        taken = self.take(unread.wanted(self.settings), limit)
        # Where the names decide what is read first, an older file need not be a late one.
        newest = newest_of(read) if self.settings.max_files is None else None
        notes = (*taken.notes, *unread.notes(taken.files, newest, self.settings))
        return NewFiles(taken.files, self.behind(taken.files), listed.height, taken.more, notes, listed)

    def behind(self, files: pl.DataFrame) -> FilesPosition:
        """Return the files themselves: a cursor adds them to its ledger."""
        return FilesPosition(files.select(empty_listing().columns))
