"""What an engine's error means: one typed error of ours, with place and remedy.

Every engine reports the server's answer in its own words; all of them carry S3's error code or the HTTP
status somewhere in the text, next to keys and URLs that may read like either.
"""

from __future__ import annotations

import re
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import TYPE_CHECKING

from s3_assets.connection.auth import AccessKeyAuth
from s3_assets.connection.credentials import credential_source
from s3_assets.connection.symptoms import CODES, NO_CREDENTIALS, SKEWED, STATUSES, UNREACHABLE, WORDS, Symptom
from s3_assets.errors import S3AssetsError, ServerFailureError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from s3_assets.connection.settings import S3Connection

# delta-rs draws its chain of causes with colours and arrows.
_DECORATION = re.compile(r"\x1b\[[0-9;]*m|↳")
_CODE = re.compile(r"<Code>\s*(?P<xml>\w+)\s*</Code>|An error occurred \((?P<boto>\w+)\)")
_STATUS = re.compile(r"status code\W+(?P<words>\d{3})\b|\bstatus: (?P<debug>\d{3})\b")
# What may hold any text: URLs, quoted paths, and the places where engines quote a key without quotes.
_PLACES = re.compile(
    r"""https?://\S+ | "(?:[^"\\]|\\.)*" | \(path:\ .*?\)(?=\n|$)
    | (?:at\ location|for\ path)\ .*?(?=\ not\ found|:\ Error|\n|$)""",
    re.VERBOSE,
)
_TIMES = re.compile(
    r"<RequestTime>(?P<here>\d{8}T\d{6}Z)</RequestTime>.*?<ServerTime>(?P<there>[^<]+)</ServerTime>",
    re.DOTALL,
)
# Anything that could be a secret: signatures, tokens and keys inside a URL or a header that an engine quotes.
_SECRETS = re.compile(
    r"(?i)(X-Amz-(?:Signature|Security-Token|Credential)=|Signature=|Credential=|"
    r"<AWSAccessKeyId>|<StringToSign(?:Bytes)?>|<CanonicalRequest(?:Bytes)?>|<SignatureProvided>|"
    r"secret_access_key\W+|session_token\W+)[^&<\s,\"']*"
)
_LONGEST = 600


def diagnose(error: BaseException, connection: S3Connection, location: str) -> S3AssetsError:
    """Return the typed error that an engine's error means; `location` is the bucket, key or table's URL."""
    if isinstance(error, S3AssetsError):
        return error.at(connection=connection.name, location=location)
    text = _texts(error)
    symptom = find_symptom(text)
    failure = _credential_failure(connection, symptom)
    if failure is not None:
        return failure.at(connection=connection.name, location=location)
    if symptom is None:
        return ServerFailureError(
            f"a request failed: {redact(text, connection)[:_LONGEST]}",
            remedy="Run it again; if it stays, look at the server's log.",
            connection=connection.name,
            location=location,
        )
    found = symptom.found
    if symptom is UNREACHABLE and connection.endpoint:
        found = f"nobody answers at the endpoint {connection.endpoint}"
    if symptom is SKEWED:
        found += _skew(text)
    return symptom.error(found, remedy=symptom.remedy, connection=connection.name, location=location)


def _credential_failure(connection: S3Connection, symptom: Symptom | None) -> S3AssetsError | None:
    """Return why there are no credentials: the engine was given an error, and tells little of it."""
    source = credential_source(connection)
    if symptom is NO_CREDENTIALS and source.failure is None:
        # Another process was asked; this one finds the same.
        with suppress(S3AssetsError):
            source.current()
    return source.failure


def find_symptom(text: str) -> Symptom | None:
    """Return what an error's text tells: by S3's code, else by the HTTP status, else by the words around."""
    plain = _DECORATION.sub("", text)
    for match in _CODE.finditer(plain):
        code = match["xml"] or match["boto"]
        if code in CODES:
            return CODES[code]
        if code.isdigit():
            return STATUSES.get(int(code))
    words = _PLACES.sub("", plain)
    if answered := _STATUS.search(words):
        # An answer was given: no word about the network can explain it.
        return STATUSES.get(int(answered["words"] or answered["debug"]))
    return next((symptom for pattern, symptom in WORDS if pattern.search(words)), None)


@contextmanager
def diagnosed(connection: S3Connection, location: str, *engine_errors: type[BaseException]) -> Iterator[None]:
    """Turn the named errors of an engine, raised inside, into ours."""
    try:
        yield
    except engine_errors as error:
        # Not chained: the engine's text may quote signed headers, and Dagster shows the whole chain.
        raise diagnose(error, connection, location) from None


def redact(text: str, connection: S3Connection | None = None) -> str:
    """Blank out what an engine quotes of keys, signatures and tokens, and the connection's own secrets."""
    blanked = _SECRETS.sub(lambda match: f"{match[1]}***", text)
    auth = connection.auth if connection is not None else None
    if isinstance(auth, AccessKeyAuth):
        for secret in (auth.secret_access_key, auth.session_token):
            if isinstance(secret, str) and secret:
                blanked = blanked.replace(secret, "***")
    return blanked


def _texts(error: BaseException) -> str:
    """Return the error's own text and those of its causes."""
    texts = []
    seen: BaseException | None = error
    while seen is not None:
        texts.append(f"{type(seen).__name__}: {seen}")
        seen = seen.__cause__
    return "\n".join(texts)


def _skew(text: str) -> str:
    match = _TIMES.search(text)
    if match is None:
        return ""
    try:
        here = datetime.strptime(match["here"], "%Y%m%dT%H%M%S%z")
        ahead = (here - datetime.fromisoformat(match["there"])).total_seconds()
    except (ValueError, TypeError):
        return ""
    return f": {abs(ahead) / 60:.0f} minutes {'ahead' if ahead > 0 else 'behind'}"
