"""Secrets never stand in an error, whatever an engine quotes of requests, headers and settings."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus, unquote, urlsplit
from xml.sax.saxutils import escape

from pydantic import BaseModel

from s3_assets.connection.catalog_tokens import token_source
from s3_assets.connection.catalogs import SqlCatalogSettings
from s3_assets.connection.credentials import credential_source
from s3_assets.connection.secrets import SecretReference, is_secret, last_read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from s3_assets.connection.settings import S3Connection

_BLANK = "***"
# A shorter one is also part of ordinary words: there it is blanked where it stands alone.
_LONG = 8
# The user and password of a URL; what URLs, headers and answers of S3 hold; web identities.
_SHAPES = (
    (re.compile(r"(?i)(\b[a-z][a-z0-9+.-]*://)[^\s/?#@\"'<>]+@"), rf"\1{_BLANK}@"),
    (
        re.compile(
            r"(?i)(X-Amz-(?:Signature|Security-Token|Credential)=|Signature=|Credential=|"
            r"<AWSAccessKeyId>|<StringToSign(?:Bytes)?>|<CanonicalRequest(?:Bytes)?>|<SignatureProvided>|"
            r"<SecretAccessKey>|<SessionToken>|<Token>|"
            r"(?<!/)(?:secret_?access_?key|session_?token|security-token)[\"']?\W{1,4}|"
            r"(?:proxy-)?authorization[\"']?\W{1,4}(?:Basic |Bearer )?)[^&<\s,\"']*"
        ),
        rf"\1{_BLANK}",
    ),
    (re.compile(r"(?i)\b(Basic )[a-z0-9+/=]{6,}"), rf"\1{_BLANK}"),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"), _BLANK),
)


def redact(text: str, connection: S3Connection | None = None) -> str:
    """Blank out what an engine quotes of keys, signatures and tokens, and the connection's own secrets."""
    for shape, blanked in _SHAPES:
        text = shape.sub(blanked, text)
    if connection is None:
        return text
    spellings = {spelling for secret in secrets_of(connection) for spelling in _spellings(secret)}
    # The longest first: one secret may be the beginning of another.
    for spelling in sorted(spellings, key=len, reverse=True):
        pattern = re.escape(spelling)
        if len(spelling) < _LONG:
            pattern = rf"(?<![A-Za-z0-9]){pattern}(?![A-Za-z0-9])"
        # In either case: percent-encoding has no fixed one.
        text = re.sub(pattern, _BLANK, text, flags=re.IGNORECASE if "%" in spelling else 0)
    return text


def secrets_of(connection: S3Connection) -> Iterator[str]:
    """Yield every secret of the connection that this process knows, without asking anybody for one."""
    yield from _fields(connection)
    if isinstance(connection.catalog, SqlCatalogSettings):
        # Drivers quote parts of the URL.
        yield from filter(None, map(_password, _fields(connection.catalog)))
    held = credential_source(connection).held
    if held is not None:
        yield held.secret_access_key
        if held.session_token:
            yield held.session_token
    tokens = token_source(connection)
    if tokens is not None and tokens.held is not None:
        yield tokens.held


def _password(url: str) -> str | None:
    try:
        found = urlsplit(url).password
    except ValueError:
        return None
    return unquote(found) if found else None


def _fields(value: object) -> Iterator[str]:
    """Walk the model: whatever is declared as `Secret` is one."""
    if isinstance(value, tuple | list):
        for each in value:
            yield from _fields(each)
    if not isinstance(value, BaseModel):
        return
    for name, field in type(value).model_fields.items():
        inner = getattr(value, name)
        if not is_secret(field.annotation):
            yield from _fields(inner)
        elif isinstance(inner, str):
            yield inner
        elif isinstance(inner, SecretReference):
            yield from last_read(inner)


def _spellings(secret: str) -> Iterator[str]:
    """Yield the secret as URLs, XML, JSON and headers spell it."""
    if not secret.strip():
        return
    yield secret
    yield from (quote(secret, safe=""), quote(secret), quote_plus(secret))
    yield escape(secret)
    yield json.dumps(secret)[1:-1]
    yield base64.b64encode(secret.encode()).decode()
