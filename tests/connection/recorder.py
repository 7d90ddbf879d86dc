"""A forwarding server that remembers what each request said of its sender: host, credentials, headers.

Requests with a session key that is over are refused, as S3 does.

It is also an HTTP proxy, so that a bucket in the host name needs no name server. It is a process of its own:
delta-rs keeps the interpreter lock while it waits for an answer.
"""

import http.client
import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, TextIO
from urllib.parse import urlsplit

from tests.servers.session_keys import expired

REPOSITORY = Path(__file__).parents[2]
VIRTUAL = ".s3.test"
"""What follows the bucket in a virtual host, which the server takes apart itself."""


@dataclass(frozen=True)
class Seen:
    method: str
    host: str
    path: str
    headers: Mapping[str, str]
    peer: int
    """The client's port: one for each connection."""
    at_once: int
    """Requests under way when this one came, itself among them."""

    @property
    def key_id(self) -> str | None:
        match = re.search(r"Credential=([^/]+)/", self.headers.get("authorization", ""))
        return match[1] if match else None

    @property
    def region(self) -> str | None:
        match = re.search(r"Credential=[^/]+/\d+/([^/]+)/", self.headers.get("authorization", ""))
        return match[1] if match else None

    @property
    def token(self) -> str | None:
        return self.headers.get("x-amz-security-token")


@dataclass
class Recorder:
    port: int
    log: Path

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def seen(self) -> list[Seen]:
        return [Seen(**json.loads(line)) for line in self.log.read_text().splitlines()]

    def key_ids(self) -> set[str | None]:
        return {each.key_id for each in self.seen}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    target: ClassVar[tuple[str, int]]
    log: ClassVar[TextIO]
    lock = threading.Lock()
    under_way: ClassVar[set[int]] = set()

    def _forward(self) -> None:
        body = self._body()
        headers = {name.lower(): value for name, value in self.headers.items()}
        url = urlsplit(self.path)
        path = self.path.removeprefix(f"{url.scheme}://{url.netloc}") if url.scheme else self.path
        host = headers.get("host", "")
        peer = self.client_address[1]
        with self.lock:
            self.under_way.add(peer)
            seen = Seen(self.command, host, path, headers, peer, len(self.under_way))
            self.log.write(f"{json.dumps(asdict(seen))}\n")
            self.log.flush()
        if seen.key_id is not None and expired(seen.key_id):
            self._refuse(b"<Error><Code>ExpiredToken</Code><Message>The token is over.</Message></Error>")
            return
        upstream = http.client.HTTPConnection(*self.target, timeout=30)
        # The server redirects requests that are signed for another region than it thinks is the bucket's.
        passed = {
            name: value
            for name, value in headers.items()
            if name not in {"authorization", "transfer-encoding", "expect", "content-length"}
        }
        upstream.request(self.command, path, body, {**passed, "connection": "close"})
        answer = upstream.getresponse()
        content = answer.read()
        with self.lock:
            self.under_way.discard(peer)
        self.send_response(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in {"connection", "transfer-encoding", "content-length", "keep-alive"}:
                self.send_header(name, value)
        length = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(content))
        self.send_header("Content-Length", length or "0")
        self.end_headers()
        self.wfile.write(content)
        upstream.close()

    def _refuse(self, content: bytes) -> None:
        with self.lock:
            self.under_way.discard(self.client_address[1])
        self.send_response(400)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else content)

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


@contextmanager
def recording(server: str, folder: Path) -> Iterator[Recorder]:
    """Forward to the server at that URL for as long as the block lasts."""
    log = folder / "requests.jsonl"
    command = [sys.executable, "-m", "tests.connection.recorder", server, str(log)]
    with subprocess.Popen(
        command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        if process.stdout is None:
            raise RuntimeError
        yield Recorder(int(process.stdout.readline()), log)
        # The end of its standard input is its end.
        process.communicate(timeout=10)


def main(server: str, log: str) -> None:
    url = urlsplit(server)
    _Handler.target = (url.hostname or "", url.port or 80)
    with Path(log).open("w") as _Handler.log:
        listening = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        listening.daemon_threads = True
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        sys.stdout.write(f"{listening.server_address[1]}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
