"""Probes of what no table needs, but other tools on the same credentials may: asked for with `--all`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from s3_assets.permissions.findings import Finding, untested
from s3_assets.permissions.identities import is_public

if TYPE_CHECKING:
    from collections.abc import Iterator

    from s3_assets.connection.settings import S3Connection
    from s3_assets.permissions.requests import Requests
    from s3_assets.permissions.service import Service

LOCATION, BUCKETS, GLUE = "s3:GetBucketLocation", "s3:ListAllMyBuckets", "glue:GetDatabases"
METRICS, SIZES = "cloudwatch:ListMetrics", "cloudwatch:GetMetricData"


def further_probes(connection: S3Connection, service: Service, requests: Requests) -> Iterator[Finding]:
    """Ask where the bucket is, which buckets there are, and for CloudWatch's metrics and Glue's databases."""
    bucket = connection.location.bucket
    yield requests.send(
        LOCATION, service.bucket(bucket), "get_bucket_location", parameters={"Bucket": bucket}
    )[0]
    if is_public(connection):
        for action in (BUCKETS, METRICS, SIZES, GLUE):
            yield untested(action, "*", "it needs credentials, and the connection is anonymous")
        return
    yield requests.send(BUCKETS, "*", "list_buckets")[0]
    endpoints = connection.service_endpoints
    for action, name, endpoint, operation, parameters in (
        (METRICS, "cloudwatch", endpoints.cloudwatch, "list_metrics", {"Namespace": "AWS/S3"}),
        (SIZES, "cloudwatch", endpoints.cloudwatch, "get_metric_data", _sizes(bucket)),
        (GLUE, "glue", endpoints.glue, "get_databases", {"MaxResults": 1}),
    ):
        if not service.amazon and endpoint is None:
            why = f"the endpoint is not AWS's, and service_endpoints.{name} is not set"
            yield untested(action, "*", why)
        else:
            yield requests.send(action, "*", operation, service=name, parameters=parameters)[0]


def _sizes(bucket: str) -> dict[str, Any]:
    """Ask for as little as can be asked for: the objects of the bucket on one day."""
    until = datetime.now(UTC)
    dimensions = {"BucketName": bucket, "StorageType": "AllStorageTypes"}
    of = {
        "Namespace": "AWS/S3",
        "MetricName": "NumberOfObjects",
        "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
    }
    query = {"Id": "objects", "MetricStat": {"Metric": of, "Period": 86_400, "Stat": "Average"}}
    return {"MetricDataQueries": [query], "StartTime": until - timedelta(days=1), "EndTime": until}
