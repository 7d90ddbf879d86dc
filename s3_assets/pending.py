"""An upload whose parts are all on the server, and that nobody sees before it is completed."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from s3_assets.connection.adapters.boto_uploads import Part as SentPart

__all__ = ["Pending", "SentPart"]


@dataclass(frozen=True)
class Pending:
    """What completes an upload, from any process: it holds no secrets."""

    key: str
    upload_id: str
    commit: str
    """What the object's user metadata will say under `s3-assets-commit`."""
    checksum: str | None = None
    """The algorithm of the parts' checksums, as S3 spells it."""
    parts: tuple[SentPart, ...] = ()
    bytes: int = 0
    """Of the file; one that is encrypted on the client is a little longer on the server."""
    sha256: str = ""
    """Of the file, in hexadecimal digits, before any encryption."""
    canned_acl: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    """What a server that is not Amazon's may forget until the upload is completed."""

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        return {**asdict(self), "parts": [list(part) for part in self.parts]}

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> Pending:
        """Return what `as_json` told."""
        parts = tuple(SentPart(int(number), etag, checksum) for number, etag, checksum in told["parts"])
        return cls(**{**told, "parts": parts})
