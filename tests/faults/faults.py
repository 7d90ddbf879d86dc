"""The faults of the matrix: what happens to which requests, once or from one request on."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tests.support.proxy import RequestProxy
from tests.support.proxy_state import Action, ActionKind, RecordedRequest

FOR_EVER = 10**9
READS = "^GET "
WRITES = "^(PUT|POST|DELETE) "
COMPLETIONS = "^POST .*[?&]uploadId="

SILENCE = 2.0
"""Seconds of silence that the operations' connection allows."""
FOR_LONG = 9.0
"""Seconds that are too long for delta-rs, too, which allows four times as many for a whole request."""


@dataclass(frozen=True)
class Fault:
    """A fault, and the requests that it can happen to (by method and path)."""

    name: str
    kind: ActionKind
    match: str = ""
    persistent: bool = False
    options: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        """The name of its cells."""
        return f"{self.name}-{'persistent' if self.persistent else 'once'}"

    def places(self, requests: Sequence[RecordedRequest]) -> int:
        """How many of an undisturbed run's requests it can happen to."""
        return sum(map(Action(self.kind, 1, match=self.match).counts, requests))

    def arm(self, proxy: RequestProxy, at: int) -> None:
        """Have it happen at the `at`-th of these requests since the proxy's reset."""
        times = FOR_EVER if self.persistent else 1
        proxy.arm(self.kind, at, times=times, match=self.match, **self.options)


def _both(name: str, kind: ActionKind, match: str = "", **options: Any) -> tuple[Fault, Fault]:
    once = Fault(name, kind, match, options=options)
    return once, replace(once, persistent=True)


FAULTS = (
    *_both("slow-down", "status"),
    *_both("internal-error", "status", code="InternalError"),
    *_both("clock-skew", "status", code="RequestTimeTooSkewed"),
    *_both("expired-token", "status", code="ExpiredToken"),
    *_both("reset-body", "reset_body", READS),
    *_both("truncated-body", "truncate", READS),
    *_both("lost-reply", "lost_reply", WRITES, code="InternalError"),
    *_both("cut-reply", "cut_reply", WRITES),
    *_both("completed-and-500", "lost_reply", COMPLETIONS, code="InternalError"),
    *_both("drip", "drip", READS, pieces=4, seconds=SILENCE / 20),
    *_both("silence", "delay", seconds=FOR_LONG),
    *_both("late-reply", "drip", WRITES, pieces=1, seconds=SILENCE * 1.5),
    Fault("refused-for-a-while", "refuse", options={"seconds": 0.05}),
    Fault("refused", "refuse", persistent=True),
)
FLIPPED = Fault("flipped-bit", "flip", READS)
"""Bytes arrive that nobody sent, as TLS would not let them: of formats with checksums alone."""
