"""Cursors in words: for people, and as JSON for programs."""

from typing import TYPE_CHECKING, Any, NamedTuple

from s3_assets.errors import S3AssetsError

if TYPE_CHECKING:
    from datetime import datetime

    from s3_assets.incremental.cursor_edit import StreamState
    from s3_assets.movement.imports import Import
    from s3_assets.tables.positions import Position
    from s3_assets.tables.table import Plan, Table
    from s3_assets.windows import Window

_LOOKED_THROUGH = 20


def describe(opened: "StreamState") -> dict[str, Any]:
    """Return all that is known of a stream's cursor."""
    from s3_assets.incremental.numbers import moment_of
    from s3_assets.incremental.position_text import write_position
    from s3_assets.incremental.run_notes import position_words

    current = opened.current
    if current is None:
        return {"stream": opened.name, "number": None}
    time, version = _committed(opened)
    position = None if current.position is None else write_position(current.position)
    return {
        "stream": opened.name,
        "number": current.number,
        "position": position,
        "at_beginning": opened.damage is None and position is None,
        "told": f"unknown: {opened.damage}" if opened.damage else position_words(current.position),
        "begun_at": moment_of(current.number).isoformat(),
        "committed_at": time.isoformat() if time is not None else None,
        "version": version,
        "previous": current.previous,
        "earlier": opened.earlier(),
        "ledger_files": sum(segment.files for segment in current.segments),
        "ledger_segments": len(current.segments),
        "damage": str(opened.damage) if opened.damage else None,
    }


def _committed(opened: "StreamState") -> "tuple[datetime | None, str | None]":
    """Return when and as what the cursor was committed, if that is among the newest commits."""
    from s3_assets.exports.streams import ExportStream
    from s3_assets.incremental.cursor_edit import TableStream

    number = opened.current.number if opened.current else None
    if isinstance(opened, ExportStream):
        made = (each for each in opened.target.manifests() if each.document["attempt"] == number)
        return next(((each.created, str(each.number)) for each in made), (None, None))
    if not isinstance(opened, TableStream):
        return None, None
    newest = opened.target.history(_LOOKED_THROUGH)
    commits = (each for each in newest if each.streams.get(opened.name) == number)
    return next(((each.time, each.version.token) for each in commits), (None, None))


def reading(plan: "Plan | S3AssetsError") -> str:
    """Say what a run reads."""
    from s3_assets.progress import readable_bytes

    if isinstance(plan, S3AssetsError):
        return f"fails: {plan.found}"
    if plan.empty:
        return "reads nothing: there is nothing new"
    of = f" of {plan.total_files:,}" if plan.total_files is not None else ""
    return f"reads {plan.files:,}{of} files, {readable_bytes(plan.bytes)}"


class Reader(NamedTuple):
    """Who reads a stream: an import, or an asset (None), perhaps for the partition of a window."""

    job: "Import | None"
    source: "Table[Any]"
    window: "Window | None"

    def next_read(self, position: "Position | None") -> "Plan | S3AssetsError":
        """Return what a run would read whose cursor stands there, or why it would fail."""
        from s3_assets.movement.next_run import plan_behind
        from s3_assets.tables.table import ReadMode

        try:
            if self.job is not None:
                return plan_behind(self.job, position)
            window = self.window if self.source.settings.partitions is not None else None
            return self.source.plan(ReadMode.ADDED, since=position, window=window)
        except S3AssetsError as error:
            return error

    def consequence(self, before: "Plan | S3AssetsError", after: "Plan | S3AssetsError") -> str:
        """Say what moving the cursor does to the rows."""
        from s3_assets.movement.imports import ImportMode

        if self.job is not None and self.job.mode is not ImportMode.APPEND:
            return "no row comes twice: the next run makes the target's rows those of the source"
        if isinstance(before, S3AssetsError) or isinstance(after, S3AssetsError):
            return "whether rows are read twice, or never, cannot be told"
        more = after.files - before.files
        if more > 0:
            return f"{_files(more)} read again: rows that the target has of them are appended a second time"
        if more < 0:
            return f"{_files(-more)} never read, unless the cursor is set back"
        return "as many files as before are read"


def _files(count: int) -> str:
    return "1 file is" if count == 1 else f"{count:,} files are"
