"""Options that a server takes when an upload begins, and then forgets: given to the object once it is there.

Amazon S3 keeps them. Ceph 16.2 drops the tags of multipart uploads, ministack tags and canned ACLs.
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
    from collections.abc import Iterator

    from s3_assets.connection.settings import S3Connection
    from s3_assets.pending import Pending

_log = logging.getLogger(__name__)
_AMAZON = (".amazonaws.com", ".amazonaws.com.cn")


def is_amazon(connection: S3Connection) -> bool:
    """Tell whether the server is Amazon S3 itself, whose documentation can be trusted; asks nobody."""
    return (urlsplit(address(connection).url).hostname or "").endswith(_AMAZON)


def give_dropped_options(connection: S3Connection, pending: Pending) -> None:
    """Give a completed object the tags and the ACL that its upload began with.

    What fails is logged as a warning: the object is committed, and cannot be taken back for that.
    """
    if pending.tags:
        with _warned(connection, pending, "tags"):
            if boto_writes.tags_of(connection, pending.key) != pending.tags:
                boto_writes.put_tags(connection, pending.key, pending.tags)
    if pending.canned_acl is not None:
        with _warned(connection, pending, "canned_acl"):
            boto_writes.put_acl(connection, pending.key, pending.canned_acl)


@contextmanager
def _warned(connection: S3Connection, pending: Pending, option: str) -> Iterator[None]:
    try:
        with told(connection, pending.key):
            yield
    except S3AssetsError as error:
        _log.warning("the option %s may be missing: %s", option, error)
