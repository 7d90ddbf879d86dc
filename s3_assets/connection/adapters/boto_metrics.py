"""Amazon's daily metrics of buckets in CloudWatch, by boto3; both functions raise botocore's errors."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from s3_assets.connection.adapters import boto

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from s3_assets.connection.settings import S3Connection

# Amazon S3 User Guide, "Metrics and dimensions": told once a day.
_NAMESPACE, _DAY = "AWS/S3", 86_400
# CloudWatch API Reference, "GetMetricData".
_MOST_QUERIES = 500
# Where a network lets nobody through to CloudWatch, that is to be known soon: there is another way.
_CONNECT_TIMEOUT, _RETRIES = 3.0, 1


class Metric(NamedTuple):
    """One number of a bucket: `BucketSizeBytes` or `NumberOfObjects`, for one type of storage."""

    name: str
    bucket: str
    storage_type: str


class Point(NamedTuple):
    """A day's value; the day is told by its first moment."""

    day: datetime
    value: float


def metrics(connection: S3Connection, bucket: str | None = None) -> list[Metric]:
    """Return the metrics of a bucket, or of all buckets of the region, that CloudWatch has of late."""
    dimensions = [] if bucket is None else [{"Name": "BucketName", "Value": bucket}]
    found = []
    for name in ("BucketSizeBytes", "NumberOfObjects"):
        pages = _client(connection).get_paginator("list_metrics")
        for page in pages.paginate(Namespace=_NAMESPACE, MetricName=name, Dimensions=dimensions):
            for each in page["Metrics"]:
                told = {one["Name"]: one["Value"] for one in each["Dimensions"]}
                if {"BucketName", "StorageType"} <= told.keys():
                    found.append(Metric(name, told["BucketName"], told["StorageType"]))
    return found


def points(connection: S3Connection, wanted: Sequence[Metric], days: int) -> dict[Metric, list[Point]]:
    """Return the values of each metric on the last days, as far as there are any."""
    until = datetime.now(UTC)
    since = until.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days)
    found: dict[Metric, list[Point]] = {}
    left = iter(wanted)
    while some := list(islice(left, _MOST_QUERIES)):
        for index, point in _told(connection, some, since, until):
            found.setdefault(some[index], []).append(point)
    return found


def _told(
    connection: S3Connection, some: Sequence[Metric], since: datetime, until: datetime
) -> Iterator[tuple[int, Point]]:
    pages = _client(connection).get_paginator("get_metric_data")
    queries = [_query(index, each) for index, each in enumerate(some)]
    for page in pages.paginate(MetricDataQueries=queries, StartTime=since, EndTime=until):
        for each in page["MetricDataResults"]:
            for day, value in zip(each["Timestamps"], each["Values"], strict=True):
                yield int(each["Id"].removeprefix("m")), Point(day.astimezone(UTC), value)


def _query(index: int, metric: Metric) -> dict[str, Any]:
    dimensions = [
        {"Name": "BucketName", "Value": metric.bucket},
        {"Name": "StorageType", "Value": metric.storage_type},
    ]
    of = {"Namespace": _NAMESPACE, "MetricName": metric.name, "Dimensions": dimensions}
    return {"Id": f"m{index}", "MetricStat": {"Metric": of, "Period": _DAY, "Stat": "Average"}}


def _client(connection: S3Connection) -> Any:  # noqa: ANN401 - boto3 makes clients at run time
    return boto.shared_client(connection, _make)


def _make(connection: S3Connection) -> Any:  # noqa: ANN401 - boto3 makes clients at run time
    transport = connection.transport
    quick = transport.model_copy(
        update={
            "connect_timeout": min(transport.connect_timeout, _CONNECT_TIMEOUT),
            "max_retries": min(transport.max_retries, _RETRIES),
        }
    )
    return boto.client(connection.model_copy(update={"transport": quick}), "cloudwatch")
