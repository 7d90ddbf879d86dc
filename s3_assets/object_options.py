"""What is said of objects when they are written: who may read them, what they are, how they are kept.

Encryption is the connection's own, and stands there.
"""

from __future__ import annotations

import re
import sys
from email.header import Header
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field, field_validator

from s3_assets.errors import SettingError

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

# Amazon S3 API Reference, "CreateMultipartUpload", x-amz-storage-class.
_STORAGE_CLASSES = frozenset(
    {
        *("STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING"),
        *("GLACIER", "GLACIER_IR", "DEEP_ARCHIVE", "OUTPOSTS", "SNOW", "EXPRESS_ONEZONE", "FSX_OPENZFS"),
    }
)
_STORAGE_CLASS = re.compile(r"[A-Za-z0-9_-]{1,64}")
# Amazon S3 User Guide, "Categorizing your objects using tags".
_MOST_TAGS, _LONGEST_TAG_KEY, _LONGEST_TAG_VALUE = 10, 128, 256
_TAG_CHARACTERS = re.compile(r"[\w .:/=+\-@]*")
# Amazon S3 User Guide, "User-defined object metadata": 2 KB of names and values. Ours takes some of it, and
# so does the encryption client: its data key, message id, commitment and their names.
_MOST_METADATA = 2048
_OWN_METADATA = 128
_ENCRYPTION_METADATA = 768
# RFC 9110, sections 5.6.2 and 8.3.1.
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_MEDIA_TYPE = re.compile(rf"{_TOKEN.pattern}/{_TOKEN.pattern}(?:\s*;[\x20-\x7e]*)?")
_PRINTABLE = re.compile(r"[\x20-\x7e]*")
_KEPT_HEADERS = {
    "content_encoding": "Content-Encoding",
    "content_language": "Content-Language",
    "content_disposition": "Content-Disposition",
    "cache_control": "Cache-Control",
}
_NEEDS_CRT = ("crc32c", "crc64nvme")


class ObjectOptions(BaseModel):
    """The settings of objects that are written; what is left out is the bucket's default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    canned_acl: CannedAcl | None = Field(
        default=None, description="Who may read; buckets whose ACLs are disabled take few."
    )
    storage_class: str | None = Field(
        default=None, description="Such as STANDARD_IA; a server may have more."
    )
    tags: dict[str, str] = Field(default_factory=dict, description="Ten at most.")
    metadata: dict[str, str] = Field(
        default_factory=dict, description="User metadata (x-amz-meta-), in ASCII, less than 2 KB in all."
    )
    content_type: str | None = Field(default=None, description="Left out: that of the format.")
    content_encoding: str | None = Field(default=None, description="Left out: that of the format.")
    content_language: str | None = Field(default=None, description="Such as de, en-GB.")
    content_disposition: str | None = Field(
        default=None, description='How browsers save it: attachment; filename="orders.csv".'
    )
    cache_control: str | None = Field(default=None, description="Such as max-age=3600.")
    checksum: Checksum | None = Field(
        default=None, description="What the server keeps and tells; left out: its own default."
    )

    @field_validator("canned_acl", mode="before")
    @classmethod
    def _for_objects(cls, acl: object) -> object:
        if acl == "log-delivery-write":
            raise ValueError("the canned ACL 'log-delivery-write' is for buckets, not for objects")
        return acl

    @field_validator("storage_class")
    @classmethod
    def _known_to_look_at(cls, name: str | None) -> str | None:
        if name is None:
            return None
        if not _STORAGE_CLASS.fullmatch(name):
            raise ValueError(f"'{name}' is not the name of a storage class; S3's are {_named()}")
        return name.upper() if name.upper() in _STORAGE_CLASSES else name

    @field_validator("tags")
    @classmethod
    def _within_limits(cls, tags: dict[str, str]) -> dict[str, str]:
        if len(tags) > _MOST_TAGS:
            raise ValueError(f"these are {len(tags)} tags; S3 takes {_MOST_TAGS} for an object")
        for key, value in tags.items():
            _check_tag(key, value)
        return tags

    @field_validator("metadata")
    @classmethod
    def _in_headers(cls, metadata: dict[str, str]) -> dict[str, str]:
        lowered: dict[str, str] = {}
        for name, value in metadata.items():
            _check_metadata(name, value)
            # S3 does so, too.
            if lowered.setdefault(name.lower(), value) is not value:
                raise ValueError(f"'{name}' is there twice; S3 does not tell upper from lower case")
        size = metadata_size(lowered)
        if size > _MOST_METADATA - _OWN_METADATA:
            raise ValueError(
                f"names and values have {size} bytes; {_MOST_METADATA - _OWN_METADATA} fit beside our own, "
                f"of the {_MOST_METADATA} that S3 takes"
            )
        return lowered

    @field_validator("content_type")
    @classmethod
    def _media_type(cls, content_type: str | None) -> str | None:
        if content_type is not None and not _MEDIA_TYPE.fullmatch(content_type):
            raise ValueError(f"'{content_type}' is not a media type, such as text/csv; charset=utf-8")
        return content_type

    @field_validator("content_encoding")
    @classmethod
    def _codings(cls, encoding: str | None) -> str | None:
        codings = [] if encoding is None else [coding.strip() for coding in encoding.split(",")]
        for coding in codings:
            if not _TOKEN.fullmatch(coding):
                raise ValueError(f"'{encoding}' is not a content encoding, such as gzip")
            if coding.lower() == "aws-chunked":
                raise ValueError("'aws-chunked' is how a request travels, and S3 takes it away; leave it out")
        return encoding

    @field_validator("content_language", "content_disposition", "cache_control")
    @classmethod
    def _one_line(cls, header: str | None) -> str | None:
        if header is not None and (not header.strip() or not _PRINTABLE.fullmatch(header)):
            raise ValueError(f"{header!r} cannot be a header, which is one line of printable ASCII")
        return header

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

        `marks` join the user metadata: what s3-assets says there itself. Storage class, ACL and checksum are
        never the original's.
        """
        kept = {name: head.headers.get(header) for name, header in _KEPT_HEADERS.items()}
        said = {name: value for name in kept if (value := getattr(self, name))}
        metadata = {name: _in_ascii(value) for name, value in head.metadata.items()}
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
            "Tagging": urlencode(self.tags),
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
    if connection.endpoint is None and storage_class is not None and storage_class not in _STORAGE_CLASSES:
        return f"S3 has no storage class '{storage_class}'", f"Take one of {_named()}."
    if metadata_size(options.metadata) > _MOST_METADATA:
        return (
            f"the user metadata have {metadata_size(options.metadata)} bytes; S3 takes {_MOST_METADATA}",
            "Shorten them.",
        )
    room = _MOST_METADATA - _OWN_METADATA - _ENCRYPTION_METADATA
    size = metadata_size(options.metadata)
    if connection.encryption.client_side is not None and size > room:
        return (
            f"the user metadata have {size} bytes, and client-side encryption leaves {room}",
            "Shorten them, or put what they say into tags.",
        )
    return None


