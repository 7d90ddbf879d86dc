"""What one step tells of itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from s3_assets.metrics import Meter


@dataclass(frozen=True)
class Told:
    """A step that has ended: its meter, when it began, how long it took, and what it failed with."""

    meter: Meter
    task: str
    """Such as `import orders`."""
    began: float
    """Seconds since 1970."""
    seconds: float
    error: str | None = None
    """The kind of the error; its text may quote anything."""
