"""Session keys that say themselves when they end: any server of the tests can refuse one that is over.

A key id is ``ASIA``, the end in milliseconds since 1970 as twelve hexadecimal digits, and four more digits
that tell keys of the same millisecond apart: twenty characters, as AWS's own. Secret and token follow.
"""

import hashlib
import itertools
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime

_KEY_ID = re.compile(r"ASIA([0-9A-F]{12})[0-9A-F]{4}")
_numbers = itertools.count()


@dataclass(frozen=True)
class SessionKey:
    """One key, as a metadata service or STS hands it out."""

    key_id: str

    @property
    def secret(self) -> str:
        """What requests are signed with."""
        return secret_of(self.key_id)

    @property
    def token(self) -> str:
        """What requests carry besides."""
        return token_of(self.key_id)

    @property
    def expires_at(self) -> float:
        """Its end, in seconds since 1970."""
        end = expiry_of(self.key_id)
        if end is None:
            raise ValueError(f"{self.key_id} is no session key of the tests.")
        return end

    @property
    def expiration(self) -> str:
        """Its end as AWS writes it, which is in whole seconds: never later than the end itself."""
        return datetime.fromtimestamp(int(self.expires_at), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def issue(seconds: float) -> SessionKey:
    """A new key that ends in so many seconds."""
    end = int((time.time() + seconds) * 1000)
    return SessionKey(f"ASIA{end:012X}{next(_numbers) % 0x10000:04X}")


def expiry_of(key_id: str) -> float | None:
    """When the key ends, in seconds since 1970; None if it is no session key of the tests."""
    match = _KEY_ID.fullmatch(key_id)
    return int(match[1], 16) / 1000 if match else None


def expired(key_id: str) -> bool:
    """Whether it is a session key of the tests, and over: S3 answers it with 400 `ExpiredToken`."""
    end = expiry_of(key_id)
    return end is not None and end <= time.time()


def secret_of(key_id: str) -> str:
    """The secret that belongs to a session key."""
    return hashlib.sha256(f"secret of {key_id}".encode()).hexdigest()[:40]


def token_of(key_id: str) -> str:
    """The session token that belongs to a session key."""
    return f"token-{hashlib.sha256(f'token of {key_id}'.encode()).hexdigest()}"
