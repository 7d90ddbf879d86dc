"""What S3 takes of tags, user metadata, headers and storage classes; all else is a `ValueError`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

STORAGE_CLASSES = frozenset(
    {
        *("STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING"),
        *("GLACIER", "GLACIER_IR", "DEEP_ARCHIVE", "OUTPOSTS", "SNOW", "EXPRESS_ONEZONE", "FSX_OPENZFS"),
    }
)
"""Amazon S3 API Reference, "CreateMultipartUpload", x-amz-storage-class; other servers have others."""

MOST_METADATA = 2048
"""How many bytes of names and values (Amazon S3 User Guide, "User-defined object metadata")."""

_STORAGE_CLASS = re.compile(r"[A-Za-z0-9_-]{1,64}")
# Amazon S3 User Guide, "Categorizing your objects using tags".
_MOST_TAGS, _LONGEST_TAG_KEY, _LONGEST_TAG_VALUE = 10, 128, 256
_TAG_CHARACTERS = re.compile(r"[\w .:/=+\-@]*")
# RFC 9110, sections 5.6.2 and 8.3.1.
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_MEDIA_TYPE = re.compile(rf"{_TOKEN.pattern}/{_TOKEN.pattern}(?:\s*;[\x20-\x7e]*)?")
_PRINTABLE = re.compile(r"[\x20-\x7e]*")


def sound_storage_class(name: str) -> str:
    """Return S3's spelling of a storage class, or another server's as it is."""
    if not _STORAGE_CLASS.fullmatch(name):
        raise ValueError(f"'{name}' is not the name of a storage class; S3's are {named_storage_classes()}")
    return name.upper() if name.upper() in STORAGE_CLASSES else name


def named_storage_classes() -> str:
    """Return S3's storage classes as a sentence lists them."""
    return ", ".join(sorted(STORAGE_CLASSES))


def sound_tags(tags: dict[str, str]) -> dict[str, str]:
    """Return an object's tags."""
    if len(tags) > _MOST_TAGS:
        raise ValueError(f"these are {len(tags)} tags; S3 takes {_MOST_TAGS} for an object")
    for key, value in tags.items():
        _check_tag(key, value)
    return tags


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


def check_metadata(name: str, value: str) -> None:
    """Refuse user metadata that would not arrive as they are."""
    if name.lower().startswith("x-amz-"):
        raise ValueError(
            f"'{name}' begins with 'x-amz-': leave 'x-amz-meta-' out; other such names are S3's own"
        )
    if not _TOKEN.fullmatch(name):
        raise ValueError(f"{name!r} cannot be the name of a header: ASCII letters, digits, - and _ can")
    if not _PRINTABLE.fullmatch(value):
        raise ValueError(
            f"the value of '{name}' has a character that is not printable ASCII, which S3 would garble; "
            "percent-encode it"
        )
    if value != value.strip():
        raise ValueError(f"the value of '{name}' begins or ends with a blank, which would be lost")


def metadata_size(metadata: Mapping[str, str]) -> int:
    """Return how many bytes of S3's 2 KB the user metadata take."""
    return sum(len(name.encode()) + len(value.encode()) for name, value in metadata.items())


def sound_media_type(text: str) -> str:
    """Return a Content-Type."""
    if not _MEDIA_TYPE.fullmatch(text):
        raise ValueError(f"'{text}' is not a media type, such as text/csv; charset=utf-8")
    return text


def sound_encoding(text: str) -> str:
    """Return a Content-Encoding: one coding, or several."""
    for coding in (each.strip() for each in text.split(",")):
        if not _TOKEN.fullmatch(coding):
            raise ValueError(f"'{text}' is not a content encoding, such as gzip")
        if coding.lower() == "aws-chunked":
            raise ValueError("'aws-chunked' is how a request travels, and S3 takes it away; leave it out")
    return text


def sound_header(text: str) -> str:
    """Return any other header."""
    if not text.strip() or not _PRINTABLE.fullmatch(text):
        raise ValueError(f"{text!r} cannot be a header, which is one line of printable ASCII")
    return text
