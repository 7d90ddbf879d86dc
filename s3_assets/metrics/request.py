"""One request as it was seen, and what S3 calls it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from collections.abc import Mapping

_SUBRESOURCES = ("uploadId", "uploads", "delete", "tagging", "acl", "location", "versions")
_OPERATIONS = {
    ("GET", "key"): "GetObject",
    ("HEAD", "key"): "HeadObject",
    ("PUT", "key"): "PutObject",
    ("PUT", "key copy"): "CopyObject",
    ("DELETE", "key"): "DeleteObject",
    ("GET", "list"): "ListObjectsV2",
    ("GET", "bucket"): "ListObjects",
    ("HEAD", "bucket"): "HeadBucket",
    ("POST", "delete"): "DeleteObjects",
    ("POST", "uploads"): "CreateMultipartUpload",
    ("GET", "uploads"): "ListMultipartUploads",
    ("PUT", "uploadId"): "UploadPart",
    ("PUT", "uploadId copy"): "UploadPartCopy",
    ("POST", "uploadId"): "CompleteMultipartUpload",
    ("DELETE", "uploadId"): "AbortMultipartUpload",
    ("GET", "uploadId"): "ListParts",
    ("GET", "tagging"): "GetObjectTagging",
    ("PUT", "tagging"): "PutObjectTagging",
}
# Amazon S3 User Guide, "Best practices design patterns: optimizing Amazon S3 performance": 503 Slow Down;
# other servers say 429.
_THROTTLED = (429, 503)
_REFUSED, _FAILED = 400, 500


class Request(NamedTuple):
    """One request that was sent, or, where an engine does not let it be seen, one call that sends it."""

    engine: str
    operation: str
    """As the Amazon S3 API Reference calls it, such as `GetObject`."""
    method: str
    began: float
    """Seconds since 1970."""
    seconds: float
    """Until the answer's head was there; its body, too, where it is not streamed."""
    status: int | None
    """None: no answer came."""
    bytes_read: int = 0
    """Of answers' bodies, as they were announced."""
    bytes_written: int = 0
    retry: bool = False
    bucket: str = ""
    key: str = ""
    server: str = ""
    """Host, and port unless it is the usual one."""

    @property
    def throttled(self) -> bool:
        """Whether the server asked to slow down."""
        return self.status in _THROTTLED

    @property
    def refused(self) -> bool:
        """Whether the answer was a 4xx: also what a search for something that is not there is told."""
        return self.status is not None and _REFUSED <= self.status < _FAILED and not self.throttled

    @property
    def failed(self) -> bool:
        """Whether no answer came, or a 5xx that is not about the pace."""
        return self.status is None or (self.status >= _FAILED and not self.throttled)


def operation_of(method: str, query: str, headers: Mapping[str, str], *, key: bool) -> str:
    """Return the operation of a request; header names are in lower case, `key` says whether it names one.

    Source: Amazon S3 API Reference, "Actions". Rare ones are told by their method and subresource.
    """
    asked = dict(parse_qsl(query, keep_blank_values=True))
    told = next((name for name in _SUBRESOURCES if name in asked), "")
    if not told:
        told = "key" if key else ("list" if "list-type" in asked else "bucket")
    if "x-amz-copy-source" in headers:
        told += " copy"
    return _OPERATIONS.get((method, told), f"{method} ?{told}")
