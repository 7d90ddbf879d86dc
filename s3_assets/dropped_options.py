"""Options that a server takes when an upload begins, and then forgets: given to the object once it is there.

Amazon S3 keeps them. Ceph 16.2 drops the tags of multipart uploads and copies, ministack the tags and canned
ACLs of multipart uploads.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from s3_assets.connection.adapters import boto_writes
from s3_assets.connection.environment import address
from s3_assets.errors import S3AssetsError
from s3_assets.object_requests import told

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from s3_assets.connection.settings import S3Connection

_log = logging.getLogger(__name__)
_AMAZON = (".amazonaws.com", ".amazonaws.com.cn")


def is_amazon(connection: S3Connection) -> bool:
    """Tell whether the server is Amazon S3 itself, whose documentation can be trusted; asks nobody."""
    return (urlsplit(address(connection).url).hostname or "").endswith(_AMAZON)


def give_dropped_options(
    connection: S3Connection, key: str, tags: Mapping[str, str], canned_acl: str | None
) -> None:
    """Give an object the tags and the ACL that it was to be written with.

    What fails is logged as a warning: the object is committed, and cannot be taken back for that.
    """
    if tags:
        with _warned(connection, key, "tags"):
            if boto_writes.tags_of(connection, key) != tags:
                boto_writes.put_tags(connection, key, tags)
    if canned_acl is not None:
        with _warned(connection, key, "canned_acl"):
            boto_writes.put_acl(connection, key, canned_acl)


@contextmanager
def _warned(connection: S3Connection, key: str, option: str) -> Iterator[None]:
    try:
        with told(connection, key):
            yield
    except S3AssetsError as error:
        _log.warning("the option %s may be missing: %s", option, error)
