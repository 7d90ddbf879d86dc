"""Many objects, several at once: each is looked at, and copied if that is asked for."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from s3_assets.errors import AccessDeniedError
from s3_assets.media.inventory import KEY, looked_columns
from s3_assets.media.looking import Listed, Looker
from s3_assets.media.outcome import Counts

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from s3_assets.media.copies import Copying
    from s3_assets.media.looking import Looked
    from s3_assets.media.media_set import MediaSet
    from s3_assets.progress import Progress

# Rows that are Python objects, before they become columns.
_CHUNK = 1000
# Where no range can be read whole objects are, and stand in memory: fewer at once.
_WHOLE_AT_ONCE = 4


@dataclass(frozen=True)
class Many:
    """What was found of many objects: rows of those that are there, keys of those that vanished."""

    rows: pl.DataFrame
    vanished: pl.DataFrame
    counts: Counts
    vanished_first: str | None = None
    archived_first: str | None = None


def look_at_many(
    media: MediaSet, batch: pl.DataFrame, copying: Copying | None, progress: Progress | None
) -> Many:
    """Look at the objects of a listing; raises what the server refuses one of them with."""
    import polars as pl

    looker = Looker(media.source.connection)
    schema = looked_columns()
    frames, vanished, archived, counts = [pl.DataFrame(schema=schema)], list[str](), list[str](), Counts()

    def one(listed: Listed) -> tuple[Looked, str | None, Counts]:
        looked = looker.look(listed)
        copied_to, did = None, Counts()
        if looked.head is not None and copying is not None and not looked.archived:
            copied_to, did = copying.copy(looked.head)
        if progress is not None:
            progress.advance(rows=1, files=did.copied, bytes_=did.copied_bytes)
        return looked, copied_to, did

    encrypts = media.source.connection.encryption.client_side is not None
    with ThreadPoolExecutor(min(media.at_once, _WHOLE_AT_ONCE) if encrypts else media.at_once) as pool:
        for chunk in batch.select(Listed._fields).iter_slices(_CHUNK):
            rows: list[dict[str, Any]] = []
            for looked, copied_to, did in pool.map(one, _listed(chunk)):
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


def _listed(chunk: pl.DataFrame) -> Iterator[Listed]:
    return (Listed(*row) for row in chunk.iter_rows())