def metadata_size(metadata: dict[str, str]) -> int:
    """Return how many bytes of S3's 2 KB the user metadata take."""
    return sum(len(name.encode()) + len(value.encode()) for name, value in metadata.items())


def _check_tag(key: str, value: str) -> None:
    if not 1 <= len(key) <= _LONGEST_TAG_KEY:
        raise ValueError(f"the tag '{key}' has {len(key)} characters; 1 to {_LONGEST_TAG_KEY} are allowed")
    if len(value) > _LONGEST_TAG_VALUE:
        raise ValueError(
            f"the value of tag '{key}' has {len(value)} characters; {_LONGEST_TAG_VALUE} are allowed"
        )
    if key.lower().startswith("aws:"):
        raise ValueError(f"the tag '{key}' begins with 'aws:', which is for AWS alone")
    for text in (key, value):
        if not _TAG_CHARACTERS.fullmatch(text):
            raise ValueError(
                f"the tag {key!r} has a character in {text!r} that S3 refuses: letters, digits, spaces and "
                "+ - = . _ : / @ are allowed"
            )


def _check_metadata(name: str, value: str) -> None:
    if name.lower().startswith("x-amz-"):
        raise ValueError(
            f"'{name}' begins with 'x-amz-': leave 'x-amz-meta-' out; other such names are S3's own"
        )
    if name.lower() == COMMIT_NAME:
        raise ValueError(f"'{COMMIT_NAME}' is how a committed file is known again; take another name")
    if not _TOKEN.fullmatch(name):
        raise ValueError(f"{name!r} cannot be the name of a header: ASCII letters, digits, - and _ can")
    if not _PRINTABLE.fullmatch(value):
        raise ValueError(
            f"the value of '{name}' has a character that is not printable ASCII, which S3 would garble; "
            "percent-encode it"
        )
    if value != value.strip():
        raise ValueError(f"the value of '{name}' begins or ends with a blank, which would be lost")


def _in_ascii(value: str) -> str:
    # As S3 itself tells what is not (RFC 2047); other servers tell it as it is.
    return value if value.isascii() else Header(value, "utf-8", maxlinelen=sys.maxsize).encode()


def _named() -> str:
    return ", ".join(sorted(_STORAGE_CLASSES))
