"""How much whole buckets hold, as CloudWatch tells it: two requests for a bucket, however full it is.

Amazon counts once a day. It counts noncurrent versions and parts of unfinished uploads as well, which no
listing shows, and overheads of archived objects.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from s3_assets.connection.adapters import boto_metrics
from s3_assets.connection.auth import AnonymousAuth
from s3_assets.connection.diagnosis import diagnosed
from s3_assets.connection.environment import address

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from s3_assets.connection.adapters.boto_metrics import Metric, Point
    from s3_assets.connection.settings import S3Connection

# The last day's numbers come one or two days late.
_DAYS = 4
_BYTES, _OBJECTS = "BucketSizeBytes", "NumberOfObjects"


@dataclass(frozen=True)
class Usage:
    """Objects and bytes of a bucket at the end of a day, and the bytes of each type of storage."""

    bucket: str
    objects: int
    bytes: int
    storage: dict[str, int]
    day: datetime


def answers(connection: S3Connection) -> bool:
    """Tell whether CloudWatch may be asked: of Amazon's buckets, and where a `cloudwatch` endpoint is set."""
    if isinstance(connection.auth, AnonymousAuth):
        return False
    if connection.service_endpoints.cloudwatch is not None:
        return True
    return address(connection).amazon


def usages(connection: S3Connection, bucket: str | None = None) -> dict[str, Usage]:
    """Return what CloudWatch tells of a bucket, or of all buckets of the connection's region.

    Buckets without numbers of the last days are missing. Raises `AccessDeniedError` where CloudWatch may not
    be asked, and what else the connection may raise.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    with diagnosed(connection, "CloudWatch", BotoCoreError, ClientError):
        found = boto_metrics.points(connection, boto_metrics.metrics(connection, bucket), _DAYS)
    told = (_usage(name, found) for name in sorted({each.bucket for each in found}))
    return {each.bucket: each for each in told if each is not None}


def _usage(bucket: str, found: dict[Metric, list[Point]]) -> Usage | None:
    own = {metric: points for metric, points in found.items() if metric.bucket == bucket}
    storage, day = _latest({metric: points for metric, points in own.items() if metric.name == _BYTES})
    objects, _ = _latest({metric: points for metric, points in own.items() if metric.name == _OBJECTS})
    if day is None:
        return None
    return Usage(bucket, sum(objects.values()), sum(storage.values()), storage, day)


def _latest(found: dict[Metric, list[Point]]) -> tuple[dict[str, int], datetime | None]:
    """Return the values of the last day that has any: what is told of days before may be gone since."""
    day = max(_days(found.values()), default=None)
    return {
        metric.storage_type: round(point.value)
        for metric, points in sorted(found.items())
        for point in points
        if point.day == day
    }, day


def _days(found: Iterable[list[Point]]) -> Iterable[datetime]:
    return (point.day for points in found for point in points)
