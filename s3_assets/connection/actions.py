"""Which action a refused request needs, and on which resource.

AWS names both in its message. Other servers do not: then they follow from the operation that botocore names,
or from the method and the URL that object_store quotes.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Collection

    from s3_assets.connection.answers import Answer
    from s3_assets.connection.settings import S3Connection

GET, LIST, PUT, DELETE = "s3:GetObject", "s3:ListBucket", "s3:PutObject", "s3:DeleteObject"
ABORT, UPLOADS = "s3:AbortMultipartUpload", "s3:ListBucketMultipartUploads"
LOCATION, BUCKETS = "s3:GetBucketLocation", "s3:ListAllMyBuckets"

# IAM User Guide, "Troubleshoot access denied error messages". STS leaves the colon out for web identities.
_SAID = re.compile(
    r"not authorized to perform:? (?P<action>[a-z0-9-]+:\w+)"
    r'(?: on resource: "?(?P<resource>arn:[^\s"<]+))?',
    re.IGNORECASE,
)
_REASON = re.compile(
    r"because (?P<none>no [\w -]+?(?:policy|policies|boundary)) allows?\b|"
    r"with (?P<explicit>an explicit deny in an? [\w -]+?(?:policy|boundary))\b",
    re.IGNORECASE,
)
# Amazon S3 API Reference, "Permissions" of each operation whose action has another name.
_OPERATIONS = {
    "ListObjects": LIST,
    "ListObjectsV2": LIST,
    "HeadBucket": LIST,
    "HeadObject": GET,
    "CopyObject": PUT,
    "CreateMultipartUpload": PUT,
    "UploadPart": PUT,
    "UploadPartCopy": PUT,
    "CompleteMultipartUpload": PUT,
    "DeleteObjects": DELETE,
    "ListMultipartUploads": UPLOADS,
    "ListParts": "s3:ListMultipartUploadParts",
    "ListBuckets": BUCKETS,
    # Amazon SQS Developer Guide, "Amazon SQS API permissions".
    "DeleteMessageBatch": "sqs:DeleteMessage",
}
_OTHER_SERVICES = ("sts", "kms", "secretsmanager", "ssm", "glue", "cloudwatch", "sqs")
_ON_BUCKET = {LIST, UPLOADS, LOCATION}


class Grant(NamedTuple):
    """An action on a resource, which is an ARN."""

    action: str
    resource: str | None

    def __str__(self) -> str:
        return f"{self.action} on {self.resource}" if self.resource else self.action


class Denial(NamedTuple):
    """The action that was refused."""

    missing: Grant
    reason: str = ""
    """Which policy is the cause, if the server says so."""
    other: Grant | None = None
    """What may be missing in its place."""
    condition: str = ""
    """When it is the other one."""

    @property
    def found(self) -> str:
        """What was refused, as part of a sentence."""
        other = f", or {self.other} {self.condition}" if self.other else ""
        return f"{self.missing}{other}{f' ({self.reason})' if self.reason else ''}"

    def remedy(self, connection: S3Connection) -> str:
        """Say what to allow: on all that the connection reaches, not on one object after the other."""
        wanted = f"{_widened(self.missing, connection)}"
        if self.reason.startswith("an explicit deny"):
            return f"Take the statement out of that policy that denies {wanted}."
        other = f", and {_widened(self.other, connection)}," if self.other else ""
        return (
            f"Allow {wanted}{other} in the policy of this identity, "
            "and in the resource's own if that is in another account."
        )


def find_denial(answer: Answer, connection: S3Connection, location: str) -> Denial | None:
    """Return what a refused request was not allowed to do, or None if its text does not tell."""
    reason = _reason(answer.message)
    said = _SAID.search(answer.message)
    if said and said["resource"]:
        return Denial(Grant(said["action"], said["resource"].rstrip(".,;")), reason)
    request = _request(answer, connection)
    action = said["action"] if said else request.action
    if action is None:
        return None
    if not action.startswith("s3:"):
        return Denial(Grant(action, _role(action, connection)), reason)
    here = f"s3://{request.bucket}/"
    named = location.removeprefix(here) if location.startswith(here) else ""
    bucket = f"arn:{_partition(connection.region)}:s3:::{request.bucket}"
    resource = {BUCKETS: "*", **dict.fromkeys(_ON_BUCKET, bucket)}.get(
        action, f"{bucket}/{request.key or named or '*'}"
    )
    denial = Denial(Grant(action, resource), reason)
    if action == GET and not said:
        # Without it, the answer for a missing key is that of a forbidden one (Amazon S3 API Reference,
        # "GetObject" and "HeadObject").
        return denial._replace(other=Grant(LIST, bucket), condition="if there is no such object")
    if answer.operation == "CopyObject":
        source = Grant(GET, f"{bucket}/{named or '*'}")
        return denial._replace(other=source, condition="since it is a copy")
    return denial


def _reason(message: str) -> str:
    match = _REASON.search(message)
    if match is None:
        return ""
    return f"{match['none']} allows it" if match["none"] else match["explicit"]


class _Request(NamedTuple):
    action: str | None
    bucket: str
    key: str
    """Empty for a request of the whole bucket, and if the text does not tell it."""


def _request(answer: Answer, connection: S3Connection) -> _Request:
    bucket, key, action = connection.location.bucket, "", None
    if answer.method is not None and answer.url is not None:
        url = urlsplit(answer.url)
        key = unquote(url.path).lstrip("/")
        named = True
        if not (url.hostname or "").startswith(f"{bucket}."):
            first, _, key = key.partition("/")
            named, bucket = bool(first), first or bucket
        query = parse_qs(url.query, keep_blank_values=True)
        action = _of_request(answer.method, query.keys(), whole_bucket=not key) if named else BUCKETS
    if answer.deleted is not None:
        return _Request(DELETE, bucket, answer.deleted)
    if answer.operation is not None:
        action = _of_operation(answer.operation)
    return _Request(action, bucket, key)


def _of_request(method: str, query: Collection[str], *, whole_bucket: bool) -> str:
    """Return the action of a request of object_store's (Amazon S3 API Reference, "Actions")."""
    if whole_bucket and method == "GET":
        return UPLOADS if "uploads" in query else LOCATION if "location" in query else LIST
    if method == "POST":
        return DELETE if "delete" in query else PUT
    if method == "DELETE":
        return ABORT if "uploadId" in query else DELETE
    if method == "PUT":
        return "s3:PutObjectTagging" if "tagging" in query else PUT
    return LIST if whole_bucket else GET


