"""What a run is asked for, and what one round of it writes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from s3_assets.incremental.run_notes import position_words
from s3_assets.tables.positions import VersionPosition

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    import polars as pl

    from s3_assets.engines.engine import Rows
    from s3_assets.incremental.publishing import StreamRead
    from s3_assets.progress import Progress
    from s3_assets.tables.table import Plan, Table
    from s3_assets.windows import Window


@dataclass(frozen=True)
class Request:
    """One run: its moment and id, its partition, and who wants to hear of it."""

    moment: datetime
    run: str
    partition_key: str | None = None
    window: Window | None = None
    notes: Mapping[str, str] = field(default_factory=dict)
    progress: Progress | None = None


@dataclass(frozen=True)
class Work:
    """What one round writes; it is planned anew for every round."""

    frame: pl.LazyFrame
    plan: Plan | None = None
    sources: tuple[Mapping[str, Any], ...] = ()
    """What the manifest says of where the rows come from."""
    streams: tuple[StreamRead, ...] = ()
    nothing: bool = False
    """Whether there is nothing to write, and nothing to commit."""
    rows: Rows | None = None
    """The same rows, if workers of an engine are to write them."""
    anew: bool = False
    """Whether it takes the place of all that the export has written."""
    remarks: tuple[str, ...] = ()


def told_of(source: Table[Any], plan: Plan) -> dict[str, Any]:
    """Return what a manifest says of a source that was read."""
    until = plan.until
    return {
        "table": source.name,
        "location": source.location.url,
        "format": source.settings.format,
        **({"version": until.version} if isinstance(until, VersionPosition) else {}),
        "position": position_words(until),
        "files": plan.files,
        "bytes": plan.bytes,
    }
