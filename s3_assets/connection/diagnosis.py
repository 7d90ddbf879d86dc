"""What an engine's error means: one typed error of ours, with place and remedy.

Every engine reports the server's answer in its own words; all of them carry S3's error code (Amazon S3 API
Reference, "Error responses") or the HTTP status somewhere in the text.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from s3_assets.errors import (
    AccessDeniedError,
    BucketMissingError,
    CredentialsExpiredError,
    KeyUnknownError,
    ObjectMissingError,
    RequestTimeoutError,
    S3AssetsError,
    ServerFailureError,
    SignatureMismatchError,
    ThrottledError,
    UnreachableError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from s3_assets.connection.settings import S3Connection


class _Symptom(NamedTuple):
    pattern: re.Pattern[str]
    error: type[S3AssetsError]
    found: str
    remedy: str


def _symptom(pattern: str, error: type[S3AssetsError], found: str, remedy: str) -> _Symptom:
    return _Symptom(re.compile(pattern, re.IGNORECASE), error, found, remedy)


# In order: the first that matches is meant. Codes before statuses, since every 403 also reads "Forbidden".
_SYMPTOMS = (
    _symptom(
        r"InvalidAccessKeyId",
        KeyUnknownError,
        "the server does not know the access key id",
        "Check access_key_id, and that the endpoint is the server that issued it.",
    ),
    _symptom(
        r"SignatureDoesNotMatch|InvalidSignature",
        SignatureMismatchError,
        "the signature does not match",
        "Check secret_access_key, the region, and this machine's clock.",
    ),
    _symptom(
        r"RequestTimeTooSkewed",
        SignatureMismatchError,
        "this machine's clock is too far from the server's",
        "Set the clock; 15 minutes are allowed.",
    ),
    _symptom(
        r"ExpiredToken|TokenRefreshRequired|InvalidToken",
        CredentialsExpiredError,
        "the temporary credentials have expired or are not valid",
        "Sign in again, or use an auth that refreshes itself: default or profile.",
    ),
    _symptom(
        r"AuthorizationHeaderMalformed|PermanentRedirect|IllegalLocationConstraint|\b301\b",
        SignatureMismatchError,
        "the bucket is in another region",
        "Set the connection's region to the bucket's.",
    ),
    _symptom(
        r"NoSuchBucket",
        BucketMissingError,
        "the bucket does not exist",
        "Check the connection's url, endpoint and region, or create the bucket.",
    ),
    _symptom(
        r"InvalidBucketName",
        BucketMissingError,
        "the server refuses the bucket's name",
        "Check the connection's url.",
    ),
    _symptom(
        r"AccessDenied|AllAccessDisabled|\b403\b|Forbidden|PermissionDenied",
        AccessDeniedError,
        "access is denied",
        "Attach a policy that allows this action on this bucket and prefix.",
    ),
    _symptom(
        r"\b401\b|Unauthori[sz]ed|Unauthenticated",
        AccessDeniedError,
        "the server wants credentials",
        "Set the connection's auth.",
    ),
    _symptom(
        r"SlowDown|ServiceUnavailable|TooManyRequests|\b503\b|\b429\b",
        ThrottledError,
        "the server asks to slow down",
        "Run it again later, or raise transport.max_retries.",
    ),
    _symptom(
        r"Connection refused|ConnectError|client error \(Connect\)|dns error|error trying to connect|"
        r"Could not connect to the endpoint|Name or service not known|failed to lookup address",
        UnreachableError,
        "nobody answers at the endpoint",
        "Check the endpoint's host and port, and that the server runs.",
    ),
    _symptom(
        r"NoSuchKey|\b404\b|not found|NotFound",
        ObjectMissingError,
        "there is no such object",
        "Check the path; it may have been deleted since it was listed.",
    ),
    _symptom(
        r"timed out|TimeoutError|ReadTimeout|ConnectTimeout|Timeout:",
        RequestTimeoutError,
        "the server did not answer in time",
        "Check the network, or raise transport.connect_timeout and transport.read_timeout.",
    ),
)
# Anything that could be a secret: signatures, tokens and keys inside a URL or a header that an engine quotes.
_SECRETS = re.compile(
    r"(?i)(X-Amz-(?:Signature|Security-Token|Credential)=|Signature=|Credential=|"
    r"<AWSAccessKeyId>|<StringToSign(?:Bytes)?>|<CanonicalRequest(?:Bytes)?>|secret_access_key\W+|session_token\W+)[^&<\s,\"']*"
)
_LONGEST = 600


def diagnose(error: BaseException, connection: S3Connection, location: str) -> S3AssetsError:
    """Return the typed error that an engine's error means; `location` is the bucket, key or table's URL."""
    if isinstance(error, S3AssetsError):
        return error.at(connection=connection.name, location=location)
    text = _texts(error)
    for symptom in _SYMPTOMS:
        if symptom.pattern.search(text):
            found = symptom.found
            if symptom.error is UnreachableError and connection.endpoint:
                found = f"nobody answers at the endpoint {connection.endpoint}"
            return symptom.error(found, remedy=symptom.remedy, connection=connection.name, location=location)
    return ServerFailureError(
        f"a request failed: {redact(text)[:_LONGEST]}",
        remedy="Run it again; if it stays, look at the server's log.",
        connection=connection.name,
        location=location,
    )


@contextmanager
def diagnosed(connection: S3Connection, location: str, *engine_errors: type[BaseException]) -> Iterator[None]:
    """Turn the named errors of an engine, raised inside, into ours."""
    try:
        yield
    except engine_errors as error:
        # Not chained: the engine's text may quote signed headers, and Dagster shows the whole chain.
        raise diagnose(error, connection, location) from None


def redact(text: str) -> str:
    """Blank out what an engine quotes of keys, signatures and tokens."""
    return _SECRETS.sub(lambda match: f"{match[1]}***", text)


def _texts(error: BaseException) -> str:
    """Return the error's own text and those of its causes."""
    texts = []
    seen: BaseException | None = error
    while seen is not None:
        texts.append(f"{type(seen).__name__}: {seen}")
        seen = seen.__cause__
    return "\n".join(texts)
