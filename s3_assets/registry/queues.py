"""Queues of S3's event notifications, as the registry declares them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from s3_assets.registry.problems import Problem, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

# Amazon SQS Developer Guide, "Queue and message identifiers": the last part of a path of two parts.
_QUEUE = re.compile(r"^/(?:[^/]+/)+[A-Za-z0-9_-]{1,80}(?:\.fifo)?$")
# Seconds between two ticks, and of a tick itself, that a message has to stay unseen by others.
_LONGEST_TICK = 60


class QueueSettings(BaseModel):
    """An SQS queue that tells of new objects: what it names is looked at, and all else at each sweep."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True, hide_input_in_errors=True)

    connection: str = Field(
        description="Name of the connection whose credentials, proxy and certificates reach the queue."
    )
    queue_url: str = Field(
        description="Such as https://sqs.eu-central-1.amazonaws.com/111122223333/lake-events."
    )
    tells_of: tuple[str, ...] = Field(
        default=(),
        description="Connections whose tables and media sets it tells of; left out: the connection alone.",
    )
    every_seconds: int = Field(default=30, ge=1, description="Seconds between two looks into the queue.")
    sweep_minutes: int = Field(
        default=60,
        ge=1,
        description="Minutes between two looks at all tables and media sets: what no message told is found.",
    )
    wait_seconds: int = Field(
        default=1, ge=0, le=20, description="How long one request waits for messages (long polling)."
    )
    visibility_seconds: int = Field(
        default=300,
        ge=60,
        le=43_200,
        description="How long messages are hidden from others; they are deleted by the look after the one "
        "that received them.",
    )
    max_messages: int = Field(
        default=10_000, ge=10, description="Messages that one look receives; the others wait for the next."
    )
    on_unreadable: Literal["keep", "delete"] = Field(
        default="keep",
        description="What becomes of messages that are no notifications, besides being reported: keep leaves "
        "them to the queue's redrive policy.",
    )
    max_receives: int = Field(
        default=5, ge=2, description="A message that was received more often is reported."
    )

    @field_validator("queue_url")
    @classmethod
    def _whole(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or not _QUEUE.match(parts.path):
            raise ValueError("write the queue's URL, as SQS tells it: https://HOST/ACCOUNT/NAME")
        if "@" in parts.netloc:
            raise ValueError("the queue's URL carries a user; give keys as the connection's auth")
        return url

    @model_validator(mode="after")
    def _hidden_until_deleted(self) -> QueueSettings:
        if self.visibility_seconds < self.every_seconds + _LONGEST_TICK:
            raise ValueError(
                f"visibility_seconds {self.visibility_seconds} ends before the next look can delete what "
                f"this one received; make it {self.every_seconds + _LONGEST_TICK} or more"
            )
        return self

    @property
    def connections(self) -> tuple[str, ...]:
        """The connections whose tables it tells of."""
        return self.tells_of or (self.connection,)


def queue_problems(queues: Mapping[str, QueueSettings], connections: Collection[str]) -> Iterator[Problem]:
    """Yield what does not fit together."""
    urls: dict[str, str] = {}
    told: dict[str, str] = {}
    named: dict[str, str] = {}
    for name, queue in queues.items():
        if queue.connection not in connections:
            yield Problem(("queues", name, "connection"), _missing(queue.connection, connections))
        for each in queue.tells_of:
            if each not in connections:
                yield Problem(("queues", name, "tells_of"), _missing(each, connections))
        other = urls.setdefault(queue.queue_url, name)
        if other != name:
            # Each would take messages from the other.
            yield Problem(
                ("queues", name, "queue_url"),
                f"it is that of '{other}'; name the connections of both in one tells_of",
            )
        for each in queue.connections:
            other = told.setdefault(each, name)
            if other != name:
                yield Problem(
                    ("queues", name, "tells_of"), f"'{other}' tells of the connection '{each}' already"
                )
        # Names of sensors know no slashes.
        other = named.setdefault(name.replace("/", "_"), name)
        if other != name:
            yield Problem(("queues", name), f"its sensor would be called like that of '{other}'; rename it")


def _missing(name: str, connections: Collection[str]) -> str:
    return f"there is no connection '{name}'{did_you_mean(name, connections)}"
