"""Copies of a media set's objects: each names in its user metadata whose copy it is, and of what.

So a run that begins again knows what is copied already, and no object of somebody else's is ever touched.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import nullcontext
from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Literal

from s3_assets.copier import Copier
from s3_assets.errors import KeyTakenError, ObjectMissingError
from s3_assets.media.inventory import KEY, Status
from s3_assets.media.outcome import Counts
from s3_assets.object_heads import Heads
from s3_assets.objects import Objects
from s3_assets.threads import ThreadPoolExecutor
from s3_assets.uploads import Uploads

if TYPE_CHECKING:
    import polars as pl

    from s3_assets.connection.settings import S3Connection
    from s3_assets.location import Location
    from s3_assets.media.source import MediaSource
    from s3_assets.object_heads import Head
    from s3_assets.object_options import ObjectOptions

SET = "s3-assets-media"
SOURCE_ETAG = "s3-assets-source-etag"
SOURCE_HEADERS = "s3-assets-source-headers"
"""User metadata of a copy: whose it is, its source's ETag, a digest of its source's headers and metadata."""

_DIGEST = 12
_LARGE = 8 * 1024 * 1024
_LARGE_AT_ONCE = 4
_HEADS_AT_ONCE = 16
# A page of a listing tells of so many keys; a request for each is spared where that is cheaper.
_KEYS_OF_A_PAGE = 1000
_REQUESTS_OF_A_PAGE = 20


@dataclass(frozen=True)
class Copies:
    """Where the objects of a media set are copied to, and how the copies are written."""

    media: str
    connection: S3Connection
    path_prefix: str
    options: ObjectOptions
    on_deleted: Literal["keep", "delete"] = "keep"

    @property
    def location(self) -> Location:
        """The folder of the copies; paths below it are those of the source."""
        return self.connection.location.folder(self.path_prefix)

    @property
    def mark(self) -> str:
        """What tells this place from others: objects that were copied elsewhere are copied again."""
        return f"copied:{_digest(self.connection.endpoint, self.location.url)}"

    def abort_left(self, source: MediaSource) -> int:
        """Abort uploads that a run did not end, at the keys of copies alone; return how many there were."""
        uploads, start = Uploads(self.connection), len(self.location.key)
        left = [
            each
            for each in uploads.open_uploads(self.location.key)
            if source.selection.takes(each.key[start:])
        ]
        for each in left:
            uploads.abort(each.key, each.upload_id)
        return len(left)

    def begin(self, source: MediaSource, batch: pl.DataFrame, known: int) -> Copying:
        """Begin with a batch of objects, of which `known` others were looked at before."""
        pages = 1 + (known + batch.height) // _KEYS_OF_A_PAGE
        there = None
        if batch.height > pages * _REQUESTS_OF_A_PAGE:
            there = frozenset(Objects(self.connection).list_frame(self.location.key)[KEY])
        return Copying(self, source, there)


class Copying:
    """The copies of one batch; may be used by several threads.

    `there` are the keys that were there when the batch began; None if each is asked for.
    """

    def __init__(self, copies: Copies, source: MediaSource, there: frozenset[str] | None) -> None:
        self.copies = copies
        self.source = source
        self.there = there
        self._copier = Copier(source.connection, copies.connection)
        self._few = BoundedSemaphore(_LARGE_AT_ONCE)

    def copy(self, head: Head) -> tuple[str, Counts]:
        """Copy one object unless that was done; return the copy's place, and what was done.

        Raises `KeyTakenError` if an object of somebody else's is there.
        """
        key = self._key(head.key)
        place = f"s3://{self.copies.location.bucket}/{key}"
        known = self._own(key)
        wanted = self._marks(head)
        if known is not None and wanted.items() <= known.metadata.items():
            return place, Counts(already_copied=1)
        # What goes through this machine is held in memory part by part: few at a time.
        with self._few if head.size > _LARGE and not self._copier.on_server else nullcontext():
            self._copier.copy(head, key, self.copies.options, wanted)
        return place, Counts(copied=1, copied_bytes=head.size)

    def delete_of_gone(self, gone: pl.DataFrame) -> int:
        """Delete the copies of deleted objects, if that is asked for; return how many there were."""
        if self.copies.on_deleted == "keep":
            return 0
        deleted = list(gone.filter(gone["became"] == Status.DELETED)[KEY])
        with ThreadPoolExecutor(_HEADS_AT_ONCE) as pool:
            found = zip(deleted, pool.map(self._is_left, deleted), strict=True)
            left = [self._key(key) for key, is_left in found if is_left]
        return Objects(self.copies.connection).delete(left)

    def _key(self, key: str) -> str:
        return self.copies.location.key + key.removeprefix(self.source.location.key)

    def _own(self, key: str) -> Head | None:
        """Return what is at a key if it is ours, None if nothing is; raises `KeyTakenError` for another's."""
        found = self._head(key)
        if found is None or found.metadata.get(SET) == self.copies.media:
            return found
        raise KeyTakenError(
            "there is an object where a copy is to be, and this media set did not put it there",
            remedy="Move it away, or choose another path_prefix for the copies.",
            connection=self.copies.connection.name,
            location=f"s3://{self.copies.location.bucket}/{key}",
        )

    def _is_left(self, key: str) -> bool:
        """Tell whether the copy of an object is ours, and its object still gone.

        Another run may have found it again meanwhile, and copied it.
        """
        found = self._head(self._key(key))
        if found is None or found.metadata.get(SET) != self.copies.media:
            return False
        return not Objects(self.source.connection).exists(key)

    def _head(self, key: str) -> Head | None:
        if self.there is not None and key not in self.there:
            return None
        try:
            return Heads(self.copies.connection).head(key)
        except ObjectMissingError:
            return None

    def _marks(self, head: Head) -> dict[str, str]:
        return {
            SET: self.copies.media,
            SOURCE_ETAG: head.etag.strip('"'),
            SOURCE_HEADERS: _digest(head.content_type, dict(head.headers), dict(head.metadata)),
        }


def _digest(*values: object) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:_DIGEST]
