"""What messages say, in the shapes that Amazon documents; and what nobody can read."""

import json

import pytest

from s3_assets.errors import BadMessageError
from s3_assets.notifications.events import ObjectEvent, read_events
from tests.support.notifications import TEST_EVENT, by_eventbridge, by_sns, of_s3

KEYS = ["landing/a b.csv", "landing/a+b.csv", "landing/100%/ä=ü.csv", "landing/a%20b.csv", "landing/a%2Bb"]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("wrapped", ["s3", "sns", "eventbridge", "eventbridge and sns"])
def test_keys_arrive_as_they_are(key: str, wrapped: str) -> None:
    """S3 writes keys as a form does, where `+` is a space; EventBridge writes them as they are."""
    message = by_eventbridge("lake", key) if wrapped.startswith("eventbridge") else of_s3("lake", key)
    body = by_sns(message) if wrapped.endswith("sns") else message

    (event,) = read_events(body)

    assert (event.bucket, event.key) == ("lake", key)


def test_a_message_may_tell_of_several_objects() -> None:
    found = read_events(of_s3("lake", "a", "b", name="ObjectRemoved:Delete"))

    assert found == [
        ObjectEvent("lake", "a", "ObjectRemoved:Delete"),
        ObjectEvent("lake", "b", "ObjectRemoved:Delete"),
    ]


@pytest.mark.parametrize(
    "body", [TEST_EVENT, by_sns(TEST_EVENT), json.dumps({"Type": "SubscriptionConfirmation", "Token": "x"})]
)
def test_what_tells_of_nothing(body: str) -> None:
    assert read_events(body) == []


@pytest.mark.parametrize(
    "body",
    [
        "",
        "secret words",
        "[]",
        "12",
        "{}",
        "[" * 100_000,
        '{"Records": [1]}',
        '{"Records": [{"s3": {"bucket": {"name": "lake"}}}]}',
        '{"Records": [{"s3": {"bucket": {"name": 5}, "object": {"key": "k"}}}]}',
        by_sns("secret words"),
        by_sns(by_sns(by_sns(by_sns(TEST_EVENT)))),
        by_eventbridge("lake", "k").replace("aws.s3", "aws.ec2"),
    ],
    ids=str.__len__,
)
def test_what_nobody_can_read_is_refused_and_not_quoted(body: str) -> None:
    with pytest.raises(BadMessageError) as error:
        read_events(body)

    assert "secret" not in str(error.value)
    assert error.value.__cause__ is None
