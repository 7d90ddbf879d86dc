"""The time up to which a source was read: what the macros `{cursor_...}` of an incremental export write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from s3_assets.exports.macros import TIMES, Clock
from s3_assets.tables.positions import FilesPosition, ModifiedPosition, VersionPosition

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from s3_assets.exports.key_template import KeyTemplate
    from s3_assets.tables.positions import Position
    from s3_assets.tables.table import Table


def needs_cursor(template: KeyTemplate) -> bool:
    """Tell whether the keys have a macro of the cursor: its time may cost a request."""
    return any(TIMES[name].clock is Clock.CURSOR for name in template.macros & TIMES.keys())


def cursor_time(source: Table[Any] | None, positions: Iterable[Position | None]) -> datetime | None:
    """Return the time of the newest version or file that reads up to there take, in UTC.

    Of a table with versions it is that of the commit or snapshot, which `source` is asked for; None where
    nothing tells: the log is cut off, or files are read in the order of their names.
    """
    times = (_time(source, each) for each in positions)
    return max((time for time in times if time is not None), default=None)


def _time(source: Table[Any] | None, position: Position | None) -> datetime | None:
    if isinstance(position, ModifiedPosition):
        return position.modified
    if isinstance(position, FilesPosition):
        return position.files["modified"].max()  # type: ignore[return-value]  # of a column of timestamps
    if isinstance(position, VersionPosition) and source is not None:
        commit = source.past_commit(position.version)
        return commit.time if commit is not None else None
    return None
