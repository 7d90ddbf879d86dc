"""HTTP/1.1 as far as a forwarder needs it: where a head ends, where a body ends.

Nothing is decoded and nothing rewritten: signatures of S3 requests cover what is on the wire.
"""

from dataclasses import dataclass
from typing import Protocol

END_OF_HEAD = b"\r\n\r\n"
LARGEST_HEAD = 64 * 1024


class MalformedMessageError(ValueError):
    """Bytes that are not an HTTP/1.1 message; the connection that carried them is of no more use."""


class Body(Protocol):
    """Tells how many of the next bytes still belong to one message's body."""

    done: bool

    def take(self, data: bytes) -> int:
        """Count of leading bytes of ``data`` that belong to the body."""


class LengthBody:
    """A body of a known length; zero for messages without one."""

    def __init__(self, length: int) -> None:
        self.length = length
        self._remaining = length
        self.done = length == 0

    def take(self, data: bytes) -> int:
        count = min(self._remaining, len(data))
        self._remaining -= count
        self.done = self._remaining == 0
        return count


class ChunkedBody:
    """A body in ``Transfer-Encoding: chunked``, trailers included; the framing counts as body."""

    def __init__(self) -> None:
        self.done = False
        self._remaining = 0
        self._line = b""
        self._in_trailers = False

    def take(self, data: bytes) -> int:
        position = 0
        while position < len(data) and not self.done:
            if self._remaining:
                step = min(self._remaining, len(data) - position)
                self._remaining -= step
                position += step
                continue
            end = data.find(b"\n", position)
            if end < 0:
                self._line += data[position:]
                return len(data)
            self._end_of_line((self._line + data[position:end]).strip())
            self._line = b""
            position = end + 1
        return position

    def _end_of_line(self, line: bytes) -> None:
        if self._in_trailers:
            self.done = not line
            return
        try:
            size = int(line.partition(b";")[0], 16)
        except ValueError as error:
            message = f"Not the size of a chunk: {line!r}"
            raise MalformedMessageError(message) from error
        self._in_trailers = size == 0
        # The chunk's own line end follows its bytes.
        self._remaining = size + 2 if size else 0


class UntilCloseBody:
    """A body that ends when the server closes the connection."""

    done = False

    def take(self, data: bytes) -> int:
        return len(data)


@dataclass(frozen=True, slots=True)
class Head:
    """Start line and headers of a message, as they arrived in ``raw``."""

    raw: bytes
    start: tuple[str, str, str]
    headers: dict[bytes, bytes]

    @classmethod
    def parse(cls, raw: bytes) -> "Head":
        """``raw`` ends with the empty line."""
        lines = raw.split(b"\r\n")
        start = lines[0].decode("latin-1").split(" ", 2)
        if len(start) < 2 or "HTTP/1." not in lines[0].decode("latin-1"):
            message = f"Not the start of an HTTP/1.1 message: {lines[0][:80]!r}"
            raise MalformedMessageError(message)
        headers = {}
        for line in lines[1:-2]:
            name, _, value = line.partition(b":")
            headers[name.lower()] = value.strip()
        return cls(raw, (start[0], start[1], start[2] if len(start) > 2 else ""), headers)

    def header(self, name: bytes) -> str | None:
        """One header's value; the name in lower case."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")

    @property
    def status(self) -> int:
        """The status code, of an answer's head."""
        return int(self.start[1])

    @property
    def waits_for_continue(self) -> bool:
        """Whether the client sends the body only after ``100 Continue``."""
        return self.headers.get(b"expect", b"").lower() == b"100-continue"

    def request_body(self) -> Body:
        """The body that follows this head of a request."""
        return self._framed_body() or LengthBody(0)

    def answer_body(self, method: str) -> Body:
        """The body that follows this head of an answer to ``method``."""
        if method == "HEAD" or self.status in (204, 304):
            return LengthBody(0)
        return self._framed_body() or UntilCloseBody()

    def _framed_body(self) -> Body | None:
        if b"chunked" in self.headers.get(b"transfer-encoding", b"").lower():
            return ChunkedBody()
        length = self.headers.get(b"content-length")
        if length is None:
            return None
        if not length.isdigit():
            message = f"Not a content length: {length!r}"
            raise MalformedMessageError(message)
        return LengthBody(int(length))
