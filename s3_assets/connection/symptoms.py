"""The symptoms of a failed request: S3's error code, the HTTP status, or the words of the network."""

from __future__ import annotations

import re
from typing import NamedTuple

from s3_assets.errors import (
    AccessDeniedError,
    BucketMissingError,
    CredentialsExpiredError,
    CredentialsMissingError,
    KeyUnknownError,
    ObjectMissingError,
    RequestTimeoutError,
    S3AssetsError,
    SignatureMismatchError,
    ThrottledError,
    UnreachableError,
    UnsupportedError,
)


class Symptom(NamedTuple):
    """An error of ours with what to say and what to do."""

    error: type[S3AssetsError]
    found: str
    remedy: str


UNKNOWN_KEY = Symptom(
    KeyUnknownError,
    "the server does not know the access key id",
    "Check access_key_id, and that the endpoint is the server that issued it.",
)
SIGNATURE = Symptom(
    SignatureMismatchError,
    "the signature does not match",
    "Check secret_access_key, that endpoint and region are this server's, and this machine's clock.",
)
SKEWED = Symptom(
    SignatureMismatchError,
    "this machine's clock is too far from the server's",
    "Set the clock; 15 minutes are allowed.",
)
EXPIRED = Symptom(
    CredentialsExpiredError,
    "the temporary credentials have expired or are not valid",
    "Sign in again, or use an auth that refreshes itself: default or profile.",
)
OTHER_REGION = Symptom(
    SignatureMismatchError, "the bucket is in another region", "Set the connection's region to the bucket's."
)
NO_BUCKET = Symptom(
    BucketMissingError,
    "the bucket does not exist",
    "Check the connection's url, endpoint and region, or create the bucket.",
)
BAD_BUCKET = Symptom(
    BucketMissingError, "the server refuses the bucket's name", "Check the connection's url."
)
DENIED = Symptom(
    AccessDeniedError,
    "access is denied",
    "Attach a policy that allows this action on this bucket and prefix.",
)
# The answer to a HEAD has no body, and so no code: the key may be wrong as well as the policy.
REFUSED = Symptom(
    AccessDeniedError,
    "access is denied, and the server gives no reason",
    "Check the access key and its secret, then the policy for this bucket and prefix.",
)
UNSIGNED = Symptom(AccessDeniedError, "the server wants credentials", "Set the connection's auth.")
ARCHIVED = Symptom(
    AccessDeniedError, "the object is archived", "Restore it from its storage class, or leave it out."
)
SLOW = Symptom(
    ThrottledError,
    "the server asks to slow down",
    "Run it again later, or raise transport.max_retries.",
)
NO_OBJECT = Symptom(
    ObjectMissingError,
    "there is no such object",
    "Check the path; it may have been deleted since it was listed.",
)
UNREACHABLE = Symptom(
    UnreachableError,
    "nobody answers at the endpoint",
    "Check the endpoint's host and port, and that the server runs.",
)
TOO_SLOW = Symptom(
    RequestTimeoutError,
    "the server did not answer in time",
    "Check the network, or raise transport.connect_timeout and transport.read_timeout.",
)
NO_CREDENTIALS = Symptom(
    CredentialsMissingError, "no credentials were found", "Set the connection's auth, or sign in."
)
BAD_KEY = Symptom(
    UnsupportedError,
    "a key has a segment that is empty, '.' or '..', which the engines cannot address",
    "Rename the object, without '//' and without '..', or point the table at another folder.",
)

# What the loopback endpoint of credentials answers in place of them.
CREDENTIALS_FAILED = "CredentialsFailed"
# What the loopback gateway answers, with 502 and the reason as its message, if it cannot reach the server; when the
# server is silent it answers 504 and RequestTimeout.
UPSTREAM_UNREACHABLE = "UpstreamUnreachable"
# Amazon S3 API Reference, "Error responses".
CODES = {
    CREDENTIALS_FAILED: NO_CREDENTIALS,
    UPSTREAM_UNREACHABLE: UNREACHABLE,
    "InvalidAccessKeyId": UNKNOWN_KEY,
    "SignatureDoesNotMatch": SIGNATURE,
    "InvalidSignatureException": SIGNATURE,
    "RequestTimeTooSkewed": SKEWED,
    "RequestExpired": SKEWED,
    "ExpiredToken": EXPIRED,
    "ExpiredTokenException": EXPIRED,
    "TokenRefreshRequired": EXPIRED,
    "InvalidToken": EXPIRED,
    "AuthorizationHeaderMalformed": OTHER_REGION,
    "PermanentRedirect": OTHER_REGION,
    "IllegalLocationConstraintException": OTHER_REGION,
    "NoSuchBucket": NO_BUCKET,
    "InvalidBucketName": BAD_BUCKET,
    "AccessDenied": DENIED,
    "AllAccessDisabled": DENIED,
    "AccountProblem": DENIED,
    "InvalidObjectState": ARCHIVED,
    "SlowDown": SLOW,
    "ServiceUnavailable": SLOW,
    "TooManyRequests": SLOW,
    "RequestLimitExceeded": SLOW,
    "ThrottlingException": SLOW,
    "NoSuchKey": NO_OBJECT,
    "NotFound": NO_OBJECT,
    "RequestTimeout": TOO_SLOW,
}
STATUSES = {
    301: OTHER_REGION,
    401: UNSIGNED,
    403: REFUSED,
    404: NO_OBJECT,
    408: TOO_SLOW,
    429: SLOW,
    503: SLOW,
    504: TOO_SLOW,
}
# In order: a failed connection may also read "timed out".
WORDS = (
    (re.compile(r"redirect without LOCATION|incorrectly configured region", re.IGNORECASE), OTHER_REGION),
    (re.compile(r"invalid path|could not parse path|empty path segment", re.IGNORECASE), BAD_KEY),
    (
        re.compile(
            r"unable to locate credentials|NoCredentialsError|CredentialRetrievalError|valid authentication "
            r"credentials|credential provider|TaskCredentialProvider|EKSPodCredential",
            re.IGNORECASE,
        ),
        NO_CREDENTIALS,
    ),
    (
        re.compile(
            r"connection refused|dns error|name or service not known|failed to lookup address|"
            r"nodename nor servname|no route to host|network is unreachable|EndpointConnectionError|"
            r"could not connect to the endpoint|invalid peer certificate|certificate verify failed",
            re.IGNORECASE,
        ),
        UNREACHABLE,
    ),
    (
        re.compile(
            r"timed out|\bTimedOut\b|TimeoutError|kind: Timeout|read timeout|connect timeout", re.IGNORECASE
        ),
        TOO_SLOW,
    ),
    (
        re.compile(
            r"client error \(Connect\)|kind: Connect\b|connection reset|connection closed|broken pipe|"
            r"incomplete message|SendRequest|error sending request|IncompleteRead|ProtocolError",
            re.IGNORECASE,
        ),
        UNREACHABLE,
    ),
    (re.compile(r"FileNotFoundError|NotFoundError|\bnot found\b", re.IGNORECASE), NO_OBJECT),
    (re.compile(r"PermissionError|PermissionDeniedError", re.IGNORECASE), REFUSED),
)
