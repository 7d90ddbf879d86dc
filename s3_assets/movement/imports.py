"""Imports: S3 files or tables become rows of a table."""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from s3_assets.incremental.append import Outcome, append_new
from s3_assets.incremental.overwrite import overwrite
from s3_assets.tables.table import ReadMode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from s3_assets.progress import Progress
    from s3_assets.tables.table import Table
    from s3_assets.windows import Window


class ImportMode(StrEnum):
    """What an import does with the rows of its source."""

    APPEND = "append"  # what is new since the last run, exactly once
    REPLACE = "replace"  # the window, or the whole table, as the source has it now


@dataclass(frozen=True)
class Import:
    """One import, ready to run: tables are opened when it does."""

    name: str
    source: Table[Any]
    target: Table[Any]
    mode: ImportMode

    @property
    def stream(self) -> str:
        """The stable id of the cursor: the target's name, then the source's."""
        return f"{self.target.name}/{self.source.name}"

    def run(
        self,
        *,
        window: Window | None = None,
        notes: Mapping[str, str] | None = None,
        progress: Progress | None = None,
    ) -> Outcome:
        """Run it once; `window` is for replace, and names the partitions that are replaced."""
        if self.mode is ImportMode.APPEND:
            return append_new(self.target, self.stream, self.source, notes=notes, progress=progress)
        started = time.monotonic()
        plan = self.source.plan(ReadMode.CURRENT, window=window)
        written = overwrite(self.target, plan.frame, window=window, notes=notes, progress=progress)
        return Outcome(plan, written, seconds=time.monotonic() - started, notes=plan.remarks)
