"""What is said of objects when they are written: who may read them, what they are, how they are kept.

Encryption is the connection's own, and stands there.
"""

from __future__ import annotations

import sys
from email.header import Header
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import quote, urlencode

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

from s3_assets.errors import SettingError
from s3_assets.object_limits import (
    MOST_METADATA,
    STORAGE_CLASSES,
    check_metadata,
    metadata_size,
    named_storage_classes,
    sound_encoding,
    sound_header,
    sound_media_type,
    sound_storage_class,
    sound_tags,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from s3_assets.connection.settings import S3Connection
    from s3_assets.object_heads import Head

CannedAcl = Literal[
    "private",
    "public-read",
    "public-read-write",
    "authenticated-read",
    "aws-exec-read",
    "bucket-owner-read",
    "bucket-owner-full-control",
]
"""Amazon S3 User Guide, "Canned ACL": all that apply to objects."""

Checksum = Literal["crc32", "crc32c", "crc64nvme", "sha1", "sha256"]

COMMIT_NAME = "s3-assets-commit"
"""The user metadata by which a completed upload is known again."""

OWN_NAMES = "s3-assets-"
"""How the names of all user metadata begin that s3-assets writes itself."""

# Of S3's 2 KB, ours take some, and so does the encryption client: its data key, message id, commitment.
_OWN_METADATA = 128
_ENCRYPTION_METADATA = 768
_KEPT_HEADERS = {
    "content_encoding": "Content-Encoding",
    "content_language": "Content-Language",
    "content_disposition": "Content-Disposition",
    "cache_control": "Cache-Control",
}
_NEEDS_CRT = ("crc32c", "crc64nvme")


_Header = Annotated[str, AfterValidator(sound_header)]


class ObjectOptions(BaseModel):
    """The settings of objects that are written; what is left out is the bucket's default."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    canned_acl: CannedAcl | None = Field(
        default=None, description="Who may read; buckets whose ACLs are disabled take few."
    )
    storage_class: Annotated[str, AfterValidator(sound_storage_class)] | None = Field(
        default=None, description="Such as STANDARD_IA; a server may have more."
    )
    tags: Annotated[dict[str, str], AfterValidator(sound_tags)] = Field(
        default_factory=dict, description="Ten at most."
    )
    metadata: dict[str, str] = Field(
        default_factory=dict, description="User metadata (x-amz-meta-), in ASCII, less than 2 KB in all."
    )
    content_type: Annotated[str, AfterValidator(sound_media_type)] | None = Field(
        default=None, description="Left out: that of the format."
    )
    content_encoding: Annotated[str, AfterValidator(sound_encoding)] | None = Field(
        default=None, description="Left out: that of the format."
    )
    content_language: _Header | None = Field(default=None, description="Such as de, en-GB.")
    content_disposition: _Header | None = Field(
        default=None, description='How browsers save it: attachment; filename="orders.csv".'
    )
    cache_control: _Header | None = Field(default=None, description="Such as max-age=3600.")
    checksum: Checksum | None = Field(
        default=None, description="What the server keeps and tells; left out: crc32 where it is supported."
    )

    @field_validator("canned_acl", mode="before")
    @classmethod
    def _for_objects(cls, acl: object) -> object:
        if acl == "log-delivery-write":
            raise ValueError("the canned ACL 'log-delivery-write' is for buckets, not for objects")
        return acl

    @field_validator("metadata")
    @classmethod
    def _metadata(cls, metadata: dict[str, str]) -> dict[str, str]:
        # S3 does so, too.
        lowered = {name.lower(): value for name, value in metadata.items()}
        if len(lowered) < len(metadata):
            raise ValueError("a name is there twice; S3 does not tell upper from lower case")
        for name, value in lowered.items():
            check_metadata(name, value)
            if name.startswith(OWN_NAMES):
                raise ValueError(
                    f"'{name}' begins with '{OWN_NAMES}', which is for what s3-assets notes itself"
                )
        room = MOST_METADATA - _OWN_METADATA
        if metadata_size(lowered) > room:
            raise ValueError(
                f"names and values have {metadata_size(lowered)} bytes; S3 takes {MOST_METADATA}, of which "
                f"{room} are free"
            )
        return lowered

    def with_defaults(
        self, *, content_type: str | None = None, content_encoding: str | None = None
    ) -> ObjectOptions:
        """Return the options with what the format says, where nothing else was said."""
        return self.model_copy(
            update={
                "content_type": self.content_type or content_type,
                "content_encoding": self.content_encoding or content_encoding,
            }
        )

    def over(self, head: Head, marks: Mapping[str, str]) -> ObjectOptions:
        """Return the options of a copy: what is not said here is as the original has it.

        `marks` join the user metadata: what s3-assets says there itself; what it said of the original is left
        out. Storage class, ACL and checksum are never the original's.
        """
        kept = {name: head.headers.get(header) for name, header in _KEPT_HEADERS.items()}
        said = {name: value for name in kept if (value := getattr(self, name))}
        metadata = {
            name: _in_ascii(value) for name, value in head.metadata.items() if not name.startswith(OWN_NAMES)
        }
        return self.model_copy(
            update={
                "content_type": self.content_type or head.content_type,
                **kept,
                **said,
                "metadata": {**metadata, **self.metadata, **marks},
            }
        )

    def parameters(self, *, commit: str | None = None) -> dict[str, Any]:
        """Return them as parameters of PutObject, CreateMultipartUpload and CopyObject.

        `commit` joins the user metadata.
        """
        given = {
            "ACL": self.canned_acl,
            "StorageClass": self.storage_class,
            "Tagging": urlencode(self.tags, quote_via=quote),
            "Metadata": {**self.metadata, **({COMMIT_NAME: commit} if commit else {})},
            "ContentType": self.content_type,
            "ContentEncoding": self.content_encoding,
            "ContentLanguage": self.content_language,
            "ContentDisposition": self.content_disposition,
            "CacheControl": self.cache_control,
            "ChecksumAlgorithm": self.checksum.upper() if self.checksum else None,
        }
        return {name: value for name, value in given.items() if value}


def check_options(options: ObjectOptions, connection: S3Connection) -> None:
    """Raise `SettingError` for what this connection cannot do with them; asks no server."""
    problem = _problem(options, connection)
    if problem is not None:
        raise SettingError(problem[0], remedy=problem[1], connection=connection.name)


def _problem(options: ObjectOptions, connection: S3Connection) -> tuple[str, str] | None:
    if options.checksum in _NEEDS_CRT and find_spec("awscrt") is None:
        return (
            f"the checksum {options.checksum} is computed by AWS's library awscrt, which is not installed",
            "Install boto3[crt], or take crc32 or sha256.",
        )
    storage_class = options.storage_class
    if connection.endpoint is None and storage_class is not None and storage_class not in STORAGE_CLASSES:
        return f"S3 has no storage class '{storage_class}'", f"Take one of {named_storage_classes()}."
    if metadata_size(options.metadata) > MOST_METADATA:
        return (
            f"the user metadata have {metadata_size(options.metadata)} bytes; S3 takes {MOST_METADATA}",
            "Shorten them.",
        )
    room = MOST_METADATA - _OWN_METADATA - _ENCRYPTION_METADATA
    size = metadata_size(options.metadata)
    if connection.encryption.client_side is not None and size > room:
        return (
            f"the user metadata have {size} bytes, and client-side encryption leaves {room}",
            "Shorten them, or put what they say into tags.",
        )
    return None


def _in_ascii(value: str) -> str:
    # As S3 itself tells what is not (RFC 2047); other servers tell it as it is.
    return value if value.isascii() else Header(value, "utf-8", maxlinelen=sys.maxsize).encode()
