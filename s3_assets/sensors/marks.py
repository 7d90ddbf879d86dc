"""What tells the registry's sensors and schedules from those of the user's code."""

from __future__ import annotations

from s3_assets.metadata import OURS

MARK = f"{OURS}/declared_by"
"""The key of their metadata that names the entry of the registry."""


def mark(section: str, name: str) -> dict[str, str]:
    """Return the metadata of a sensor or schedule that is there for an entry."""
    return {MARK: f"{section}.{name}"}
