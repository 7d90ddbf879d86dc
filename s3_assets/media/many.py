"""Many objects, several at once: each is looked at, and copied if that is asked for."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from s3_assets.errors import AccessDeniedError, ObjectMissingError, SourceRewrittenError
from s3_assets.media.inventory import KEY, looked_columns
from s3_assets.media.looking import Listed, Looked, Looker
from s3_assets.media.outcome import Counts
from s3_assets.metrics import phase
from s3_assets.threads import ThreadPoolExecutor

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from s3_assets.media.copies import Copying
    from s3_assets.media.media_set import MediaSet
    from s3_assets.progress import Progress

# Rows that are Python objects, before they become columns.
_CHUNK = 1000
# Where no range can be read whole objects are, and stand in memory: fewer at once.
_WHOLE_AT_ONCE = 4
_TRIES = 3


@dataclass(frozen=True)
class Many:
    """What was found of many objects: rows of those that are there, keys of those that vanished."""

    rows: pl.DataFrame
    vanished: pl.DataFrame
    counts: Counts
    vanished_first: str | None = None
    archived_first: str | None = None


@phase("look")
def look_at_many(
    media: MediaSet, batch: pl.DataFrame, copying: Copying | None, progress: Progress | None
) -> Many:
    """Look at the objects of a listing; raises what the server refuses one of them with."""
    import polars as pl

    work = _Work(media, copying, progress)
    schema = looked_columns()
    frames, vanished, archived, counts = [pl.DataFrame(schema=schema)], list[str](), list[str](), Counts()
    encrypts = media.source.connection.encryption.client_side is not None
    with ThreadPoolExecutor(min(media.at_once, _WHOLE_AT_ONCE) if encrypts else media.at_once) as pool:
        for chunk in batch.select(Listed._fields).iter_slices(_CHUNK):
            rows: list[dict[str, Any]] = []
            for looked, copied_to, did in pool.map(work.one, _listed(chunk)):
                counts += did
                if looked.head is None:
                    vanished.append(looked.listed.key)
                    continue
                if looked.archived:
                    archived.append(looked.listed.key)
                rows.append(looked.row(copied_to))
            frames.append(pl.DataFrame(rows, schema=schema))
            if archived and media.on_archived == "fail":
                raise AccessDeniedError(
                    "the object is archived, and its header cannot be read",
                    remedy="Restore it, leave it out, or set on_archived: note.",
                    connection=media.source.connection.name,
                    location=f"s3://{media.source.location.bucket}/{archived[0]}",
                )
    return Many(
        pl.concat(frames),
        pl.DataFrame({KEY: vanished}, schema={KEY: pl.String}),
        counts + Counts(vanished=len(vanished), archived=len(archived)),
        next(iter(vanished), None),
        next(iter(archived), None),
    )


class _Work:
    """What is done with each object."""

    def __init__(self, media: MediaSet, copying: Copying | None, progress: Progress | None) -> None:
        self._looker = Looker(media.source.connection)
        self._copying = copying
        self._progress = progress

    def one(self, listed: Listed) -> tuple[Looked, str | None, Counts]:
        """Look at an object and copy it; one that is written anew meanwhile is looked at again."""
        found = self._settled(listed)
        if self._progress is not None:
            self._progress.advance(rows=1, files=found[2].copied, bytes_=found[2].copied_bytes)
        return found

    def _settled(self, listed: Listed) -> tuple[Looked, str | None, Counts]:
        for _ in range(_TRIES - 1):
            with suppress(SourceRewrittenError):
                return self._once(listed)
        return self._once(listed)

    def _once(self, listed: Listed) -> tuple[Looked, str | None, Counts]:
        try:
            looked = self._looker.look(listed)
            if looked.head is None or looked.archived or self._copying is None:
                return looked, None, Counts()
            return looked, *self._copying.copy(looked.head)
        except ObjectMissingError:
            return Looked(listed, None), None, Counts()


def _listed(chunk: pl.DataFrame) -> Iterator[Listed]:
    return (Listed(*row) for row in chunk.iter_rows())
