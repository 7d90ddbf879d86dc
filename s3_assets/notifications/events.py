"""What messages say: S3's own notifications, alone or wrapped by SNS, and those of EventBridge.

Amazon S3 User Guide, "Event message structure" and "EventBridge event schema"; Amazon SNS Developer Guide,
"Parsing Amazon SNS message formats".
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote_plus

from s3_assets.errors import BadMessageError

if TYPE_CHECKING:
    from collections.abc import Iterator

_REMEDY = "Let S3, SNS or EventBridge alone send to the queue, or set on_unreadable: delete."
# SNS before SQS, and EventBridge before SNS.
_DEEPEST = 2
_TEST = "s3:TestEvent"
# Of topics: nothing that objects have to do with.
_CONFIRMATIONS = ("SubscriptionConfirmation", "UnsubscribeConfirmation")


class ObjectEvent(NamedTuple):
    """What happened to an object, such as `ObjectCreated:Put`; `key` is the key itself, decoded."""

    bucket: str
    key: str
    what: str


def read_events(body: str) -> list[ObjectEvent]:
    """Return what a message tells, in its order; nothing for a test and for a topic's own messages.

    Raises `BadMessageError` for anything that is not a notification. No text of it is quoted: it may be
    anybody's.
    """
    return list(_read(body, 0))


def _read(body: str, depth: int) -> Iterator[ObjectEvent]:
    document = _object(body)
    if document.get("Event") == _TEST or document.get("Type") in _CONFIRMATIONS:
        return
    if isinstance(document.get("Message"), str) and "TopicArn" in document:
        if depth >= _DEEPEST:
            raise BadMessageError("the message is wrapped too often", remedy=_REMEDY)
        yield from _read(document["Message"], depth + 1)
    elif isinstance(document.get("Records"), list):
        for record in document["Records"]:
            yield _of_s3(record)
    elif isinstance(document.get("detail"), dict) and document.get("source") == "aws.s3":
        # EventBridge writes keys as they are.
        yield _event(document["detail"], str(document.get("detail-type", "")))
    else:
        raise BadMessageError(
            "the message is JSON, and no notification of S3, SNS or EventBridge", remedy=_REMEDY
        )


def _object(body: str) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        # Outside of the handler, so that nothing is chained: the error quotes the message.
        raise BadMessageError("the message is no JSON object", remedy=_REMEDY)
    return found


def _of_s3(record: object) -> ObjectEvent:
    if not isinstance(record, dict) or not isinstance(record.get("s3"), dict):
        raise BadMessageError("a record of the message tells of no object", remedy=_REMEDY)
    event = _event(record["s3"], str(record.get("eventName", "")))
    # Written as in a form: `+` is a space, `%2B` is a plus.
    return event._replace(key=unquote_plus(event.key))


def _event(told: dict[str, Any], what: str) -> ObjectEvent:
    bucket, found = told.get("bucket"), told.get("object")
    name = bucket.get("name") if isinstance(bucket, dict) else None
    key = found.get("key") if isinstance(found, dict) else None
    if not isinstance(name, str) or not isinstance(key, str) or not name or not key:
        raise BadMessageError("the message names no bucket and key", remedy=_REMEDY)
    return ObjectEvent(name, key, what.removeprefix("s3:"))
