"""Who may ask the REST catalog: bearer tokens, tokens for client credentials, signatures."""

import base64
import dataclasses
import secrets
import threading
import time
from urllib.parse import parse_qs, quote, unquote_plus

from tests.servers.identity.answers import Answer, Request, json_answer
from tests.servers.identity.signature import key_id_of, signed_with, skewed
from tests.servers.rest_catalog.settings import Settings
from tests.servers.session_keys import expired, secret_of, token_of

_TOKEN = "x-amz-security-token"
_issued: dict[str, float] = {}
_lock = threading.Lock()


def refusal(request: Request, settings: Settings) -> tuple[int, str, str] | None:
    """Why the request is refused: status, kind and reason; None if it is not."""
    told = request.headers.get("authorization", "")
    if settings.signers or settings.session_keys:
        return (
            None if _signed(request, settings) else (403, "ForbiddenException", "The signature is not right.")
        )
    if settings.token is not None:
        right = secrets.compare_digest(told, f"Bearer {settings.token}")
        return None if right else (401, "NotAuthorizedException", "The token is not right.")
    if settings.clients:
        with _lock:
            ends = _issued.get(told.removeprefix("Bearer "))
        if ends is None:
            return 401, "NotAuthorizedException", "The token is not one of this server's."
        return (
            None if time.time() < ends else (419, "AuthenticationTimeoutException", "The token has expired.")
        )
    return None


def issue(request: Request, settings: Settings, *, by_header: bool) -> Answer:
    """Change client credentials for a token: by the form's fields, or by a Basic header (RFC 6749, 2.3.1)."""
    form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
    if form.get("grant_type") != "client_credentials":
        return _oauth_error("unsupported_grant_type")
    client, secret = _of_header(request) if by_header else (form.get("client_id"), form.get("client_secret"))
    if client is None or settings.clients.get(client) != secret:
        return _oauth_error("invalid_client", 401)
    token = f"token-{secrets.token_hex(12)}"
    with _lock:
        _issued[token] = time.time() + settings.token_seconds
    told = {"access_token": token, "token_type": "bearer", "scope": form.get("scope", "")}
    return json_answer(200, {**told, "expires_in": int(settings.token_seconds)}, "get_token", token)


def _signed(request: Request, settings: Settings) -> bool:
    key_id = key_id_of(request) or ""
    secret = settings.signers.get(key_id)
    if settings.session_keys and not expired(key_id) and token_of(key_id) == request.headers.get(_TOKEN):
        secret = secret_of(key_id)
    service = f"/{settings.service}/aws4_request"
    if secret is None or skewed(request) or service not in request.headers["authorization"]:
        return False
    # Every service but S3 has the path, as it is on the line, encoded once more.
    return signed_with(dataclasses.replace(request, path=quote(request.path, safe="/-_.~")), secret)


def _of_header(request: Request) -> tuple[str | None, str | None]:
    kind, _, pair = request.headers.get("authorization", "").partition(" ")
    if kind != "Basic":
        return None, None
    client, _, secret = base64.b64decode(pair).decode().partition(":")
    return unquote_plus(client), unquote_plus(secret)


def _oauth_error(error: str, status: int = 400) -> Answer:
    return json_answer(status, {"error": error, "error_description": "The client is refused."}, "get_token")
