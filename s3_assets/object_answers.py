"""All that the server says of one object, and its first bytes: one request."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from s3_assets.connection.adapters import boto
from s3_assets.connection.diagnosis import diagnosed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from s3_assets.connection.settings import S3Connection

_EMPTY, _ARCHIVED = "InvalidRange", "InvalidObjectState"
# Amazon S3 API Reference, "GetObject": what a person may want to know, under the names of its headers.
_HEADERS = {
    "ContentEncoding": "content-encoding",
    "ContentLanguage": "content-language",
    "ContentDisposition": "content-disposition",
    "CacheControl": "cache-control",
    "ExpiresString": "expires",
    "SSEKMSKeyId": "x-amz-server-side-encryption-aws-kms-key-id",
    "BucketKeyEnabled": "x-amz-server-side-encryption-bucket-key-enabled",
    "Restore": "x-amz-restore",
    "ReplicationStatus": "x-amz-replication-status",
    "TagCount": "x-amz-tagging-count",
    "PartsCount": "x-amz-mp-parts-count",
    "Expiration": "x-amz-expiration",
    "ObjectLockMode": "x-amz-object-lock-mode",
    "ObjectLockRetainUntilDate": "x-amz-object-lock-retain-until-date",
    "WebsiteRedirectLocation": "x-amz-website-redirect-location",
}


@dataclass(frozen=True)
class ObjectAnswer:
    """What the server says of an object, and its first bytes as they are stored."""

    key: str
    size: int
    etag: str
    modified: datetime
    content_type: str | None = None
    storage_class: str = "STANDARD"
    version: str | None = None
    """None in a bucket that keeps no versions."""
    encryption: str | None = None
    """By the server: `AES256`, `aws:kms`; None: none is told."""
    headers: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    """The user's own."""
    body: bytes = b""
    archived: bool = False
    """Its body cannot be read: it is in Glacier, and not restored."""

    @property
    def whole(self) -> bool:
        """Whether the bytes are all of it."""
        return len(self.body) >= self.size


def first_bytes(connection: S3Connection, key: str, length: int) -> ObjectAnswer:
    """Ask for an object and its first bytes; of an empty or archived one, for its headers alone.

    Raises `ObjectMissingError`, `AccessDeniedError` and the others of reaching S3.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    client = boto.shared_client(connection, boto.client)
    asked = {"Bucket": connection.location.bucket, "Key": key}
    location = f"s3://{connection.location.bucket}/{key}"
    with diagnosed(connection, location, BotoCoreError, ClientError, OSError):
        try:
            found = client.get_object(**asked, Range=f"bytes=0-{max(length, 1) - 1}")
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code")
            if code not in {_EMPTY, _ARCHIVED}:
                raise
            return _answer(key, client.head_object(**asked), b"", archived=code == _ARCHIVED)
        with found["Body"] as body:
            return _answer(key, found, body.read(length))


def _answer(key: str, found: Mapping[str, Any], body: bytes, *, archived: bool = False) -> ObjectAnswer:
    # bytes 0-99/1234
    total = str(found.get("ContentRange", "")).rpartition("/")[2]
    version = found.get("VersionId")
    return ObjectAnswer(
        key,
        int(total) if total.isdigit() else int(found["ContentLength"]),
        str(found.get("ETag", "")),
        found["LastModified"],
        found.get("ContentType"),
        found.get("StorageClass", "STANDARD"),
        None if version in {None, "null"} else version,
        found.get("ServerSideEncryption"),
        {header: str(found[name]) for name, header in _HEADERS.items() if name in found},
        dict(sorted(found.get("Metadata", {}).items())),
        body,
        archived,
    )
