"""A symptom: an error of ours with what to say and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from s3_assets.errors import S3AssetsError


class Symptom(NamedTuple):
    """An error of ours with what to say and what to do."""

    error: type[S3AssetsError]
    found: str
    remedy: str
