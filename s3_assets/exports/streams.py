"""The streams of an export as people look at them and move them.

A move is a commit of the export without files, through the cursor that was looked at: a run that commits the
stream in between makes it fail, and it makes every run begin again that has read the old cursor.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from s3_assets.errors import CommitConflictError, CursorError, UnsupportedError
from s3_assets.exports.export import Export, ExportMode
from s3_assets.incremental.cursor import Cursor, Cursors
from s3_assets.incremental.cursor_edit import Moved, StreamState
from s3_assets.incremental.publishing import StreamRead
from s3_assets.tables.table import Commit, TableVersion

if TYPE_CHECKING:
    from collections.abc import Mapping

    from s3_assets.tables.positions import Position


@dataclass(frozen=True)
class ExportStream(StreamState):
    """A stream of an export, which may be moved."""

    target: Export

    def move(self, position: Position | None, *, notes: Mapping[str, str] | None = None) -> Moved:
        """Commit a new position (None: the beginning); no file is written or taken away.

        Raises `StreamMovedError` if a run has committed the stream since it was looked at.
        """
        import polars as pl

        export = self.target
        if export.mode is not ExportMode.INCREMENTAL:
            raise UnsupportedError(
                f"an export of mode {export.mode} has no cursor", remedy="Run it.", table=export.name
            )
        read = StreamRead(self.cursors, self.current, position, anew=True)
        outcome = export.write(pl.LazyFrame(), streams=[read], notes=notes)
        if outcome.until is None:
            raise CommitConflictError("the cursor was not moved", remedy="Move it again.", table=export.name)
        number = outcome.manifests[-1].number
        return Moved(Commit(TableVersion(str(number), number), 0, 0, 0), self.current, outcome.until)


def look_at_stream(export: Export, stream: str) -> ExportStream:
    """Return a stream's state; nothing is written."""
    number = export.committed(stream)
    cursors = Cursors(export.connection, export.destination.location, stream)
    if number is None:
        return ExportStream(export, cursors, None, None)
    try:
        return ExportStream(export, cursors, cursors.load(number), None)
    except CursorError as error:
        return ExportStream(export, cursors, Cursor(number, None, None), error)
