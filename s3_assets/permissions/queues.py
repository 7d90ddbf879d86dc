"""What a queue of notifications needs: policies, and probes that receive and delete no message.

Amazon SQS Developer Guide, "Amazon SQS API permissions".
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from s3_assets.connection.adapters.boto_queues import at_queue
from s3_assets.permissions.documents import Statement
from s3_assets.permissions.identities import is_public
from s3_assets.permissions.requests import Requests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from s3_assets.connection.settings import S3Connection
    from s3_assets.permissions.findings import Finding
    from s3_assets.permissions.service import Service
    from s3_assets.registry.models import Registry
    from s3_assets.registry.queues import QueueSettings

RECEIVE, DELETE, COUNT = "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"
# Of no message: the answer to a request that is allowed says so.
_NO_HANDLE = "s3-assets-check"
_NO_NUMBER = 0
_REFUSED_NUMBERS = ("InvalidParameterValue", "InvalidParameterValueException", "ReadCountOutOfRange")
_REFUSED_HANDLES = ("ReceiptHandleIsInvalid", *_REFUSED_NUMBERS)


def queue_statements(registry: Registry, connection: str, service: Service) -> Iterator[Statement]:
    """Yield what the queues need that the connection receives from; counting is for trying a sensor."""
    for queue in registry.queues.values():
        if queue.connection == connection:
            yield Statement(
                "ReceiveNotifications", (RECEIVE, DELETE, COUNT), (_arn(registry, queue, service),)
            )


def queue_probes(
    registry: Registry,
    connection: str,
    service: Service,
    show: Callable[[str], None] | None = None,
) -> Iterator[Finding]:
    """Ask for what is told by the answer alone: no message is received, and none is deleted."""
    for queue in registry.queues.values():
        if queue.connection != connection or is_public(registry.connections[connection]):
            continue
        arn, url = _arn(registry, queue, service), queue.queue_url
        requests = Requests(at_queue(registry.connections[connection], url), show)
        for action, operation, parameters, fine in (
            (COUNT, "get_queue_attributes", {"AttributeNames": ["QueueArn"]}, ()),
            (RECEIVE, "receive_message", {"MaxNumberOfMessages": _NO_NUMBER}, _REFUSED_NUMBERS),
            (DELETE, "delete_message", {"ReceiptHandle": _NO_HANDLE}, _REFUSED_HANDLES),
        ):
            yield requests.send(
                action, arn, operation, service="sqs", fine=fine, parameters={"QueueUrl": url, **parameters}
            )[0]


def _arn(registry: Registry, queue: QueueSettings, service: Service) -> str:
    there: S3Connection = at_queue(registry.connections[queue.connection], queue.queue_url)
    account, name = urlsplit(queue.queue_url).path.strip("/").split("/")[-2:]
    return service.of("sqs", name, there.region, account=account)
