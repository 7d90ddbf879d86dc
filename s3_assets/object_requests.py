"""What a refused request of boto3 means, and what the written object's options have to do with it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from s3_assets.connection.diagnosis import diagnose
from s3_assets.errors import (
    AccessDeniedError,
    AclsDisabledError,
    S3AssetsError,
    SettingError,
    SourceRewrittenError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from s3_assets.connection.settings import S3Connection
    from s3_assets.object_options import ObjectOptions


@contextmanager
def told(
    connection: S3Connection, key: str, options: ObjectOptions | None = None, *, copied: str | None = None
) -> Iterator[None]:
    """Turn what boto3 raises for an object into our errors.

    `options` are those of an object that is written, `copied` is the place of what it is a copy of.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    location = f"s3://{connection.location.bucket}/{key}"
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        meant: S3AssetsError | None = None
        code = error.response["Error"].get("Code", "") if isinstance(error, ClientError) else ""
        if copied is not None and code == "PreconditionFailed":
            meant = changed_source(copied)
        elif options is not None:
            meant = _about_options(code, options)
        if meant is None:
            meant = _with_rights(diagnose(error, connection, location), options)
        # Not chained: the texts may quote signed headers.
        raise meant.at(connection=connection.name, location=location) from None


def changed_source(location: str) -> SourceRewrittenError:
    """Return the error of an object that is not any more what was to be copied."""
    return SourceRewrittenError(
        "the object was changed before it was copied", remedy="Run it again.", location=location
    )


def _about_options(code: str, options: ObjectOptions) -> S3AssetsError | None:
    # Amazon S3 API Reference, "Error responses".
    if code == "AccessControlListNotSupported":
        return AclsDisabledError(
            f"the bucket's ACLs are disabled (BucketOwnerEnforced): '{options.canned_acl}' is refused",
            remedy="Leave canned_acl out and grant access by the bucket's policy, or set the bucket's object "
            "ownership to BucketOwnerPreferred.",
        )
    if code == "InvalidStorageClass":
        return SettingError(
            f"the server has no storage class '{options.storage_class}'",
            remedy="Take one that it has, or leave storage_class out.",
        )
    if code == "InvalidArgument":
        asked = {"canned_acl": options.canned_acl, "storage_class": options.storage_class}
        named = [f"{name} '{value}'" for name, value in asked.items() if value]
        if named:
            return SettingError(
                f"the server refuses {' or '.join(named)}", remedy="Take what it offers, or leave it out."
            )
    if code == "InvalidTag":
        return SettingError(
            f"the server refuses the tags {', '.join(options.tags)}", remedy="Take simpler ones, or fewer."
        )
    return None


def _with_rights(error: S3AssetsError, options: ObjectOptions | None) -> S3AssetsError:
    """Name the rights that options need besides s3:PutObject, where one of them may be missing."""
    if options is None or not isinstance(error, AccessDeniedError):
        return error
    hints = []
    if options.canned_acl is not None:
        hints.append(
            f"The canned ACL '{options.canned_acl}' needs s3:PutObjectAcl, and a public one needs a bucket "
            "that does not block public ACLs."
        )
    if options.tags:
        hints.append("Tags need s3:PutObjectTagging.")
    error.remedy = " ".join([error.remedy, *hints])
    return error
