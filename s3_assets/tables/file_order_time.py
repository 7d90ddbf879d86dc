"""New files by the time of their writing: a moment up to which was read, and the files just before it.

Time alone does not tell what was read: files have the time of when their writing began or of a server whose
clock is behind, and several have the same second. So the files inside a look-back behind the newest that was
read are kept by key and ETag, and compared; what is older is taken to have been read.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar

from s3_assets.object_listings import empty_listing
from s3_assets.tables.file_order import BY_TIME, FileOrder, NewFiles
from s3_assets.tables.positions import ModifiedPosition
from s3_assets.tables.unread import Unread, newest_of

if TYPE_CHECKING:
    import polars as pl

    from s3_assets.tables.positions import Limit, Position

_BEGINNING = datetime.fromtimestamp(0, UTC)


class TimeOrder(FileOrder):
    """The whole folder is listed, and what was written within the look-back or later is compared."""

    name: ClassVar[str] = "modified_time"
    most_by: ClassVar[tuple[str, ...]] = BY_TIME
    limit_by: ClassVar[tuple[str, ...]] = BY_TIME

    def find(self, since: Position | None, limit: Limit | None) -> NewFiles:
        """Return the files that were written since, or are inside the look-back and not among those read."""
        import polars as pl

        position = self.own(since, ModifiedPosition) or self._beginning()
        listed = self.folder.list_files()
        recent = listed.filter(pl.col("modified") >= self._from(position))
        unread = Unread.of(recent, self.folder.take(position.files), listed)
        unread.check(self.settings)
        taken = self.take(unread.wanted(self.settings), limit)
        newest = position.modified if since is not None else None
        notes = (*taken.notes, *unread.notes(taken.files, newest, self.settings))
        until = self._until(position, taken.files, unread)
        return NewFiles(taken.files, until, listed.height, taken.more, notes, listed)

    def behind(self, files: pl.DataFrame) -> ModifiedPosition:
        """Return the time of the newest file, and those inside the look-back before it."""
        return self._behind(self._beginning(), files, files)

    def _beginning(self) -> ModifiedPosition:
        return ModifiedPosition(_BEGINNING, empty_listing(), _BEGINNING)

    def _from(self, position: ModifiedPosition) -> datetime:
        """From when on files are compared; what lies before is taken to have been read.

        A look-back that was made longer does not reach behind the files that are known.
        """
        return max(position.modified - self.settings.look_back, position.known_from)

    def _until(self, position: ModifiedPosition, taken: pl.DataFrame, unread: Unread) -> ModifiedPosition:
        import polars as pl

        if taken.is_empty():
            return position
        dealt = [taken]
        if self.settings.on_rewritten == "ignore":
            # Known from now on: their old state leaves the look-back before their new one does.
            dealt.append(unread.rewritten)
        return self._behind(position, pl.concat(dealt), taken)

    def _behind(
        self, position: ModifiedPosition, dealt: pl.DataFrame, taken: pl.DataFrame
    ) -> ModifiedPosition:
        import polars as pl

        # A server whose clock is ahead must not move the look-back over files that are still to come.
        newest = min(newest_of(taken) or _BEGINNING, datetime.now(UTC))
        moved = ModifiedPosition(max(position.modified, newest), empty_listing(), position.known_from)
        known = pl.concat([position.files, dealt.select(empty_listing().columns)])
        return ModifiedPosition(
            moved.modified, known.filter(pl.col("modified") >= self._from(moved)), self._from(moved)
        )
