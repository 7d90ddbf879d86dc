"""What is left of a limit while a plan takes whole versions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from s3_assets.tables.positions import Limit


@dataclass
class Budget:
    """Files and bytes that were spent, of a limit or of none."""

    limit: Limit | None
    files: int = 0
    bytes: int = 0

    @property
    def room(self) -> int | None:
        """How many files more are let in, but at least one; None: any number."""
        if self.limit is None or self.limit.files is None:
            return None
        return max(self.limit.files - self.files, 1)

    @property
    def spent(self) -> bool:
        """Whether not one byte more is let in."""
        return self.limit is not None and (
            (self.limit.files is not None and self.files >= max(self.limit.files, 1))
            or (self.limit.bytes is not None and self.bytes >= self.limit.bytes)
        )

    def fits(self, files: int, size: int) -> bool:
        """Tell whether so many files of so many bytes in all are let in together."""
        return self.limit is None or (
            (self.limit.files is None or self.files + files <= self.limit.files)
            and (self.limit.bytes is None or self.bytes + size <= self.limit.bytes)
        )

    def spend(self, files: int, size: int) -> None:
        """Count what was taken."""
        self.files += files
        self.bytes += size
