"""Objects that are written at once, copied on the server, tagged and shared; all raise botocore's errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from s3_assets.connection.adapters.boto_uploads import Part, client_of, quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from s3_assets.connection.settings import S3Connection


def put(connection: S3Connection, key: str, body: bytes, parameters: Mapping[str, Any]) -> str:
    """Write the object, and return its ETag."""
    answer = client_of(connection).put_object(**_where(connection, key), Body=body, **parameters)
    return quoted(answer["ETag"])


def copy(connection: S3Connection, source: Source, key: str, parameters: Mapping[str, Any]) -> str:
    """Copy an object of 5 GiB at most into the connection's bucket, and return the copy's ETag."""
    answer = client_of(connection).copy_object(
        **_where(connection, key), **_from(source), MetadataDirective="REPLACE", **parameters
    )
    return quoted(answer["CopyObjectResult"]["ETag"])


def copy_part(
    connection: S3Connection, source: Source, key: str, upload_id: str, number: int, span: tuple[int, int]
) -> Part:
    """Copy the bytes from the first to before the second number into a part of an upload."""
    answer = client_of(connection).upload_part_copy(
        **_where(connection, key),
        **_from(source),
        UploadId=upload_id,
        PartNumber=number,
        CopySourceRange=f"bytes={span[0]}-{span[1] - 1}",
    )["CopyPartResult"]
    checksums = (value for name, value in answer.items() if name.startswith("Checksum"))
    return Part(number, answer["ETag"], next(checksums, None))


Source = tuple[str, str, str]
"""What is copied: bucket, key, and the ETag that it must still have."""


def tags_of(connection: S3Connection, key: str) -> dict[str, str]:
    """Return the object's tags."""
    answer = client_of(connection).get_object_tagging(**_where(connection, key))
    # Ceph leaves an empty set out.
    return {tag["Key"]: tag["Value"] for tag in answer.get("TagSet", ())}


def put_tags(connection: S3Connection, key: str, tags: Mapping[str, str]) -> None:
    """Give the object these tags in place of those that it has."""
    listed = [{"Key": name, "Value": value} for name, value in tags.items()]
    client_of(connection).put_object_tagging(**_where(connection, key), Tagging={"TagSet": listed})


def put_acl(connection: S3Connection, key: str, canned_acl: str) -> None:
    """Give the object a canned ACL."""
    client_of(connection).put_object_acl(**_where(connection, key), ACL=canned_acl)


def _from(source: Source) -> dict[str, Any]:
    bucket, key, etag = source
    return {
        "CopySource": {"Bucket": bucket, "Key": key},
        **({"CopySourceIfMatch": etag} if etag else {}),
    }


def _where(connection: S3Connection, key: str) -> dict[str, str]:
    return {"Bucket": connection.location.bucket, "Key": key}
