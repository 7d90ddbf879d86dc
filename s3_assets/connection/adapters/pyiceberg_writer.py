"""Objects as PyIceberg writes them: sent in parts, and published whole or not at all."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from types import TracebackType


class Sink(Protocol):
    """Where a writer's bytes go: obstore's `WritableFile`, and `NewObject`."""

    def write(self, buffer: bytes, /) -> int:
        """Take the bytes."""

    def close(self) -> None:
        """Publish what was written."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        """Throw away what was written if there is an error."""


class NewObject:
    """Bytes that become an object in one request, which the server refuses if there is one by then."""

    def __init__(self, put: Callable[[bytes], None]) -> None:
        self._put = put
        self._content = bytearray()

    def write(self, buffer: bytes, /) -> int:
        """Take the bytes."""
        self._content += buffer
        return len(buffer)

    def close(self) -> None:
        """Send them; raises `FileExistsError` if there is such an object."""
        self._put(bytes(self._content))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Forget them."""
        self._content.clear()


class ObjectWriter:
    """An object that is there when `close` has returned, and never if the block or a write failed.

    It is no `io.RawIOBase`: that one closes, and so would publish, what nobody holds any more.
    """

    def __init__(self, sink: Sink, diagnosed: Callable[[], AbstractContextManager[None]]) -> None:
        self._sink = sink
        self._diagnosed = diagnosed
        self._failure: BaseException | None = None
        self.closed = False
        self.published = False
        self.size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self._discard(error)

    def write(self, content: bytes, /) -> int:
        """Take the bytes, and return how many they were."""
        if self.closed:
            raise ValueError("I/O operation on closed file")
        try:
            with self._diagnosed():
                self._sink.write(content)
        except BaseException as error:
            self._discard(error)
            raise
        # The length in bytes, whatever the items of the buffer are.
        self.size += memoryview(content).nbytes
        return memoryview(content).nbytes

    def tell(self) -> int:
        """Return how many bytes were written."""
        return self.size

    def flush(self) -> None:
        """Do nothing: a part is sent when it is full."""

    def readable(self) -> bool:
        """Say no."""
        return False

    def seekable(self) -> bool:
        """Say no."""
        return False

    def writable(self) -> bool:
        """Say yes."""
        return True

    def close(self) -> None:
        """Publish the object; raises again what a write raised."""
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
        if self.closed:
            return
        self.closed = True
        with self._diagnosed():
            self._sink.close()
        self.published = True

    def _discard(self, error: BaseException) -> None:
        if self.closed:
            self._failure = None
            return
        self.closed = True
        self._failure = error
        # What is being raised tells more than a failure to tidy up after it.
        with suppress(Exception):
            self._sink.__exit__(type(error), error, error.__traceback__)
