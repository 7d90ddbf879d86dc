"""Attempt numbers: unique, growing, and never given twice, even by two processes in one millisecond."""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime, timedelta

_RANDOM_BITS = 20


def next_number(last: int | None) -> int:
    """Return a number greater than `last`: milliseconds since 1970 in the high bits, chance in the low 20.

    It fits the 63 bits of a Delta transaction version until the year 2248.
    """
    fresh = (int(time.time() * 1000) << _RANDOM_BITS) | secrets.randbits(_RANDOM_BITS)
    # A clock that runs behind the last writer's must not lead backwards.
    return fresh if last is None or fresh > last else last + 1 + secrets.randbits(_RANDOM_BITS)


def moment_of(number: int) -> datetime:
    """Return when a number was drawn, which is when its attempt began; as exact as the clock was."""
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=number >> _RANDOM_BITS)
