"""The room that forwards requests: HTTP with the engines on one side, `Upstream` on the other."""

from __future__ import annotations

import re
import secrets
import socket
import time
from contextlib import nullcontext, suppress
from hashlib import sha256
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING
from urllib.parse import quote_from_bytes

from s3_assets.connection.gateway import GatewayAddress
from s3_assets.connection.gateway.failures import ClientGoneError, GatewayFailureError, refused
from s3_assets.connection.gateway.request_body import RequestBody
from s3_assets.connection.gateway.tally import Answered, Tally
from s3_assets.connection.gateway.upstream import Request as Passed
from s3_assets.connection.gateway.upstream import Upstream
from s3_assets.connection.loopback_room import LoopbackServer
from s3_assets.connection.whole_answers import TimedAnswer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from urllib3 import BaseHTTPResponse

    from s3_assets.connection.loopback import Counting
    from s3_assets.connection.settings import S3Connection
    from s3_assets.metrics import Count, Request

_KEY_ID = re.compile(r"Credential=([^/,\s]+)/")
_ANY_ASCII = "".join(map(chr, range(0x21, 0x7F)))
_HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-connection", "te", "trailer", "upgrade"}
)
_PIECE = 256 * 1024
_BODILESS = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
# An engine that is still sending when its request has failed is listened to this long (seconds).
_LINGER = 10.0


class GatewayServer(LoopbackServer):
    """Forwards on loopback, for each connection under a key id of its own."""

    def __init__(self) -> None:
        super().__init__(_Handler)
        self._admitted: dict[bytes, tuple[Upstream, Tally | None]] = {}

    def admit(self, connection: S3Connection, counting: Counting | None = None) -> GatewayAddress:
        """Forward this connection's requests from now on, and count them if that is asked for."""
        key_id = secrets.token_hex(20).upper()
        upstream = Upstream(connection)
        tally = Tally(counting, upstream.server) if counting is not None else None
        self._admitted[_digest(key_id)] = upstream, tally
        return GatewayAddress(self.url, key_id, secrets.token_urlsafe(32))

    def counted(self, answer: GatewayAddress) -> tuple[dict[tuple[str, str], Count], list[Request]]:
        """Return what was counted under an address since the last time."""
        _, tally = self._admitted[_digest(answer.access_key_id)]
        return tally.taken() if tally is not None else ({}, [])

    def let_go(self, answer: GatewayAddress) -> None:
        """Forward nothing more under an address, and close its connections that nobody uses."""
        upstream, _ = self._admitted.pop(_digest(answer.access_key_id))
        upstream.close()

    def admitted(self, authorization: str) -> tuple[Upstream, Tally | None]:
        """Return who is meant by a signature's key id; raises `GatewayFailureError` if it is nobody's.

        The key id is the token. The signature is not looked at: whoever knows the one knows the other.
        """
        found = _KEY_ID.search(authorization)
        # Looked up by its digest: how long that takes tells nothing of the token.
        admitted = self._admitted.get(_digest(found[1] if found else ""))
        if admitted is None:
            raise refused()
        return admitted


class _Handler(BaseHTTPRequestHandler):
    server: GatewayServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    rbufsize = 64 * 1024
    # The head of an answer leaves together with the first piece of its body.
    wbufsize = 64 * 1024

    def _forward(self) -> None:
        body: RequestBody | None = None
        try:
            headers = _joined(self.headers.items())
            body = RequestBody(headers, self.rfile, self._go_on)
            upstream, tally = self.server.admitted(headers.get("authorization", ""))
            request = Passed(self.command, _ascii(self.path), headers, body)
            counting = (
                tally.one(request.method, request.target, headers) if tally else nullcontext(Answered())
            )
            until = time.monotonic() + upstream.patience
            with counting as told, upstream.send(request) as answer:
                told.status, told.bytes_written = answer.status, _length(headers, body)
                if not body.finished:
                    self.close_connection = True
                self._pass_on(answer, told, until)
        except GatewayFailureError as failure:
            if body is None or not body.finished:
                self.close_connection = True
            self._answer(failure)
        except (ClientGoneError, ConnectionError):
            self.close_connection = True
            return
        if body is None or not body.finished:
            self._linger()

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_OPTIONS = do_PATCH = _forward  # noqa: N815 - the base's names

    def _pass_on(self, answer: BaseHTTPResponse, told: Answered, until: float) -> None:
        from urllib3.exceptions import HTTPError

        bodiless = self.command == "HEAD" or answer.status in _BODILESS
        chunked = not bodiless and "content-length" not in answer.headers
        self._head(answer, chunked=chunked)
        try:
            for piece in _pieces(answer, until):
                told.bytes_read += len(piece)
                self.wfile.writelines((b"%x\r\n" % len(piece), piece, b"\r\n") if chunked else (piece,))
                self.wfile.flush()
        except HTTPError:
            # The engine has the head already: only an end before the body's can tell it.
            answer.close()
            self.close_connection = True
            return
        if chunked:
            self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def _head(self, answer: BaseHTTPResponse, *, chunked: bool) -> None:
        self.send_response_only(answer.status, answer.reason)
        redirect = 300 <= answer.status < 400
        for name, value in answer.headers.items():
            lower = name.lower()
            # An engine that follows a redirect would leave the gateway.
            if lower in _HOP_BY_HOP or lower == "transfer-encoding" or (redirect and lower == "location"):
                continue
            self.send_header(name, value)
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()

    def _answer(self, failure: GatewayFailureError) -> None:
        self.send_response_only(failure.status)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(failure.document)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(failure.document)
        self.wfile.flush()

    def _go_on(self) -> None:
        """Let the engine send its body, if it waits to be told so."""
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.send_response_only(HTTPStatus.CONTINUE)
            self.end_headers()
            self.wfile.flush()

    def handle_expect_100(self) -> bool:
        """Wait with the permission until the body is wanted: the request may be refused."""
        return True

    def _linger(self) -> None:
        """Let the engine read the answer: a connection that is closed with bytes unread is reset."""
        with suppress(OSError):
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(_LINGER)
            until = time.monotonic() + _LINGER
            while time.monotonic() < until and self.rfile.read1(_PIECE):
                pass

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base's name
        """Stay silent: the base class writes each request to standard error."""


def _digest(key_id: str) -> bytes:
    return sha256(key_id.encode("latin-1")).digest()


def _length(headers: dict[str, str], body: RequestBody) -> int:
    """Return the length of what is in a body that was passed on; chunks say it apart from their frames."""
    told = headers.get("x-amz-decoded-content-length", "")
    return int(told) if told.isascii() and told.isdigit() else body.passed


def _pieces(answer: BaseHTTPResponse, until: float) -> Iterator[bytes]:
    """Yield the body as it arrives; raises urllib3's errors, also when its time is over."""
    return TimedAnswer(answer, until).stream(_PIECE)


def _joined(headers: list[tuple[str, str]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in headers:
        lower = name.lower()
        joined[lower] = f"{joined[lower]},{value}" if lower in joined else value
    return joined


def _ascii(target: str) -> str:
    """Return the target with bytes that no URL may hold encoded, and every other one as it came."""
    return quote_from_bytes(target.encode("latin-1"), safe=_ANY_ASCII)
