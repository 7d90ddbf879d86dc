"""What past commits of a table did, as its own log tells it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from s3_assets.tables.table import TableVersion

OURS = "s3_assets."
"""What the names of our notes begin with in a log that has other names as well."""
ATTEMPT = "attempt"


@dataclass(frozen=True)
class PastCommit:
    """One commit: what it added and took out; None is what the log does not tell.

    `rows`, `files` and `bytes` are those that it added; `notes` are what our own commits say of themselves,
    without the prefix that they have in the log, and `streams` the numbers that it stamped, by stream.
    """

    version: TableVersion
    time: datetime | None
    operation: str
    rows: int | None = None
    files: int | None = None
    bytes: int | None = None
    removed_files: int | None = None
    notes: Mapping[str, str] = field(default_factory=dict)
    streams: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_ours(self) -> bool:
        """Whether s3-assets made it."""
        return ATTEMPT in self.notes
