"""Messages of SQS queues, by boto3; all functions raise botocore's errors."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from s3_assets.connection.adapters import boto

if TYPE_CHECKING:
    from collections.abc import Sequence

    from s3_assets.connection.settings import S3Connection

MOST = 10
"""Messages of one request (Amazon SQS API Reference, "ReceiveMessage", "DeleteMessageBatch")."""
# AWS General Reference, "Amazon SQS endpoints and quotas": today's, the legacy ones, and those of FIPS.
_AMAZON = re.compile(
    r"^(?:sqs(?:-fips)?\.(?P<region>[a-z0-9-]+)|(?P<legacy>[a-z0-9-]+)\.queue|(?P<first>queue))"
    r"\.amazonaws\.com(?:\.cn)?$"
)
# Seconds that an answer may take besides the time that the server waits for messages.
_READ_TIMEOUT = 10.0


class Received(NamedTuple):
    """A message as it was received: `receives` counts how often it was, this time with it."""

    id: str
    handle: str
    body: str
    receives: int


class Waiting(NamedTuple):
    """About how many messages a queue has: to be received, and hidden for a while."""

    visible: int
    hidden: int


def receive(
    connection: S3Connection, url: str, *, most: int, wait_seconds: int, visibility_seconds: int
) -> list[Received]:
    """Receive messages, ten at most, and hide them from others for a while."""
    answer = _client(connection, url).receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=min(most, MOST),
        WaitTimeSeconds=wait_seconds,
        VisibilityTimeout=visibility_seconds,
        # Its name since 2024 is not known by all servers.
        AttributeNames=["ApproximateReceiveCount"],
    )
    return [
        Received(
            each["MessageId"],
            each["ReceiptHandle"],
            each.get("Body", ""),
            int(each.get("Attributes", {}).get("ApproximateReceiveCount", 1)),
        )
        for each in answer.get("Messages", ())
    ]


def delete(connection: S3Connection, url: str, handles: Sequence[str]) -> dict[str, str]:
    """Delete messages, ten at most; return those that were not, with the server's word for why."""
    entries = [{"Id": str(index), "ReceiptHandle": handle} for index, handle in enumerate(handles)]
    answer = _client(connection, url).delete_message_batch(QueueUrl=url, Entries=entries)
    return {
        handles[int(each["Id"])]: str(each.get("Code") or each.get("Message", ""))
        for each in answer.get("Failed", ())
    }


def waiting(connection: S3Connection, url: str) -> Waiting:
    """Return how many messages there are; none is received by that."""
    names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    answer = _client(connection, url).get_queue_attributes(QueueUrl=url, AttributeNames=list(names))
    return Waiting(*(int(answer.get("Attributes", {}).get(name, 0)) for name in names))


def at_queue(connection: S3Connection, url: str) -> S3Connection:
    """Return the connection with the queue's own region, and its server unless another one is declared.

    A queue may be in another region than the bucket, where EventBridge or SNS stands between them.
    """
    host = (urlsplit(url).hostname or "").lower()
    changes: dict[str, Any] = {}
    amazon = _AMAZON.match(host)
    if amazon is not None:
        region = amazon["region"] or amazon["legacy"] or "us-east-1"
        if region != connection.region:
            changes["region"] = region
    if connection.service_endpoints.sqs is None:
        parts = urlsplit(url)
        endpoints = connection.service_endpoints.model_copy(
            update={"sqs": f"{parts.scheme}://{parts.netloc}"}
        )
        changes["service_endpoints"] = endpoints
    return connection.model_copy(update=changes) if changes else connection


def _client(connection: S3Connection, url: str) -> Any:  # noqa: ANN401 - boto3 makes clients at run time
    return boto.shared_client(at_queue(connection, url), _make)


def _make(connection: S3Connection) -> Any:  # noqa: ANN401 - boto3 makes clients at run time
    transport = connection.transport
    # A tick has less time than a table: an answer may take as long as the server may wait, and little more.
    quick = transport.model_copy(update={"read_timeout": min(transport.read_timeout, 20 + _READ_TIMEOUT)})
    return boto.client(connection.model_copy(update={"transport": quick}), "sqs")
