"""Answers whose whole body has a time limit: a server that trickles holds nobody for days."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from urllib3 import BaseHTTPResponse

_PIECE = 64 * 1024


class TimedAnswer:
    """An answer of urllib3, for libraries that take its body by `stream`: botocore, requests."""

    def __init__(self, answer: BaseHTTPResponse, until: float) -> None:
        """`until` is a time of `time.monotonic()`."""
        self._answer = answer
        self._until = until

    def stream(self, amt: int = _PIECE, decode_content: bool | None = None) -> Iterator[bytes]:
        """Yield the body; raises urllib3's `ReadTimeoutError` when the time is over, and closes the answer.

        The silence between two pieces is limited by the request's own timeout.
        """
        # Each piece is what has arrived: `read` would wait until it has as much as it was asked for.
        while piece := self._answer.read1(amt, decode_content=decode_content):
            yield piece
            if time.monotonic() > self._until:
                from urllib3.exceptions import ReadTimeoutError

                self._answer.close()
                raise ReadTimeoutError(None, None, "Read timed out: the body took too long")  # type: ignore[arg-type] # neither is looked at

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever it is of the answer's
        """Return all else from the answer itself."""
        return getattr(self._answer, name)
