"""The columns of text files by the first bytes of some: what is fetched for it is kept for the read."""

from __future__ import annotations

from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from s3_assets.tables.text_fetch import SMALL, TextFile

if TYPE_CHECKING:
    import polars as pl

    from s3_assets.tables.kept_bodies import KeptBodies
    from s3_assets.tables.text import TextTable


class Sampling:
    """Looks at files of a listing, which tells their sizes, from several threads."""

    def __init__(self, table: TextTable[Any], listed: pl.DataFrame, kept: KeptBodies) -> None:
        self._table = table
        self._listed = listed
        self._kept = kept
        self._first = str(listed["key"][0])
        self._begun = False
        self._found: Future[pl.Schema | None] = Future()

    def __call__(self, key: str) -> pl.Schema:
        """Return the columns of a file; those of the first one spare the others a search for types."""
        if key != self._first or self._begun:
            return self._looked_at(key)
        self._begun = True
        found = None
        try:
            found = self._looked_at(key)
        finally:
            # Whatever became of it: others wait.
            self._found.set_result(found)
        return found

    def _looked_at(self, key: str) -> pl.Schema:
        import polars as pl

        file = TextFile(*self._listed.filter(pl.col("key") == key).select("key", "size", "etag").row(0))
        body = self._fetched(file) if file.size <= SMALL else None
        # Fetched at the same time as the others, and looked at behind the first, if that one is under way.
        known = self._found.result() if self._begun and key != self._first else None
        return self._table.sampled(file, body, known)

    def _fetched(self, file: TextFile) -> bytes:
        body, etag = self._table.folder.objects.get_told(file.key)
        if etag == file.etag:
            # Else it was changed since it was listed: whoever reads it is to see that.
            self._kept.keep(file.key, etag, body)
        return body
