"""Sums of requests, by engine and operation."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from s3_assets.metrics.request import Request


@dataclass
class Count:
    """Sums of like requests."""

    requests: int = 0
    retries: int = 0
    throttled: int = 0
    """Answers 503 and 429."""
    refused: int = 0
    """Other answers 4xx."""
    failed: int = 0
    """Other answers 5xx, and requests without an answer."""
    bytes_read: int = 0
    bytes_written: int = 0
    seconds: float = 0.0
    """Of all requests together: those that run side by side count each."""

    def add(self, request: Request) -> None:
        """Count one more."""
        self.requests += 1
        self.retries += request.retry
        self.throttled += request.throttled
        self.refused += request.refused
        self.failed += request.failed
        self.bytes_read += request.bytes_read
        self.bytes_written += request.bytes_written
        self.seconds += request.seconds

    def __add__(self, other: Count) -> Count:
        return Count(
            *(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)),
        )

    def __sub__(self, other: Count) -> Count:
        return Count(
            *(getattr(self, each.name) - getattr(other, each.name) for each in fields(self)),
        )


@dataclass
class Usage:
    """Counts by engine and operation; safe to add to from any thread."""

    counts: dict[tuple[str, str], Count] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock, repr=False, compare=False)

    def add(self, request: Request) -> None:
        """Count one more."""
        with self._lock:
            self.counts.setdefault((request.engine, request.operation), Count()).add(request)

    def merge(self, counts: dict[tuple[str, str], Count]) -> None:
        """Count what somebody else has counted."""
        with self._lock:
            for name, count in counts.items():
                self.counts[name] = self.counts.get(name, Count()) + count

    def taken(self) -> dict[tuple[str, str], Count]:
        """Return the counts, and begin again at none."""
        with self._lock:
            counts, self.counts = self.counts, {}
        return counts

    @property
    def total(self) -> Count:
        """All of them together."""
        with self._lock:
            return sum(self.counts.values(), Count())
