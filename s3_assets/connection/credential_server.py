"""The process behind the loopback endpoint: orders as JSON lines on standard input, credentials over HTTP.

It speaks the container credential protocol (AWS SDKs and Tools Reference Guide, "Container credential
provider"): `GET` with an `Authorization` token, answered by key, secret, token and expiration as JSON.
"""

from __future__ import annotations

import base64
import hmac
import json
import pickle
import sys
import threading
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.sax.saxutils import escape

from s3_assets.connection.credentials import CredentialSource
from s3_assets.connection.symptoms import CREDENTIALS_FAILED as FAILURE
from s3_assets.errors import S3AssetsError

# Credentials that do not expire are asked for again after a while all the same.
_LEASE = timedelta(minutes=9)


class CredentialServer(ThreadingHTTPServer):
    """Answers on loopback, each connection under a path of its own, to those who show the token."""

    daemon_threads = True

    def __init__(self, token: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.token = token
        self.sources: dict[str, CredentialSource] = {}


class _Handler(BaseHTTPRequestHandler):
    server: CredentialServer

    def do_GET(self) -> None:
        source = self.server.sources.get(self.path)
        shown = self.headers.get("Authorization", "")
        if source is None or not hmac.compare_digest(shown.encode(), self.server.token.encode()):
            self.send_error(HTTPStatus.FORBIDDEN)
            return
        try:
            status, body = HTTPStatus.OK, document(source)
        except S3AssetsError as error:
            # In S3's own form, for the diagnosis; not a server's error, which would be tried again.
            message = escape(str(error))
            status = HTTPStatus.BAD_REQUEST
            body = f"<Error><Code>{FAILURE}</Code><Message>{message}</Message></Error>".encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base's name
        """Stay silent: the base class writes each request to standard error."""


def document(source: CredentialSource) -> bytes:
    """Write the source's credentials as the protocol wants them; anonymous ones are never asked for."""
    credentials = source.current()
    if credentials is None:
        return b"{}"
    expires = credentials.expires_at or datetime.now(UTC) + _LEASE
    return json.dumps(
        {
            "AccessKeyId": credentials.access_key_id,
            "SecretAccessKey": credentials.secret_access_key,
            "Token": credentials.session_token or "",
            "Expiration": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
    ).encode()


def main() -> None:
    """Serve until the orders end, which they do with the process that gives them."""
    server = CredentialServer(json.loads(sys.stdin.readline())["token"])
    threading.Thread(target=server.serve_forever, daemon=True).start()
    _say({"port": server.server_address[1]})
    for line in sys.stdin:
        order = json.loads(line)
        # From the pipe of the process that started this one, and from nobody else.
        connection = pickle.loads(base64.b64decode(order["connection"]))  # noqa: S301 - our own parent's
        server.sources[order["path"]] = CredentialSource(connection)
        _say({"port": server.server_address[1]})


def _say(answer: dict[str, object]) -> None:
    sys.stdout.write(f"{json.dumps(answer)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
