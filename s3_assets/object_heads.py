"""What the server tells of one object: headers, user metadata, and its first bytes in the same request."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from s3_assets.connection.adapters import obstore as adapter
from s3_assets.connection.adapters import obstore_verbs as verbs
from s3_assets.connection.diagnosis import diagnosed
from s3_assets.connection.symptoms import ARCHIVED

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager
    from datetime import datetime

    from obstore import Attributes, GetOptions

    from s3_assets.connection.settings import S3Connection
    from s3_assets.errors import AccessDeniedError

_CONTENT_TYPE = "Content-Type"
# What obstore tells among the user metadata; names of these are in lower case, as S3 has them.
_HEADERS = (
    *(_CONTENT_TYPE, "Content-Encoding", "Content-Language", "Content-Disposition", "Cache-Control"),
    "Storage-Class",
)
# What AWS's encryption client keeps of itself there.
_OF_ENCRYPTION = "x-amz-"


@dataclass(frozen=True)
class Head:
    """What the server tells of an object, without its body; `key` counts from the bucket's root."""

    key: str
    size: int
    etag: str
    modified: datetime
    """To the second: listings may be more exact."""
    content_type: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    """Content-Encoding, Content-Language, Content-Disposition and Cache-Control, as far as they are set."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    encryption: Mapping[str, str] = field(default_factory=dict)
    """What AWS's encryption client keeps with what it has encrypted: without it, nobody can decrypt that."""


class Heads:
    """The objects of one connection's bucket, as the server tells of them."""

    def __init__(self, connection: S3Connection) -> None:
        self._connection = connection

    def head(self, key: str) -> Head:
        """Return what the server tells of the object; raises `ObjectMissingError`."""
        with self._diagnosed(key):
            found = verbs.get(adapter.store(self._connection), key, options={"head": True})
            return _head(
                key, found.meta["size"], found.meta["e_tag"], found.meta["last_modified"], found.attributes
            )

    def start(self, key: str, length: int) -> tuple[Head, bytes]:
        """Return the same and the first bytes, as many as there are, in one request.

        Raises `ObjectMissingError`, `AccessDeniedError` for an archived object (see `is_archived`), and the
        server's refusal for one without a byte.
        """
        asked: GetOptions = {"range": (0, length)}
        with self._diagnosed(key):
            found = verbs.get(adapter.store(self._connection), key, options=asked)
            meta, attributes = found.meta, found.attributes
            body = bytes(found.bytes())
        return _head(key, meta["size"], meta["e_tag"], meta["last_modified"], attributes), body

    def _diagnosed(self, key: str) -> AbstractContextManager[None]:
        from obstore.exceptions import BaseError

        location = f"s3://{self._connection.location.bucket}/{key}"
        return diagnosed(self._connection, location, BaseError, OSError, ValueError)


def is_archived(error: AccessDeniedError) -> bool:
    """Tell whether the body was refused because the object is archived, and not restored."""
    return error.found.startswith(ARCHIVED.found)


def _head(key: str, size: int, etag: str | None, modified: datetime, attributes: Attributes) -> Head:
    told = {str(name): str(value) for name, value in attributes.items()}
    content_type = told.pop(_CONTENT_TYPE, None)
    headers = {name: told.pop(name) for name in _HEADERS if name in told}
    encryption = {name: told.pop(name) for name in sorted(told) if name.startswith(_OF_ENCRYPTION)}
    return Head(
        key, size, etag or "", modified, content_type, headers, dict(sorted(told.items())), encryption
    )
