"""What a listing has become since some of its files were read: new, late, rewritten, deleted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from s3_assets.errors import SourceRewrittenError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    import polars as pl

    from s3_assets.tables.settings import FolderSettings

_AT_ONCE = 100_000


@dataclass(frozen=True)
class Unread:
    """Listed files that are not among those that were read, and those that are among them no more."""

    new: pl.DataFrame
    """Files of which neither this nor another state was read."""
    rewritten: pl.DataFrame
    """Files that were read in another state; both frames are listings."""
    gone: int
    """How many keys that were read are not there any more."""
    first_gone: str = ""

    @classmethod
    def of(cls, listed: pl.DataFrame, read: pl.DataFrame, present: pl.DataFrame | None = None) -> Unread:
        """Compare a listing with the files that were read.

        A file is the one that was read if key and ETag are: what was written again as it was is not new.
        `present` is the whole listing, if `listed` is a part of it.
        """
        import polars as pl

        if not listed["key"].is_sorted():
            listed = listed.sort("key")
        new, rewritten, missing = [listed.clear()], [listed.clear()], [read.select("key").clear()]
        for part, of_read in _side_by_side(listed, read):
            pairs = part.select("key", "etag").with_row_index("row")
            pairs = pairs.join(of_read.select("key", pl.col("etag").alias("etag_read")), on="key")
            known = _marked(pairs["row"], part.height)
            same = _marked(pairs.filter(pl.col("etag") == pl.col("etag_read"))["row"], part.height)
            new.append(part.filter(~known))
            rewritten.append(part.filter(known & ~same))
            if pairs.height < of_read.height:
                missing.append(of_read.select("key").join(part.select("key"), on="key", how="anti"))
        gone = pl.concat(missing).unique().sort("key")
        if present is not None:
            gone = gone.join(present.select("key"), on="key", how="anti", maintain_order="left")
        return cls(pl.concat(new), pl.concat(rewritten), gone.height, next(iter(gone["key"]), ""))

    def check(self, settings: FolderSettings) -> None:
        """Raise `SourceRewrittenError` for what the settings forbid."""
        if self.gone and settings.on_deleted == "fail":
            raise SourceRewrittenError(
                f"{self._told_gone} gone, the first is {self.first_gone}",
                remedy="Restore it, or set on_deleted to 'ignore': the rows stay.",
            )
        if not self.rewritten.is_empty() and settings.on_rewritten == "fail":
            raise SourceRewrittenError(
                f"{_files(self.rewritten.height, 'was', 'were')} changed after having been read, "
                f"the first is {self.rewritten['key'].sort()[0]}",
                remedy="Set on_rewritten to 'reread' (their rows come again) or 'ignore'.",
            )

    def wanted(self, settings: FolderSettings) -> pl.DataFrame:
        """Return the files that are to be read, as the settings say."""
        import polars as pl

        return pl.concat([self.new, self.rewritten]) if settings.on_rewritten == "reread" else self.new

    def notes(
        self, taken: pl.DataFrame, newest: datetime | None, settings: FolderSettings
    ) -> tuple[str, ...]:
        """Say what is not as plain as a new file, `taken` being those of the wanted files that are read.

        `newest` is when the newest file was written that had been read before.
        """
        import polars as pl

        reread = pl.col("key").is_in(self.rewritten["key"].implode())
        new = taken.filter(~reread)
        before = pl.lit(newest, new.schema["modified"])
        moment = f"the newest that was read before ({newest:%Y-%m-%dT%H:%M:%SZ})" if newest else ""
        passed = self.rewritten if settings.on_rewritten == "ignore" else self.rewritten.clear()
        changed = "changed after having been read, and"
        kinds = (
            (new.filter(pl.col("modified") < before), "", f"came late: older than {moment}"),
            (new.filter(pl.col("modified") == before), "was were", f"written at the moment of {moment}"),
            (taken.filter(reread), "", f"{changed} came again (on_rewritten: reread)"),
            (passed, "", f"{changed} stayed out (on_rewritten: ignore)"),
        )
        notes = [
            f"{_files(found.height, *verb.split())} {told}; the first is {found['key'].sort()[0]}"
            for found, verb, told in kinds
            if not found.is_empty()
        ]
        if self.gone:
            stay = "their rows stay (on_deleted: ignore)"
            notes.append(f"{self._told_gone} gone, {stay}; the first is {self.first_gone}")
        return tuple(notes)

    @property
    def _told_gone(self) -> str:
        return _files(self.gone, "that was read before is", "that were read before are")


def _side_by_side(listed: pl.DataFrame, read: pl.DataFrame) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Yield parts of the listing, each with the files of its range of keys that were read.

    A join of a million keys takes more memory than the frames; one of a part takes little.
    """
    import polars as pl

    for start in range(0, max(listed.height, 1), _AT_ONCE):
        part, inside = listed[start : start + _AT_ONCE], pl.lit(value=True)
        if start:
            inside &= pl.col("key") >= part["key"][0]
        if start + _AT_ONCE < listed.height:
            inside &= pl.col("key") < listed["key"][start + _AT_ONCE]
        yield part, read.filter(inside)


def _marked(rows: pl.Series, count: int) -> pl.Series:
    """Return for each of so many rows whether it is among those."""
    import polars as pl

    return pl.repeat(value=False, n=count, dtype=pl.Boolean, eager=True).scatter(rows, values=True)


def newest_of(files: pl.DataFrame) -> datetime | None:
    """Return when the newest of some files was written."""
    newest: datetime | None = files["modified"].max()  # type: ignore[assignment]  # Polars says less
    return newest


def _files(count: int, one: str = "", many: str = "") -> str:
    return f"1 file {one}".rstrip() if count == 1 else f"{count:,} files {many}".rstrip()
