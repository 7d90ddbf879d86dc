"""The room that hands out credentials over HTTP.

It speaks the container credential protocol (AWS SDKs and Tools Reference Guide, "Container credential
provider"): `GET` with an `Authorization` token, answered by key, secret, token and expiration as JSON.
"""

from __future__ import annotations

import hmac
import json
import os
import secrets
import tempfile
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from s3_assets.connection.credential_endpoint import CredentialUrl
from s3_assets.connection.credentials import CredentialSource
from s3_assets.connection.loopback_room import LoopbackServer
from s3_assets.connection.symptoms import CREDENTIALS_FAILED as FAILURE
from s3_assets.errors import S3AssetsError

if TYPE_CHECKING:
    from s3_assets.connection.loopback import Counting
    from s3_assets.connection.settings import S3Connection

# Credentials that do not expire are asked for again after a while all the same.
_LEASE = timedelta(minutes=9)


class CredentialServer(LoopbackServer):
    """Answers on loopback, each connection under a path of its own, to those who show the token."""

    def __init__(self) -> None:
        super().__init__(_Handler)
        self.token = secrets.token_urlsafe(32)
        self.sources: dict[str, CredentialSource] = {}
        descriptor, self._token_file = tempfile.mkstemp(prefix="s3-assets-", suffix=".token")
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(self.token)

    def admit(self, connection: S3Connection, counting: Counting | None = None) -> CredentialUrl:
        """Hand out this connection's credentials from now on; nobody counts how often they are asked for."""
        del counting
        path = f"/{secrets.token_urlsafe(16)}"
        self.sources[path] = CredentialSource(connection)
        return CredentialUrl(f"{self.url}{path}", self._token_file)

    def counted(self, answer: object) -> tuple[dict[str, object], list[object]]:
        """Say that nothing was counted."""
        del answer
        return {}, []

    def let_go(self, answer: CredentialUrl) -> None:
        """Hand out nothing more under that address."""
        self.sources.pop(urlsplit(answer.url).path, None)

    def server_close(self) -> None:
        """Stop listening, and remove the token's file."""
        super().server_close()
        Path(self._token_file).unlink(missing_ok=True)


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
