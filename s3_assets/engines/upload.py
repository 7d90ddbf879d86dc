"""An object that is sent while it is made: in parts, in bounded memory, and not at all if it fails."""

from __future__ import annotations

from queue import Full, Queue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Executor, Future

    from s3_assets.objects import Objects

PART = 5 * 1024 * 1024
"""The size of a multipart upload's parts: the smallest that S3 takes, since many are open at a time."""

_WAITING = 1
_LOOK_AGAIN = 1.0


class _AbandonedError(Exception):
    """Thrown into an upload so that the server forgets the parts that it has."""


class Upload:
    """One object; a small one is sent at its end by one request, a larger one while it is written."""

    def __init__(self, objects: Objects, key: str, senders: Executor) -> None:
        self._objects = objects
        self.key = key
        self._senders = senders
        self._held: list[bytes] = []
        self._chunks: Queue[bytes | BaseException | None] = Queue(_WAITING)
        self._sent: Future[None] | None = None
        self.bytes = 0

    @property
    def held(self) -> int:
        """How many bytes of it are in memory: what is not sent, or one part that fills and one on its way."""
        return self.bytes if self._sent is None else 2 * PART

    def write(self, data: bytes) -> None:
        """Take some more bytes; waits while the server is slower than the writer."""
        self.bytes += len(data)
        if self._sent is not None:
            self._hand_over(data)
            return
        self._held.append(data)
        if self.bytes > PART:
            self._sent = self._senders.submit(self._objects.put_stream, self.key, self._stream(), PART)
            self._hand_over(b"".join(self._held))
            self._held = []

    def end(self) -> None:
        """Say that nothing follows; `wait` tells whether it has arrived."""
        if self._sent is not None:
            self._hand_over(None)
            return
        self._sent = self._senders.submit(self._objects.put, self.key, b"".join(self._held))
        self._held = []

    def wait(self) -> None:
        """Return when the object is there; raises what kept it from being sent."""
        if self._sent is not None:
            self._sent.result()

    def abandon(self) -> None:
        """Give up an object that has not ended: no part of it stays on the server."""
        self._held = []
        if self._sent is None:
            return
        failure = _AbandonedError(self.key)
        while not self._sent.done():
            try:
                self._chunks.put(failure, timeout=_LOOK_AGAIN)
                break
            except Full:
                continue
        self._sent.exception()

    def _hand_over(self, chunk: bytes | None) -> None:
        while True:
            if self._sent is not None and self._sent.done():
                # It can only have failed: nobody has said yet that nothing follows.
                self._sent.result()
            try:
                self._chunks.put(chunk, timeout=_LOOK_AGAIN)
            except Full:
                continue
            return

    def _stream(self) -> Iterator[bytes]:
        while (chunk := self._chunks.get()) is not None:
            if isinstance(chunk, BaseException):
                raise chunk
            yield chunk
