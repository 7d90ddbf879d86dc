"""What the identity server believes, and what it was asked: two files, so that any process may look."""

import json
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

_lock = threading.Lock()


@dataclass(frozen=True)
class Role:
    """A role that STS knows, and whom it trusts."""

    external_id: str | None = None
    """Refuse calls with another one, or without."""
    web_identity_token: str | None = None
    """Refuse other tokens; None refuses web identities altogether."""
    trusted_key_ids: tuple[str, ...] | None = None
    """Refuse other base keys; None trusts every user that the server knows, and every session."""


@dataclass(frozen=True)
class Settings:
    """Can be changed while the server runs."""

    lifetime: float = 3600.0
    """Seconds that keys live, whatever is asked for: botocore itself refuses to ask for less than 900."""
    renew_before: float = 0.0
    """A metadata service hands out the same key until so many seconds before its end."""
    instance_role: str = "instance-role"
    """The role of the instance, by name."""
    container_token: str = "container-token"
    """What has to stand in the header Authorization of the container protocol."""
    users: Mapping[str, str] = field(default_factory=dict)
    """Keys that STS knows, with their secrets; the server's own session keys are known without it."""
    roles: Mapping[str, Role] = field(default_factory=dict)
    """By ARN."""
    failing: Mapping[str, int] = field(default_factory=dict)
    """A status for each of `imds`, `container`, `sts` that is to fail."""


@dataclass(frozen=True)
class Call:
    """One request, and what became of it."""

    at: float
    service: str
    """`imds`, `container` or `sts`."""
    action: str
    status: int
    base_key_id: str | None = None
    """The key that the caller signed with."""
    issued: str | None = None
    """The id of the key in the answer."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """The parameters of a call of STS, as they came."""


def write_settings(path: Path, settings: Settings) -> None:
    """Put new settings in force."""
    unfinished = path.with_suffix(".new")
    unfinished.write_text(json.dumps(asdict(settings)))
    unfinished.replace(path)


def read_settings(path: Path) -> Settings:
    """The settings in force."""
    told: dict[str, Any] = json.loads(path.read_text())
    roles = {arn: Role(**role) for arn, role in told.pop("roles").items()}
    return Settings(**told, roles=roles)


def write_call(path: Path, call: Call) -> None:
    """Add a call to the log."""
    with _lock, path.open("a") as log:
        log.write(f"{json.dumps(asdict(call))}\n")


def read_calls(path: Path) -> list[Call]:
    """All calls so far."""
    return [Call(**json.loads(line)) for line in path.read_text().splitlines()] if path.exists() else []
