"""What an import does with the rows of its source."""

from __future__ import annotations

from enum import StrEnum


class ImportMode(StrEnum):
    """What an import does with the rows of its source."""

    APPEND = "append"  # what is new since the last run, exactly once
    REPLACE = "replace"  # the window, or the whole table, as the source has it now
    REPLACE_ON_NEW_DATA = "replace_on_new_data"  # the same, if the source changed since
    MIRROR = "mirror"  # inserts, updates and deletes by key: the target equals the source

    @property
    def replaces(self) -> bool:
        """Whether a run replaces the rows that are there, of its window or all."""
        return self in {ImportMode.REPLACE, ImportMode.REPLACE_ON_NEW_DATA}
