"""Requests are signed anew with botocore's signer, over the same method, target and payload hash.

Amazon S3 API Reference, "Authenticating Requests: Using the Authorization Header (AWS Signature Version 4)".
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_from_bytes, unquote_to_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from s3_assets.connection.credentials import Credentials

PAYLOAD_HASH = "x-amz-content-sha256"
UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
_UNSIGNED = "UNSIGNED-PAYLOAD"
# A proxy on the way may change other headers; these are S3's own and those that decide what it does.
_SIGNED_PREFIXES = ("x-amz-", "if-", "content-")
_SIGNED = ("range",)
_NEVER_SIGNED = ("content-length",)


def signed_headers(
    method: str,
    base: str,
    target: str,
    headers: Mapping[str, str],
    credentials: Credentials,
    region: str,
) -> dict[str, str]:
    """Return the headers to send, names in lower case, with `authorization`, date and token among them.

    `headers` hold the host; `base` is the server's URL without a slash at its end, `target` what follows it.
    """
    from botocore.awsrequest import AWSRequest

    signed = {name: value for name, value in headers.items() if _is_signed(name)}
    # The hash is of the engine's making: the body has not been read, and never will be as a whole.
    request = AWSRequest(method, f"{base}{_canonical(target)}", {**signed, "host": headers["host"]})
    _signer()(credentials, region, headers.get(PAYLOAD_HASH, _UNSIGNED)).add_auth(request)
    return {**headers, **{name.lower(): value for name, value in request.headers.items()}}


def _is_signed(name: str) -> bool:
    return name not in _NEVER_SIGNED and (name.startswith(_SIGNED_PREFIXES) or name in _SIGNED)


def _canonical(target: str) -> str:
    """Return the target as it is signed: decoded and encoded again in the one way that both sides know.

    It is sent as the engine wrote it: `+` for a space in a query is signed as `%20`.
    """
    path, _, query = target.partition("?")
    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    canonical = "&".join(f"{_encoded(name)}={_encoded(value)}" for name, _, value in pairs)
    return f"{quote(unquote_to_bytes(path), safe='/~')}?{canonical}"


def _encoded(text: str) -> str:
    return quote_from_bytes(unquote_to_bytes(text.replace("+", " ")), safe="~")


@cache
def _signer() -> Any:  # noqa: ANN401 - botocore ships no types
    """Return botocore's signer of S3, told the payload's hash instead of reading the body for it."""
    from botocore.auth import S3SigV4Auth
    from botocore.credentials import ReadOnlyCredentials

    class Signer(S3SigV4Auth):  # type: ignore[misc] # botocore ships no types
        def __init__(self, credentials: Credentials, region: str, payload_hash: str) -> None:
            keys = (credentials.access_key_id, credentials.secret_access_key, credentials.session_token)
            super().__init__(ReadOnlyCredentials(*keys), "s3", region)
            self._payload_hash = payload_hash

        def payload(self, request: object) -> str:  # noqa: ARG002 - the base's name
            return self._payload_hash

    return Signer
