"""Parts of one attempt, written here or by the workers of an engine."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from s3_assets.engines import polars
from s3_assets.engines.engine import Job
from s3_assets.metrics import phase

if TYPE_CHECKING:
    import polars as pl

    from s3_assets.connection.settings import S3Connection
    from s3_assets.engines.engine import Rows, Share
    from s3_assets.progress import Progress
    from s3_assets.tables.parts import Layout, Part
    from s3_assets.tables.regions import Region

# Names of the parts of one portion; of these a worker takes some in a row, from a random one on.
_NAMES = 10**12


class WrittenParts(NamedTuple):
    """Parts that were written; `lost` says how many workers left others behind, which nobody named."""

    parts: list[Part]
    lost: int = 0


@dataclass(frozen=True)
class PartsJob(Job["list[Part]"]):
    """Rows become parts, in a worker as in any process."""

    layout: Layout
    connection: S3Connection
    window: Region | None

    def __call__(self, share: Share, frame: pl.LazyFrame, progress: Progress) -> list[Part]:
        """Write them under names that no other worker gives, nor this one's if it is done again."""
        first = share.number * _NAMES + random.randrange(_NAMES)  # noqa: S311 - no secret
        layout = replace(self.layout, first=first)
        return polars.write_parts(frame, layout, self.connection, progress, self.window)


def write_parts(
    rows: Rows,
    layout: Layout,
    connection: S3Connection,
    progress: Progress | None = None,
    window: Region | None = None,
) -> WrittenParts:
    """Write the rows as parts, as `engines.polars.write_parts` does, by the engine if they can be cut."""
    if rows.engine is None or rows.cut is None:
        return WrittenParts(polars.write_parts(rows.frame, layout, connection, progress, window))
    with phase("write"):
        ran = rows.engine.run(rows, PartsJob(layout, connection, window), progress)
    parts = [part for each in ran.results for part in each]
    return WrittenParts(sorted(parts, key=lambda part: part.path), ran.lost)
