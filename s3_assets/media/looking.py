"""One look at one object: what the server tells of it, and what its first bytes do."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from s3_assets.errors import AccessDeniedError, ObjectMissingError, ServerFailureError
from s3_assets.media.durations import duration
from s3_assets.media.found_types import found_type
from s3_assets.media.header import START, Header
from s3_assets.media.images import image_size
from s3_assets.object_heads import Head, Heads, is_archived
from s3_assets.objects import Objects

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from s3_assets.connection.settings import S3Connection

# Their bodies are not to be had; GLACIER_IR is read at once.
_ARCHIVES = frozenset({"GLACIER", "DEEP_ARCHIVE"})


class Listed(NamedTuple):
    """An object as a listing has it."""

    key: str
    size: int
    etag: str
    modified: datetime
    storage_class: str


@dataclass(frozen=True)
class Looked:
    """An object that was looked at: what the server says of it, and what its header does.

    `head` is None if it vanished in between. An `archived` one has no body that could be read.
    """

    listed: Listed
    head: Head | None
    found_type: str | None = None
    width: int | None = None
    height: int | None = None
    duration: float | None = None
    archived: bool = False

    def row(self, copied_to: str | None) -> dict[str, Any]:
        """Return what a look adds to the inventory."""
        head, listed = self.head, self.listed
        if head is None:
            raise ObjectMissingError("the object has vanished", location=listed.key)
        # Of the moments of one object, the listing's is the more exact.
        same = head.etag == listed.etag
        return {
            "key": listed.key,
            "name": listed.key.rpartition("/")[2],
            "size": listed.size if same else head.size,
            "content_type": head.content_type,
            "found_type": self.found_type,
            "etag": head.etag.strip('"'),
            "modified": listed.modified if same else head.modified,
            "storage_class": listed.storage_class,
            "metadata": _text(head.metadata),
            "width": self.width,
            "height": self.height,
            "duration": self.duration,
            "copied_to": copied_to,
        }


class Looker:
    """Looks at the objects of one connection; may be used by several threads."""

    def __init__(self, connection: S3Connection) -> None:
        self._heads = Heads(connection)
        self._objects = Objects(connection)

    def look(self, listed: Listed) -> Looked:
        """Look at one object: one request for most, a few more for a header that is spread out.

        Raises `ObjectMissingError` if it is gone, `SourceRewrittenError` if it is written anew meanwhile.
        """
        if listed.storage_class in _ARCHIVES and not self._objects.restored(listed.key):
            return Looked(listed, self._heads.head(listed.key), archived=True)
        if not listed.size:
            return Looked(listed, self._heads.head(listed.key))
        if self._objects.encrypts:
            # What is encrypted has no beginning that could be read alone.
            body = self._objects.get(listed.key)
            return _seen(listed, self._heads.head(listed.key), Header(body, len(body)))
        try:
            head, start = self._heads.start(listed.key, START)
        except AccessDeniedError as error:
            if not is_archived(error):
                raise
            # Intelligent tiering archives, too, and no listing tells.
            return Looked(listed, self._heads.head(listed.key), archived=True)
        except ServerFailureError:
            head = self._heads.head(listed.key)
            if head.size:
                raise
            # It was emptied since the listing: no range of it can be read.
            return Looked(listed, head)

        def fetch(begin: int, end: int) -> bytes:
            return self._objects.get_range(listed.key, begin, end, etag=head.etag)

        return _seen(listed, head, Header(start, head.size, fetch))


def _seen(listed: Listed, head: Head, header: Header) -> Looked:
    kind = found_type(header.start)
    width, height = image_size(kind, header) or (None, None)
    return Looked(listed, head, kind, width, height, duration(kind, header))


def _text(metadata: Mapping[str, str]) -> str | None:
    if not metadata:
        return None
    return json.dumps(dict(sorted(metadata.items())), ensure_ascii=False, separators=(",", ":"))
