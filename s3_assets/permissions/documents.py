"""Policy documents of IAM, as values."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

VERSION = "2012-10-17"
# IAM User Guide, "IAM and AWS STS quotas": characters without spaces.
LONGEST_MANAGED, LONGEST_TRUST = 6144, 2048


@dataclass(frozen=True)
class Statement:
    """One statement that allows; `principal` is for policies of resources alone."""

    sid: str
    actions: Sequence[str]
    resources: Sequence[str] = ()
    condition: Mapping[str, Mapping[str, str | Sequence[str]]] = field(default_factory=dict)
    principal: str | Mapping[str, str] | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the statement as IAM writes it."""
        said: dict[str, Any] = {"Sid": self.sid, "Effect": "Allow"}
        if self.principal is not None:
            said["Principal"] = self.principal
        said["Action"] = list(self.actions)
        if self.resources:
            said["Resource"] = list(self.resources)
        if self.condition:
            said["Condition"] = {
                operator: {
                    key: value if isinstance(value, str) else list(value) for key, value in keys.items()
                }
                for operator, keys in self.condition.items()
            }
        return said


class Kind(StrEnum):
    """What a document is attached to."""

    IDENTITY = "identity policy"
    BUCKET = "bucket policy"
    TRUST = "trust policy"


@dataclass(frozen=True)
class Document:
    """A policy, and whose it is."""

    connection: str
    kind: Kind
    holder: str
    """The identity that it is attached to, in words or as an ARN."""
    statements: tuple[Statement, ...]
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the policy as IAM takes it."""
        return {"Version": VERSION, "Statement": [each.as_json() for each in self.statements]}

    @property
    def too_long(self) -> bool:
        """Whether it is longer than one managed policy, or one trust policy, may be."""
        length = len(json.dumps(self.as_json(), separators=(",", ":")))
        return length > (LONGEST_TRUST if self.kind is Kind.TRUST else LONGEST_MANAGED)

    @property
    def actions(self) -> tuple[str, ...]:
        """Every action that it allows, once."""
        return tuple(dict.fromkeys(action for each in self.statements for action in each.actions))
