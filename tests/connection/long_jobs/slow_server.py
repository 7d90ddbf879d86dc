"""A slow forwarder that takes session keys alone, and remembers which key each request came with.

Requests with a key that is over are refused, as S3 does, and so are those with another key's token. Below
`SLOWLY`, files and ranges come one after the other, at even intervals; the object `STREAM` comes in one
answer that lasts as long as all of them. It is a process of its own: delta-rs keeps the interpreter lock
while it waits for an answer.
"""

import http.client
import json
import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, TextIO
from urllib.parse import unquote, urlsplit

from tests.servers.child import running_module
from tests.servers.session_keys import expired, token_of

SLOWLY = "slowly/"
"""The folder, below a job's own, whose files and ranges come slowly."""
STREAM = "stream"
"""The object in it that comes in one slow answer."""
_PACED = (".parquet", ".bin")
_KEY_ID = re.compile(r"Credential=([^/]+)/")


@dataclass(frozen=True)
class Arrived:
    """A request, and what became of it."""

    at: float
    """When its head was there, in seconds since 1970."""
    until: float
    """When its answer had been sent."""
    folder: str
    """The first folder of its key, or of the prefix that it lists: the job's."""
    method: str
    path: str
    key_id: str | None
    refusal: str | None
    """The error that it was answered with, if it was refused for its key."""


@dataclass(frozen=True)
class SlowServer:
    """A running one."""

    endpoint: str
    log: Path

    def arrived(self) -> list[Arrived]:
        """All requests that were answered, in the order of their arrival."""
        told = [Arrived(**json.loads(line)) for line in self.log.read_text().splitlines()]
        return sorted(told, key=lambda each: each.at)


@contextmanager
def slow_server(server: str, folder: Path, *, seconds: float, pieces: int) -> Iterator[SlowServer]:
    """Forward to the server at that URL; so many files or ranges of a folder take so many seconds."""
    log = folder / "arrived.jsonl"
    log.touch()
    module = "tests.connection.long_jobs.slow_server"
    with running_module(module, server, str(log), str(seconds), str(pieces)) as port:
        yield SlowServer(f"http://127.0.0.1:{port}", log)


class Pace:
    """When each file or range may be answered: the first of a folder at once, the next an interval later."""

    def __init__(self, interval: float) -> None:
        self.interval = interval
        self._lock = threading.Lock()
        self._last: dict[str, float] = {}
        self._turns: dict[tuple[str, str], float] = {}

    def wait(self, folder: str, what: str) -> None:
        """Return when it is its turn; who asks again for the same waits for the same turn."""
        now = time.monotonic()
        with self._lock:
            if (folder, what) not in self._turns:
                turn = max(now, self._last.get(folder, now - self.interval) + self.interval)
                self._last[folder] = self._turns[folder, what] = turn
            turn = self._turns[folder, what]
        time.sleep(max(0.0, turn - now))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body in one packet: otherwise each answer waits 40 ms for a delayed ACK.
    wbufsize = -1
    target: ClassVar[tuple[str, int]]
    log: ClassVar[TextIO]
    pace: ClassVar[Pace]
    pieces: ClassVar[int]
    lock = threading.Lock()

    def _forward(self) -> None:
        at = time.time()
        match = _KEY_ID.search(self.headers.get("Authorization", ""))
        key_id = match[1] if match else None
        refusal = _refusal(key_id, self.headers.get("x-amz-security-token"))
        key = self._key()
        folder = key.partition("/")[0]
        body = self._body()
        try:
            if refusal is None:
                self._serve(folder, key, body)
            else:
                self._refuse(refusal)
        finally:
            arrived = Arrived(at, time.time(), folder, self.command, self.path, key_id, refusal)
            with self.lock:
                self.log.write(f"{json.dumps(asdict(arrived))}\n")
                self.log.flush()

    def _serve(self, folder: str, key: str, body: bytes) -> None:
        slow = self.command == "GET" and f"/{SLOWLY}" in key
        if slow and key.endswith(_PACED):
            # A Parquet file is read in as many requests as the engine likes; other files in ranges.
            part = "" if key.endswith(".parquet") else self.headers.get("Range", "")
            self.pace.wait(folder, f"{key} {part}")
        self._pass_on(body, slowly=slow and key.endswith(f"/{STREAM}"))

    def _refuse(self, code: str) -> None:
        content = f"<Error><Code>{code}</Code><Message>Take another key.</Message></Error>".encode()
        self._answer(400, {"Content-Type": "application/xml", "Content-Length": str(len(content))}, content)

    def _key(self) -> str:
        """The key after the bucket, or the prefix that is listed."""
        url = urlsplit(self.path)
        listed = re.search(r"(?:^|&)prefix=([^&]*)", url.query)
        return unquote(listed[1] if listed else url.path.lstrip("/").partition("/")[2])

    def _pass_on(self, body: bytes, *, slowly: bool) -> None:
        upstream = http.client.HTTPConnection(*self.target, timeout=60)
        # The server knows none of the keys.
        own = {"authorization", "transfer-encoding", "expect", "content-length", "connection"}
        headers = {name: value for name, value in self.headers.items() if name.lower() not in own}
        upstream.request(self.command, self.path, body, {**headers, "Connection": "close"})
        answer = upstream.getresponse()
        content = answer.read()
        upstream.close()
        told = {
            name: value
            for name, value in answer.getheaders()
            if name.lower() not in {"connection", "transfer-encoding", "content-length", "keep-alive"}
        }
        length = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(content))
        self._answer(answer.status, {**told, "Content-Length": length or "0"}, content, slowly=slowly)

    def _answer(self, status: int, headers: dict[str, str], content: bytes, *, slowly: bool = False) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        size = -(-len(content) // self.pieces) if slowly else max(1, len(content))
        for start in range(0, len(content), size):
            if start:
                self.wfile.flush()
                time.sleep(self.pace.interval)
            self.wfile.write(content[start : start + size])

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        pieces = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _forward  # noqa: N815 - names that the base class looks for

    def log_message(self, *arguments: Any) -> None:
        """Stay silent."""


class _Listening(ThreadingHTTPServer):
    daemon_threads = True
    # All jobs begin at once.
    request_queue_size = 128


def _refusal(key_id: str | None, token: str | None) -> str | None:
    if key_id is None:
        return "AccessDenied"
    if token != token_of(key_id):
        return "InvalidToken"
    return "ExpiredToken" if expired(key_id) else None


def main(server: str, log: str, seconds: str, pieces: str) -> None:
    """Serve until the standard input ends."""
    url = urlsplit(server)
    _Handler.target = (url.hostname or "", url.port or 80)
    _Handler.pieces = int(pieces)
    _Handler.pace = Pace(float(seconds) / (_Handler.pieces - 1))
    with Path(log).open("w") as _Handler.log:
        listening = _Listening(("127.0.0.1", 0), _Handler)
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        sys.stdout.write(f"{listening.server_address[1]}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
