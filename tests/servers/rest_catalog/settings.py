"""What a REST catalog believes, and what it was asked: two files, so that any process may look."""

import json
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

_lock = threading.Lock()


@dataclass(frozen=True)
class Settings:
    """Can be changed while the server runs."""

    files: Mapping[str, str]
    """How PyArrow reaches S3: PyIceberg's `s3.*` properties."""
    warehouse: str
    """Where tables lie if nobody says where."""
    token: str | None = None
    """Refuse other bearer tokens."""
    clients: Mapping[str, str] = field(default_factory=dict)
    """Client ids and secrets that are changed for tokens; with any, requests need such a token."""
    token_seconds: float = 3600.0
    """How long these tokens are good, as the client is told."""
    signers: Mapping[str, str] = field(default_factory=dict)
    """Keys and their secrets; with any, requests need the signature of one."""
    session_keys: bool = False
    """Whether the session keys of the tests' STS sign, too, as long as they are good."""
    service: str = "glue"
    """The service that a signature has to be for."""
    prefix: str = ""
    """What stands before namespaces in a path, as the client is told."""
    warehouses: tuple[str, ...] = ()
    """As Unity Catalog: the client has to name one of them, and its prefix is `catalogs/<name>`."""
    lends: str | None = None
    """The role, an ARN, whose session keys clients get who ask for keys; the server's STS gives them."""
    lent_seconds: float = 900.0
    """How long the client is told that they are good."""
    lends_by_endpoint: bool = True
    """Whether there is an endpoint for keys alone, or they come with the table only."""
    failing: Mapping[str, int] = field(default_factory=dict)
    """A status for each operation that is to fail, such as `update_table`; before anything is done."""


@dataclass(frozen=True)
class Call:
    """One request and its answer, as they were on the line; header names in lower case."""

    operation: str
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: str
    status: int
    answer: str
    issued: str | None = None
    """The id of the key, or the token, in the answer."""


def write_settings(path: Path, settings: Settings) -> None:
    """Put new settings in force."""
    unfinished = path.with_suffix(".new")
    unfinished.write_text(json.dumps(asdict(settings)))
    unfinished.replace(path)


def read_settings(path: Path) -> Settings:
    """The settings in force."""
    told: dict[str, Any] = json.loads(path.read_text())
    return Settings(**told)


def write_call(path: Path, call: Call) -> None:
    """Add a call to the log."""
    with _lock, path.open("a") as log:
        log.write(f"{json.dumps(asdict(call))}\n")


def read_calls(path: Path) -> list[Call]:
    """All calls so far."""
    return [Call(**json.loads(line)) for line in path.read_text().splitlines()] if path.exists() else []