@cache
def _of_operation(operation: str) -> str:
    if operation in _OPERATIONS:
        return _OPERATIONS[operation]
    import botocore.session

    session = botocore.session.Session()
    for service in _OTHER_SERVICES:
        if operation in session.get_service_model(service).operation_names:
            return f"{service}:{operation}"
    return f"s3:{operation}"


def _role(action: str, connection: S3Connection) -> str | None:
    if action.startswith("sts:AssumeRole"):
        roles = [
            getattr(connection.auth, "role_arn", None),
            *(each.role_arn for each in connection.assume_role),
        ]
        known = [role for role in roles if role]
        # Of several in a chain, the text does not tell which was refused.
        return known[0] if len(known) == 1 else None
    return None


@cache
def _partition(region: str | None) -> str:
    import botocore.session
    from botocore.exceptions import UnknownRegionError

    try:
        return str(botocore.session.Session().get_partition_for_region(region)) if region else "aws"
    except UnknownRegionError:
        return "aws"


def _widened(grant: Grant, connection: S3Connection) -> Grant:
    """Widen one object to all objects of the connection, if it is one of these."""
    here = connection.location
    head, found, key = (grant.resource or "").partition(f":s3:::{here.bucket}/")
    if not found or not key.startswith(here.key):
        return grant
    return Grant(grant.action, f"{head}{found}{here.key}*")
