"""Everything between a connection and its bucket on one port: proxy, STS, metadata, Secrets Manager, SSM.

It hands out what was planted, and remembers what it was shown: a secret that nobody used proves nothing.
"""

import base64
import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

_ANSWER = """<{0}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{0}Result><Credentials>
<AccessKeyId>{1}</AccessKeyId><SecretAccessKey>{2}</SecretAccessKey><SessionToken>{3}</SessionToken>
<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></{0}Result></{0}Response>"""
_SKIPPED = {"proxy-authorization", "proxy-connection", "connection", "host", "transfer-encoding"}


class Services(ThreadingHTTPServer):
    """`kept` are secrets by name, `temporary` the three parts of a credential, `shown` all that was sent."""

    daemon_threads = True

    def __init__(self, target: str, kept: dict[str, str], temporary: tuple[str, str, str]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target = urlsplit(target).netloc
        self.kept = kept
        self.temporary = temporary
        self.shown: list[str] = []
        self.refuses = False
        """Whether, as a proxy, it lets nobody through."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Services

    def _any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._remember(body)
        parts = urlsplit(self.path)
        if parts.netloc and self.server.refuses:
            self._answer(407, b"")
        elif target := self.headers.get("X-Amz-Target"):
            self._answer(200, self._kept(target, json.loads(body)))
        elif b"Action=AssumeRole" in body:
            action = parse_qs(body.decode())["Action"][0]
            self._answer(200, _ANSWER.format(action, *self.server.temporary).encode())
        elif parts.path == "/credentials":
            names = ("AccessKeyId", "SecretAccessKey", "Token")
            document = dict(zip(names, self.server.temporary, strict=True))
            self._answer(200, json.dumps({**document, "Expiration": "2099-01-01T00:00:00Z"}).encode())
        else:
            self._forward(body)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _any  # noqa: N815 - the base's names

    def _remember(self, body: bytes) -> None:
        self.server.shown.extend(self.headers.values())
        self.server.shown.append(f"{self.path} {body[:10_000].decode(errors='replace')}")
        kind, _, encoded = self.headers.get("Proxy-Authorization", "").partition(" ")
        if kind == "Basic":
            self.server.shown.append(base64.b64decode(encoded).decode())

    def _kept(self, target: str, asked: dict[str, str]) -> bytes:
        if target.startswith("secretsmanager"):
            return json.dumps({"SecretString": self.server.kept[asked["SecretId"]]}).encode()
        return json.dumps({"Parameter": {"Value": self.server.kept[asked["Name"]]}}).encode()

    def _forward(self, body: bytes) -> None:
        parts = urlsplit(self.path)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        # The host belongs to the signature, which this server does not look at.
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _SKIPPED}
        connection = http.client.HTTPConnection(parts.netloc or self.server.target, timeout=60)
        try:
            connection.request(self.command, path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in {"transfer-encoding", "connection", "content-length", "date", "server"}:
                self.send_header(name, value)
        length = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(content))
        self.send_header("Content-Length", length or "0")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base's name
        """Stay silent."""


@contextmanager
def services(target: str, kept: dict[str, str], temporary: tuple[str, str, str]) -> Iterator[Services]:
    """Serve until the block ends."""
    server = Services(target, kept, temporary)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
