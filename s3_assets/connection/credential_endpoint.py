"""A loopback endpoint that hands out credentials, for engines that can only ask for them over HTTP.

It speaks the container credential protocol (AWS SDKs and Tools Reference Guide, "Container credential
provider"): `GET` with an `Authorization` token, answered by key, secret, token and expiration as JSON.
"""

from __future__ import annotations

import atexit
import hmac
import json
import os
import secrets
import tempfile
import threading
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

from s3_assets.errors import S3AssetsError

if TYPE_CHECKING:
    from s3_assets.connection.credentials import CredentialSource

_lock = threading.Lock()
_endpoint: _Endpoint | None = None


@dataclass(frozen=True)
class CredentialUrl:
    """Where one source's credentials are handed out, and the file that holds the token to show."""

    url: str
    token_file: str


def publish(source: CredentialSource) -> CredentialUrl:
    """Hand out this source's credentials on loopback for as long as the process lives."""
    global _endpoint  # noqa: PLW0603 - one server for the process, started when first needed
    with _lock:
        # A forked child inherits the object but not the serving thread.
        if _endpoint is None or _endpoint.owner != os.getpid():
            _endpoint = _Endpoint()
        return _endpoint.add(source)


class _Endpoint:
    def __init__(self) -> None:
        self.owner = os.getpid()
        self._token = secrets.token_urlsafe(32)
        self._sources: dict[str, CredentialSource] = {}
        self._paths: dict[int, str] = {}
        descriptor, name = tempfile.mkstemp(prefix="s3-assets-", suffix=".token")
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(self._token)
        self._token_file = name
        atexit.register(Path(name).unlink, missing_ok=True)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, name="s3-assets-credentials", daemon=True).start()

    def add(self, source: CredentialSource) -> CredentialUrl:
        path = self._paths.get(id(source))
        if path is None:
            path = f"/{secrets.token_urlsafe(16)}"
            self._paths[id(source)] = path
            self._sources[path] = source
        return CredentialUrl(f"http://127.0.0.1:{self._server.server_address[1]}{path}", self._token_file)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        sources, token = self._sources, self._token

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                source = sources.get(self.path)
                shown = self.headers.get("Authorization", "")
                if source is None or not hmac.compare_digest(shown, token):
                    self.send_error(HTTPStatus.FORBIDDEN)
                    return
                try:
                    body = _document(source)
                except S3AssetsError as error:
                    self.send_error(HTTPStatus.SERVICE_UNAVAILABLE, explain=str(error))
                    return
                self.send_response(HTTPStatus.OK)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base's name
                """Stay silent: the base class writes each request to standard error."""

        return Handler


def _document(source: CredentialSource) -> bytes:
    credentials = source.current()
    if credentials is None or credentials.expires_at is None:
        raise S3AssetsError("only credentials that expire are handed out over loopback")
    return json.dumps(
        {
            "AccessKeyId": credentials.access_key_id,
            "SecretAccessKey": credentials.secret_access_key,
            "Token": credentials.session_token or "",
            "Expiration": credentials.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
    ).encode()
