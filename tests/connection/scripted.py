"""A server that answers as a test tells it to, byte for byte, and keeps requests as they came."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BufferedReader

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass
class Arrived:
    head: bytes
    body: bytes
    connection: int
    """The how-manieth connection it came through."""

    @property
    def target(self) -> str:
        return self.head.split(b" ", 2)[1].decode("latin-1")

    @property
    def headers(self) -> dict[str, str]:
        lines = self.head.decode("latin-1").split("\r\n")[1:]
        return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}


@dataclass
class Scripted:
    endpoint: str
    arrived: list[Arrived] = field(default_factory=list)
    broken_off: threading.Event = field(default_factory=threading.Event)
    """Set when a body ended before its length."""


Script = Callable[[Arrived], bytes | None]
"""What to answer; None closes the connection without a word."""


@contextmanager
def scripted(script: Script = lambda _: OK, *, read_bodies: bool = True) -> Iterator[Scripted]:
    """Answer each request as `script` says; an answer without a length ends with its connection."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = Scripted(f"http://127.0.0.1:{listening.getsockname()[1]}")

        def accept() -> None:
            with contextlib.suppress(OSError):
                for number in range(1000):
                    connection, _ = listening.accept()
                    threading.Thread(
                        target=_serve, args=(connection, number, server, script, read_bodies), daemon=True
                    ).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield server
        # A thread that waits in accept is not woken by closing.
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


def _serve(connection: socket.socket, number: int, server: Scripted, script: Script, read: bool) -> None:
    with connection, connection.makefile("rb") as stream, contextlib.suppress(ConnectionError):
        while head := b"".join(iter(stream.readline, b"\r\n")) if stream.peek(1) else b"":
            arrived = Arrived(head, b"", number)
            if read:
                arrived.body = _body(arrived, stream, server)
            server.arrived.append(arrived)
            answer = script(arrived)
            if answer is None:
                return
            connection.sendall(answer)
            if b"Content-Length" not in answer and b"chunked" not in answer and b" 204 " not in answer:
                return
            if b"Connection: close" in answer:
                if not read:
                    # Closing with bytes unread would reset the connection, and lose the answer.
                    connection.shutdown(socket.SHUT_WR)
                    while stream.read1(65_536):
                        pass
                return


def _body(arrived: Arrived, stream: BufferedReader, server: Scripted) -> bytes:
    headers = arrived.headers
    if headers.get("transfer-encoding") == "chunked":
        pieces = []
        while size := int(stream.readline(), 16):
            pieces.append(stream.read(size))
            stream.readline()
        stream.readline()
        return b"".join(pieces)
    length = int(headers.get("content-length", 0))
    body: bytes = stream.read(length)
    if len(body) < length:
        server.broken_off.set()
    return body
