"""What one asker has sent over the gateway."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Condition
from typing import TYPE_CHECKING
from urllib.parse import unquote

from s3_assets.metrics import Count, Request, Usage, operation_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from s3_assets.connection.loopback import Counting

# An answer is read to its end a moment before the gateway knows that it was.
_PATIENCE = 2.0


@dataclass
class Answered:
    """What became of a request that is passed on."""

    status: int | None = None
    bytes_read: int = 0
    bytes_written: int = 0


@dataclass
class Tally:
    """Counts the requests that carry one key; those that repeat a failed or throttled one are retries."""

    counting: Counting
    server: str
    _usage: Usage = field(default_factory=Usage)
    _requests: list[Request] = field(default_factory=list)
    _failed: set[tuple[str, str]] = field(default_factory=set)
    _under_way: int = 0
    _changed: Condition = field(default_factory=Condition, repr=False)

    @contextmanager
    def one(self, method: str, target: str, headers: Mapping[str, str]) -> Iterator[Answered]:
        """Count the request that is passed on in the block."""
        answered, began, started = Answered(), time.time(), time.monotonic()
        with self._changed:
            self._under_way += 1
        try:
            yield answered
        finally:
            self._ended(method, target, headers, answered, began, time.monotonic() - started)

    def taken(self) -> tuple[dict[tuple[str, str], Count], list[Request]]:
        """Return what was counted, once nothing is under way, and begin again at none."""
        with self._changed:
            self._changed.wait_for(lambda: self._under_way == 0, _PATIENCE)
            requests, self._requests = self._requests, []
            return self._usage.taken(), requests

    def _ended(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        answered: Answered,
        began: float,
        seconds: float,
    ) -> None:
        path, _, query = target.partition("?")
        bucket, _, key = unquote(path).removeprefix("/").partition("/")
        with self._changed:
            retry = (method, target) in self._failed
            request = Request(
                self.counting.engine,
                operation_of(method, query, headers, key=bool(key)),
                method,
                began,
                seconds,
                answered.status,
                answered.bytes_read,
                answered.bytes_written,
                retry,
                bucket,
                key,
                self.server,
            )
            (self._failed.add if request.throttled or request.failed else self._failed.discard)(
                (method, target)
            )
            self._usage.add(request)
            if len(self._requests) < self.counting.keep:
                self._requests.append(request)
            self._under_way -= 1
            self._changed.notify_all()
