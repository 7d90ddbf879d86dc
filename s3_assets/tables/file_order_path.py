"""New files by the order of their names: only what sorts behind the last one is ever listed.

What a run costs does not grow with what was read. In return nothing is seen of what happens before the mark:
files that come late with a smaller name, files that are rewritten or deleted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from s3_assets.tables import archived
from s3_assets.tables.file_order import FileOrder, NewFiles
from s3_assets.tables.positions import PathPosition

if TYPE_CHECKING:
    import polars as pl

    from s3_assets.tables.positions import Limit, Position


class PathOrder(FileOrder):
    """Files are read in the order of their names."""

    name: ClassVar[str] = "path_order"

    def find(self, since: Position | None, limit: Limit | None) -> NewFiles:
        """Return the files that sort behind the last one; no more pages are listed than they fill."""
        position = self.own(since, PathPosition)
        mark = position.path if position is not None else ""
        found, complete = self._behind(mark, limit)
        taken = self.take(found, limit, all_found=complete)
        until = PathPosition(mark) if taken.files.is_empty() else self.behind(taken.files)
        told = (f"only names behind {mark} were listed: what came or changed before is not seen",)
        return NewFiles(
            taken.files,
            until,
            found.height,
            taken.more,
            (*taken.notes, *(told if mark else ())),
            found if complete and not mark else None,
        )

    def behind(self, files: pl.DataFrame) -> PathPosition:
        """Return the last of the names."""
        return PathPosition("" if files.is_empty() else self.folder.mark(files["key"].sort()[-1]))

    def _behind(self, mark: str, limit: Limit | None) -> tuple[pl.DataFrame, bool]:
        """List behind a mark until it is known what is read and that there is more; tell whether all was."""
        import polars as pl

        pages = [self.folder.nothing()]
        files = size = 0
        for page in self.folder.list_behind(mark):
            pages.append(page)
            read = archived.left_out(page) if self.settings.skip_glacier else page
            files += read.height
            size += int(read["size"].sum())
            if self._enough(files, size, limit):
                return pl.concat(pages), False
        return pl.concat(pages), True

    def _enough(self, files: int, size: int, limit: Limit | None) -> bool:
        """Tell whether a read leaves something of these."""
        counts = [self.settings.max_files, limit.files if limit is not None else None]
        if any(count is not None and files > count for count in counts):
            return True
        # One file is taken, however large it is.
        return limit is not None and limit.bytes is not None and size > limit.bytes and files > 1
