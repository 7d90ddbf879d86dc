"""A request and an answer of the identity server, without the HTTP around them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Request:
    """What came."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    """With names in lower case."""
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What goes back, and what the log says of it."""

    status: int
    content: str
    action: str
    content_type: str = "text/plain"
    headers: Mapping[str, str] = field(default_factory=dict)
    base_key_id: str | None = None
    issued: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)


def json_answer(status: int, content: Mapping[str, Any], action: str, issued: str | None = None) -> Answer:
    """An answer in JSON."""
    return Answer(status, json.dumps(content), action, "application/json", issued=issued)
