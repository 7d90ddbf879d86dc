"""The symptoms of a failed request: S3's error code, the HTTP status, or the words around."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from s3_assets.connection.network_symptoms import (
    GATEWAY_FAILED,
    NETWORK_WORDS,
    PROXY_PASSWORD,
    SPEAKS_TLS,
    SPEAKS_TLS_ANSWER,
    TOO_SLOW,
    UNREACHABLE,
)
from s3_assets.connection.symptom import Symptom
from s3_assets.errors import (
    AccessDeniedError,
    BucketMissingError,
    CredentialsExpiredError,
    CredentialsMissingError,
    KeyUnknownError,
    ObjectMissingError,
    QueueMissingError,
    ServerFailureError,
    SettingError,
    SignatureMismatchError,
    ThrottledError,
    UnsupportedError,
)

if TYPE_CHECKING:
    from s3_assets.connection.answers import Answer


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
    "Set this machine's clock; 15 minutes are allowed.",
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
NO_QUEUE = Symptom(
    QueueMissingError,
    "there is no such queue, or it may not be seen",
    "Check queue_url: its region, account and name; and that the connection's identity is allowed "
    "sqs:ReceiveMessage on it.",
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
    "Check the access key and its secret, then the policy.",
)
REQUESTER_PAYS = Symptom(
    AccessDeniedError,
    "the bucket lets those pay who read it, and the request does not agree to",
    "Have it copied into a bucket of yours: a connection never agrees to pay.",
)
UNSIGNED = Symptom(AccessDeniedError, "the server wants credentials", "Set the connection's auth.")
ARCHIVED = Symptom(
    AccessDeniedError,
    "the object is archived",
    "Restore it (aws s3api restore-object) and run again when that is done, or leave it out.",
)
BAD_KMS_KEY = Symptom(
    SettingError,
    "the KMS key cannot be used",
    "Check encryption.kms_key_id: the key must exist in the bucket's region, and be enabled.",
)
BAD_REQUEST = Symptom(
    ServerFailureError,
    "the server refuses the request without a reason, as it does for a wrong region or an expired token",
    "Check the connection's region, its session token and its endpoint.",
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
# What the loopback gateway answers, with 502 and the reason as its message, if it cannot reach the server.
UPSTREAM_UNREACHABLE = "UpstreamUnreachable"
# Amazon S3 API Reference, "Error responses".
CODES = {
    CREDENTIALS_FAILED: NO_CREDENTIALS,
    UPSTREAM_UNREACHABLE: UNREACHABLE,
    "InvalidAccessKeyId": UNKNOWN_KEY,
    "InvalidClientTokenId": UNKNOWN_KEY,
    "UnrecognizedClientException": UNKNOWN_KEY,
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
    # Amazon SQS API Reference, "ReceiveMessage": of the JSON protocol, and of the query protocol before it.
    "QueueDoesNotExist": NO_QUEUE,
    "AWS.SimpleQueueService.NonExistentQueue": NO_QUEUE,
    "AccessDenied": DENIED,
    "AccessDeniedException": DENIED,
    "UnauthorizedOperation": DENIED,
    "AllAccessDisabled": DENIED,
    "AccountProblem": DENIED,
    "InvalidObjectState": ARCHIVED,
    "KMS.DisabledException": BAD_KMS_KEY,
    "KMS.InvalidKeyUsageException": BAD_KMS_KEY,
    "KMS.KMSInvalidStateException": BAD_KMS_KEY,
    "KMS.NotFoundException": BAD_KMS_KEY,
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
    407: PROXY_PASSWORD,
    408: TOO_SLOW,
    429: SLOW,
    502: GATEWAY_FAILED,
    503: SLOW,
    504: TOO_SLOW,
}
# A 400 whose code has no name of ours is quoted as it is.
_BARE_STATUSES = {400: BAD_REQUEST}
_REQUESTER_PAYS = re.compile(r"requester.?pays|request-payer", re.IGNORECASE)
# For a request that got no answer: before the words of the network, and after them.
_WORDS_BEFORE = (
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
)
_WORDS_AFTER = (
    (re.compile(r"FileNotFoundError|NotFoundError|\bnot found\b", re.IGNORECASE), NO_OBJECT),
    (re.compile(r"PermissionError|PermissionDeniedError", re.IGNORECASE), REFUSED),
)
DENIALS = (DENIED, REFUSED, UNSIGNED)
"""The symptoms of an action that the policy does not allow."""


def symptom_of(answer: Answer) -> Symptom | None:
    """Return what an answer means: by S3's code, else by the HTTP status, else by the words around."""
    for code in answer.codes:
        if code == UPSTREAM_UNREACHABLE:
            # The gateway's message is the reason, in Python's words.
            return _by_words(answer.words, NETWORK_WORDS) or UNREACHABLE
        if code in CODES:
            symptom = CODES[code]
            return REQUESTER_PAYS if symptom is DENIED and _REQUESTER_PAYS.search(answer.message) else symptom
    if answer.status is None:
        return _by_words(answer.words, (*_WORDS_BEFORE, *NETWORK_WORDS, *_WORDS_AFTER))
    # An answer was given: of the network's words, only those can explain it that a server says itself.
    if SPEAKS_TLS_ANSWER.search(answer.words):
        return SPEAKS_TLS
    return STATUSES.get(answer.status) or (None if answer.codes else _BARE_STATUSES.get(answer.status))


def _by_words(words: str, meanings: tuple[tuple[re.Pattern[str], Symptom], ...]) -> Symptom | None:
    return next((symptom for pattern, symptom in meanings if pattern.search(words)), None)
