"""Multipart uploads by boto3: begun, sent, and completed by somebody later; all raise botocore's errors."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any, NamedTuple

from s3_assets.connection.adapters import boto

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from s3_assets.connection.settings import S3Connection

# What botocore computes without a native library, and every server that knows checksums knows.
_USUAL = "CRC32"
_NOT_FOUND = 404
# Amazon S3 API Reference, "CompleteMultipartUpload"; User Guide, "Conditional writes".
_NOTHING_DONE = ("NoSuchUpload", "PreconditionFailed", "ConditionalRequestConflict")
# Ceph has the second word for it.
_NO_UPLOAD = ("NoSuchUpload", "NoSuchKey")


class Part(NamedTuple):
    """A part that the server has: `checksum` in base64, of the upload's algorithm, if it has one."""

    number: int
    etag: str
    checksum: str | None


class Open(NamedTuple):
    """An upload that has been begun, and neither completed nor aborted."""

    key: str
    upload_id: str
    begun: datetime


def usual_checksum(connection: S3Connection) -> str | None:
    """Return the algorithm that parts are checked with unless another is asked for, or None for no check."""
    return _USUAL if connection.checksums == "when_supported" else None


def create(connection: S3Connection, key: str, parameters: Mapping[str, Any]) -> str:
    """Begin an upload, and return its id."""
    answer = client_of(connection).create_multipart_upload(**_where(connection, key), **parameters)
    upload_id: str = answer["UploadId"]
    return upload_id


def send(
    connection: S3Connection,
    key: str,
    upload_id: str,
    number: int,
    body: bytes | bytearray,
    checksum: str | None,
) -> Part:
    """Send a part, with a checksum of that algorithm."""
    asked = {"ChecksumAlgorithm": checksum} if checksum else {}
    answer = client_of(connection).upload_part(
        **_where(connection, key), UploadId=upload_id, PartNumber=number, Body=body, **asked
    )
    return Part(number, answer["ETag"], answer.get(f"Checksum{checksum}") if checksum else None)


def complete(
    connection: S3Connection,
    key: str,
    upload_id: str,
    parts: Sequence[Part],
    checksum: str | None,
    *,
    if_absent: bool,
) -> str | None:
    """Make the object of the parts, and return its ETag, or nothing: then look whether it is there.

    That is so if the server knows no such upload (any more), or, with `if_absent`, if there is an object;
    Ceph 16.2 leaves the ETag out.
    """
    from botocore.exceptions import ClientError

    listed: list[dict[str, Any]] = [
        {
            "PartNumber": part.number,
            "ETag": part.etag,
            **({f"Checksum{checksum}": part.checksum} if checksum and part.checksum else {}),
        }
        for part in parts
    ]
    try:
        answer = client_of(connection).complete_multipart_upload(
            **_where(connection, key),
            UploadId=upload_id,
            MultipartUpload={"Parts": listed},
            **({"IfNoneMatch": "*"} if if_absent else {}),
        )
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in _NOTHING_DONE:
            return None
        if if_absent and code == "NotImplemented":
            return complete(connection, key, upload_id, parts, checksum, if_absent=False)
        # Ceph 16.2 has no other word for an upload that was aborted.
        if code == "InternalError" and not _is_open(connection, key, upload_id):
            return None
        raise
    return quoted(etag) if (etag := answer.get("ETag")) else None


def abort(connection: S3Connection, key: str, upload_id: str) -> bool:
    """Have the server forget an upload and its parts; tell whether it is gone.

    A part that is on its way meanwhile may stay, unless it is aborted once more (Amazon S3 API Reference,
    "AbortMultipartUpload").
    """
    from botocore.exceptions import ClientError

    try:
        client_of(connection).abort_multipart_upload(**_where(connection, key), UploadId=upload_id)
    except ClientError as error:
        if error.response["Error"]["Code"] in _NO_UPLOAD:
            return True
        raise
    return not _is_open(connection, key, upload_id)


def _is_open(connection: S3Connection, key: str, upload_id: str) -> bool:
    from botocore.exceptions import ClientError

    try:
        client_of(connection).list_parts(**_where(connection, key), UploadId=upload_id, MaxParts=1)
    except ClientError as error:
        # Nothing else of an export needs the right to list parts.
        if error.response["Error"]["Code"] in {*_NO_UPLOAD, "AccessDenied"}:
            return False
        raise
    return True


def open_uploads(connection: S3Connection, prefix: str) -> Iterator[Open]:
    """Yield the open uploads of keys that begin with `prefix`, a thousand to a request."""
    pages = client_of(connection).get_paginator("list_multipart_uploads")
    for page in pages.paginate(Bucket=connection.location.bucket, Prefix=prefix):
        for found in page.get("Uploads", ()):
            yield Open(found["Key"], found["UploadId"], found["Initiated"].astimezone(UTC))


def head(connection: S3Connection, key: str) -> dict[str, Any] | None:
    """Return what the server says of an object, as botocore reads it, or None if there is none."""
    from botocore.exceptions import ClientError

    try:
        answer: dict[str, Any] = client_of(connection).head_object(**_where(connection, key))
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == _NOT_FOUND:
            return None
        raise
    return answer


def client_of(connection: S3Connection) -> Any:  # noqa: ANN401 - boto3 makes clients at run time
    """Return this process's client for uploads and copies; it signs headers, not bodies.

    A second hash of every body would cost more than all else; their checksums are among the signed headers.
    """
    return boto.shared_client(connection, _client)


def _client(connection: S3Connection) -> Any:  # noqa: ANN401 - boto3 makes clients at run time
    return boto.client(connection, sign_bodies=False)


def quoted(etag: str) -> str:
    """Return the ETag as S3 writes it: some servers leave the quotation marks out."""
    return etag if etag.startswith('"') else f'"{etag}"'


def _where(connection: S3Connection, key: str) -> dict[str, str]:
    return {"Bucket": connection.location.bucket, "Key": key}
