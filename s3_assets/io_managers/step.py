"""What one step of an asset has read so far, for its outputs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from s3_assets.incremental.commit import StreamRead
    from s3_assets.incremental.run_notes import ReadNote
    from s3_assets.io_managers.owners import CursorOwner
    from s3_assets.observing import Observation
    from s3_assets.tables.table import Plan, Table


@dataclass
class Step:
    """The plans of a step's inputs, and the streams whose cursors go into the commit of its output.

    All streams were read from one handle of what is written, which pins the state that their cursors come
    from, and on which the output is committed.
    """

    plans: dict[str, Plan] = field(default_factory=dict)
    streams: dict[str, list[StreamRead]] = field(default_factory=dict)
    """By the name of the source: none for an input that had nothing new for any partition of the run."""
    sources: list[tuple[Table[Any], Plan]] = field(default_factory=list)
    """The same plans, each with its table."""
    reads: list[ReadNote] = field(default_factory=list)
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    owner: CursorOwner | None = None
    observation: Observation | None = None
    """What is asked of S3 for the step; None outside of one."""
    news: bool = False
    """Whether an incremental input had anything new."""

    @property
    def nothing_new(self) -> bool:
        """Whether there are incremental inputs, and none of them had anything new."""
        return bool(self.streams) and not self.news

    @property
    def read(self) -> list[StreamRead]:
        """All streams."""
        return [read for reads in self.streams.values() for read in reads]
