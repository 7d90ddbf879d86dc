"""A file that is sent while it is written, in parts, and that nobody sees before it is completed."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import replace
from hashlib import sha256
from io import BufferedIOBase
from typing import TYPE_CHECKING, Protocol

from s3_assets.threads import ThreadPoolExecutor

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from s3_assets.pending import Pending, SentPart

_MIB = 1024 * 1024
_PART = 8 * _MIB
# Amazon S3 User Guide, "Multipart upload limits": 10,000 parts, together 5 TiB, none above 5 GiB. Each
# thousand of parts is of one size; small files never pay for what the largest need.
_GROWTH = (1, 2, 4, 8, 16, 32, 64, 128, 192, 256)
_THOUSAND = 1000
LARGEST = 5 * 1024 * 1024 * _MIB
"""How many bytes an object may have."""
_AT_ONCE = 4
# Large parts travel alone: with the part that fills, two of them are in memory.
_ON_THE_WAY = _AT_ONCE * _PART


def part_size(number: int) -> int:
    """Return how many bytes the part has, counted from 1, unless it is the last."""
    return _PART * _GROWTH[min((number - 1) // _THOUSAND, len(_GROWTH) - 1)]


class Sender(Protocol):
    """Where the parts of one upload go."""

    @property
    def begun(self) -> Pending:
        """The upload, without its parts."""

    def send(self, number: int, body: bytes | bytearray) -> SentPart:
        """Send a part; raises our errors. Called by several threads at once."""

    def sealed(self, number: int, body: bytearray, *, last: bool) -> bytes | bytearray:
        """Return what is sent in place of the part, such as its encryption; called part by part."""

    def abort(self) -> None:
        """Have the server forget the upload."""


class PendingFile(BufferedIOBase):
    """A binary file to write; see `Uploads.open`.

    A part that could not be sent is told of at the next `write`, or by `finish`. Leaving a `with` block by an
    exception aborts the upload; otherwise call `finish` or `abort`.
    """

    def __init__(self, sender: Sender, at_once: int) -> None:
        self._sender = sender
        self._at_once = min(at_once, _AT_ONCE)
        self._threads: ThreadPoolExecutor | None = None
        self._sent: list[Future[SentPart]] = []
        self._travelling: set[Future[SentPart]] = set()
        self._hash = sha256()
        self._bytes = 0
        self._failure: BaseException | None = None
        self._pending: Pending | None = None
        # It grows with what is written: a small file costs what it has.
        self._part = bytearray()

    @property
    def key(self) -> str:
        """The key of the object to be."""
        return self._sender.begun.key

    @property
    def upload_id(self) -> str:
        """How the server calls the upload."""
        return self._sender.begun.upload_id

    def writable(self) -> bool:
        """Tell that it can be written."""
        return True

    def tell(self) -> int:
        """Return how many bytes were written."""
        return self._bytes

    def write(self, data: bytes | bytearray | memoryview, /) -> int:  # type: ignore[override]  # any buffer
        """Take all of the bytes; waits while the server is slower than the writer."""
        if self.closed or self._pending is not None:
            raise ValueError("write to a file that is closed")
        self._raise_failure()
        given = memoryview(data).cast("B")
        taken = 0
        while taken < len(given):
            space = part_size(len(self._sent) + 1) - len(self._part)
            if not space:
                self._send_full_part()
                continue
            fitting = given[taken : taken + space]
            self._part += fitting
            taken += len(fitting)
        self._bytes += taken
        return taken

    def finish(self) -> Pending:
        """Return what completes the upload, once all parts are on the server; nothing is visible yet."""
        if self._pending is None:
            self._pending = self._finished()
            self.close()
        return self._pending

    def abort(self) -> None:
        """Give the upload up: the server keeps nothing of it. Also for one that has been finished."""
        self._end_threads(cancel=True)
        self._part = bytearray()
        self.close()
        self._sender.abort()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Abort the upload if the block failed."""
        if kind is not None:
            self.abort()

    def __enter__(self) -> Self:
        """Return the file."""
        return self

    def _finished(self) -> Pending:
        self._raise_failure()
        number = len(self._sent) + 1
        body = self._sender.sealed(number, self._part, last=True)
        if self._threads is None:
            # The only part: no thread is worth its while.
            parts = [self._sender.send(number, body)]
            self._hash.update(self._part)
        else:
            self._send(number, body)
            self._hash.update(self._part)
            parts = [part.result() for part in self._sent]
            self._end_threads(cancel=False)
        self._part = bytearray()
        return replace(
            self._sender.begun, parts=tuple(parts), bytes=self._bytes, sha256=self._hash.hexdigest()
        )

    def _send_full_part(self) -> None:
        number = len(self._sent) + 1
        self._send(number, self._sender.sealed(number, self._part, last=False))
        # While it travels.
        self._hash.update(self._part)
        self._part = bytearray()

    def _send(self, number: int, body: bytes | bytearray) -> None:
        most = max(1, min(self._at_once, _ON_THE_WAY // max(len(body), 1)))
        while len(self._travelling) >= most:
            wait(self._travelling, return_when=FIRST_COMPLETED)
            self._raise_failure()
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self._at_once, thread_name_prefix="s3-assets-parts")
        part = self._threads.submit(self._sender.send, number, body)
        self._sent.append(part)
        self._travelling.add(part)

    def _raise_failure(self) -> None:
        arrived = {part for part in self._travelling if part.done()}
        self._travelling -= arrived
        self._failure = self._failure or next(filter(None, (part.exception() for part in arrived)), None)
        if self._failure is not None:
            raise self._failure

    def _end_threads(self, *, cancel: bool) -> None:
        if self._threads is not None:
            self._threads.shutdown(wait=True, cancel_futures=cancel)
