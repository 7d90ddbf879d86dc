"""The buckets that a connection's credentials see, by boto3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from s3_assets.connection.adapters import boto
from s3_assets.connection.environment import address

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from s3_assets.connection.settings import S3Connection

_MOST = 1000


class Bucket(NamedTuple):
    """A bucket's name, when it was made, and the region if the server tells it."""

    name: str
    created: datetime | None
    region: str | None


def buckets(connection: S3Connection) -> Iterator[Bucket]:
    """Yield all buckets by name; raises botocore's errors."""
    client = boto.shared_client(connection, boto.client)
    # Amazon tells regions and pages where one of its newer parameters is given; others may not know it.
    asked: dict[str, Any] = {} if address(connection).endpoint else {"MaxBuckets": _MOST}
    while True:
        found = client.list_buckets(**asked)
        for each in found.get("Buckets", ()):
            yield Bucket(each["Name"], each.get("CreationDate"), each.get("BucketRegion"))
        if not found.get("ContinuationToken"):
            return
        asked["ContinuationToken"] = found["ContinuationToken"]
