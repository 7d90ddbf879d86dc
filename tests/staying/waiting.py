"""Servers that keep a client waiting: no answer, a head without its body, a byte now and then."""

import contextlib
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum

_SIZE = 1_000_000
_HEAD = (
    'HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{range}ETag: "1"\r\nAccept-Ranges: bytes\r\n'
    "Last-Modified: Mon, 05 Jan 2026 00:00:00 GMT\r\nContent-Type: {type}\r\n\r\n"
)
_RANGE = re.compile(rb"\r\nrange: bytes=(\d*)-(\d*)", re.IGNORECASE)


class Habit(StrEnum):
    """What becomes of each request."""

    SILENT = "takes requests and never answers"
    HEAD_ALONE = "answers with a head, and never with its body"
    TRICKLE = "sends a byte of the body now and then"


@dataclass
class Waiting:
    endpoint: str
    requests: list[bytes] = field(default_factory=list)
    arrived: threading.Event = field(default_factory=threading.Event)
    """Set by the first request."""


@contextmanager
def waiting(habit: Habit, *, pause: float = 0.02, content_type: str = "application/xml") -> Iterator[Waiting]:
    """Serve on loopback; `pause` is between two bytes, and far less than any limit of silence."""
    ending = threading.Event()
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
        server = Waiting(f"http://127.0.0.1:{listening.getsockname()[1]}")

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    threading.Thread(target=serve, args=(connection,), daemon=True).start()

        def serve(connection: socket.socket) -> None:
            with connection, contextlib.suppress(OSError):
                while head := _head(connection):
                    server.requests.append(head)
                    server.arrived.set()
                    if habit is Habit.SILENT:
                        ending.wait()
                        return
                    connection.sendall(_answer(head, content_type))
                    if head.startswith(b"HEAD "):
                        continue
                    while not ending.wait(pause if habit is Habit.TRICKLE else None):
                        connection.sendall(b" ")
                    return

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            ending.set()
            # A thread that waits in accept is not woken by closing.
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


def _head(connection: socket.socket) -> bytes:
    """Read the head of a request; what follows of its body is left to the kernel."""
    found = b""
    while b"\r\n\r\n" not in found:
        piece = connection.recv(65_536)
        if not piece:
            return b""
        found += piece
    return found


def _answer(head: bytes, content_type: str) -> bytes:
    told = _RANGE.search(head)
    if told is None:
        return _HEAD.format(status="200 OK", length=_SIZE, range="", type=content_type).encode()
    start = int(told[1]) if told[1] else _SIZE - int(told[2])
    end = min(int(told[2]), _SIZE - 1) if told[1] and told[2] else _SIZE - 1
    line = f"Content-Range: bytes {start}-{end}/{_SIZE}\r\n"
    return _HEAD.format(
        status="206 Partial Content", length=end - start + 1, range=line, type=content_type
    ).encode()


def seconds(begin: float) -> float:
    return time.monotonic() - begin
