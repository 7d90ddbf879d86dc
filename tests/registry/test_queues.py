"""Queues in the registry: what is refused, with the line that says it."""

import re
from typing import Any

import pytest

from s3_assets.connection.adapters.boto_queues import at_queue
from s3_assets.connection.settings import S3Connection
from s3_assets.errors import RegistryError
from s3_assets.registry import Registry

URL = "https://sqs.eu-central-1.amazonaws.com/111122223333/lake-events"


def registry(**queues: dict[str, Any]) -> Registry:
    connections = {"lake": {"url": "s3://lake/"}, "landing": {"url": "s3://landing/"}}
    sections: dict[str, Any] = {"connections": connections, "queues": queues}
    return Registry(**sections)


def test_what_is_left_out() -> None:
    queue = registry(events={"connection": "lake", "queue_url": URL}).queues["events"]

    assert (queue.connections, queue.sweep_minutes, queue.on_unreadable) == (("lake",), 60, "keep")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"connection": "lak"},
            "queues.events.connection: there is no connection 'lak'; did you mean 'lake'?",
        ),
        ({"tells_of": ["landin"]}, "there is no connection 'landin'; did you mean 'landing'?"),
        ({"queue_url": "lake-events"}, "write the queue's URL"),
        ({"queue_url": "https://sqs.eu-central-1.amazonaws.com/lake-events"}, "https://HOST/ACCOUNT/NAME"),
        ({"queue_url": "https://me:secret@localhost/1/q"}, "carries a user"),
        ({"every_seconds": 600}, "visibility_seconds 300 ends before the next look can delete"),
        ({"wait_seconds": 21}, "less than or equal to 20"),
    ],
)
def test_what_is_refused(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(RegistryError, match=re.escape(told)) as error:
        registry(events={"connection": "lake", "queue_url": URL, **changes})

    assert "secret" not in str(error.value)


def test_two_that_would_take_messages_or_tables_from_each_other() -> None:
    one = {"connection": "lake", "queue_url": URL}
    with pytest.raises(RegistryError, match="it is that of 'one'; name the connections of both"):
        registry(one=one, two={"connection": "landing", "queue_url": URL})
    with pytest.raises(RegistryError, match="'one' tells of the connection 'lake' already"):
        registry(one=one, two={"connection": "landing", "tells_of": ["lake"], "queue_url": f"{URL}-2"})
    with pytest.raises(RegistryError, match="its sensor would be called like that of 'a/b'"):
        registry(**{"a/b": one, "a_b": {"connection": "landing", "queue_url": f"{URL}-2"}})


@pytest.mark.parametrize(
    ("url", "region", "server"),
    [
        (URL, "eu-central-1", "https://sqs.eu-central-1.amazonaws.com"),
        ("https://eu-west-1.queue.amazonaws.com/1/q", "eu-west-1", "https://eu-west-1.queue.amazonaws.com"),
        ("https://queue.amazonaws.com/1/q", "us-east-1", "https://queue.amazonaws.com"),
        (
            "https://sqs.cn-north-1.amazonaws.com.cn/1/q",
            "cn-north-1",
            "https://sqs.cn-north-1.amazonaws.com.cn",
        ),
        ("http://127.0.0.1:4566/000000000000/q", "us-west-2", "http://127.0.0.1:4566"),
    ],
)
def test_the_queues_own_region_and_server(url: str, region: str, server: str) -> None:
    connection = S3Connection(url="s3://lake/", region="us-west-2")

    there = at_queue(connection, url)

    assert (there.region, there.service_endpoints.sqs) == (region, server)
    declared = connection.model_copy(
        update={"service_endpoints": connection.service_endpoints.model_copy(update={"sqs": "https://vpce"})}
    )
    assert at_queue(declared, url).service_endpoints.sqs == "https://vpce"
