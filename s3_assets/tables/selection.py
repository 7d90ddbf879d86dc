"""Which files of a folder a table takes, told by their paths and times before any is opened."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    import polars as pl

    from s3_assets.tables.settings import FolderSettings


@dataclass(frozen=True)
class Selection:
    """A choice among the files below a folder; paths are those below it."""

    path_prefix: str = ""
    path_regex: str | None = None
    start_after: str = ""
    modified_after: datetime | None = None

    @classmethod
    def of(cls, settings: FolderSettings) -> Selection:
        """Return what a table's settings say."""
        return cls(
            settings.path_prefix,
            settings.path_regex,
            settings.start_after or "",
            settings.modified_after,
        )

    def start(self, folder: str) -> tuple[str, str | None]:
        """Return from where a folder's listing begins: a prefix, and the key after which it starts."""
        return folder + self.path_prefix, folder + self.start_after if self.start_after else None

    def may_hold(self, folder: str) -> bool:
        """Tell whether a folder, given by its path with the slash, can hold files that are taken."""
        inside = folder.startswith(self.path_prefix) or self.path_prefix.startswith(folder)
        # All that is in a folder sorts as its name does, unless the name is where the other begins.
        return inside and (folder > self.start_after or self.start_after.startswith(folder))

    def takes(self, path: str) -> bool:
        """Tell whether a file is taken, as far as its path tells it."""
        return (
            path.startswith(self.path_prefix)
            and path > self.start_after
            and (self.path_regex is None or re.search(self.path_regex, path) is not None)
        )

    def choose(self, listed: pl.DataFrame, paths: pl.Series) -> pl.DataFrame:
        """Return those of the listed files, `paths` being theirs below the folder, that are taken."""
        import polars as pl

        taken = pl.lit(pl.Series([self.takes(path) for path in paths], dtype=pl.Boolean))
        if self.modified_after is not None:
            taken &= pl.col("modified") > self.modified_after
        return listed.filter(taken)


EVERYTHING = Selection()
