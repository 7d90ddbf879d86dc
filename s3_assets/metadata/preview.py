"""The first rows that a run wrote, as Markdown: caught on their way, so that nothing is read for it."""

from __future__ import annotations

from datetime import date, datetime, time
from threading import Lock
from typing import TYPE_CHECKING, Any

import dagster as dg

from s3_assets.metadata.keys import PREVIEW
from s3_assets.metadata.markdown import plain, table
from s3_assets.progress import Progress, count

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import polars as pl

    from s3_assets.tables.origin import Origin
    from s3_assets.tables.settings import PreviewSettings

_MOST_COLUMNS = 30
_LONGEST = 40
"""Characters of a cell."""
_MOST_ITEMS = 8
"""Of a list."""


class Preview:
    """Catches rows; kept are their cells as they are shown, and nothing of the frames."""

    def __init__(self, settings: PreviewSettings) -> None:
        self._most = settings.rows or 0
        self._excluded = frozenset(settings.exclude)
        self._columns: dict[str, bool] = {}
        """Names, and which of them hold numbers."""
        self._rows: list[list[str]] = []
        self._lock = Lock()

    @property
    def wanted(self) -> bool:
        """Whether anything is to be shown."""
        return self._most > 0

    def progress(self, task: str, show: Callable[[str], None]) -> Progress:
        """Return a count of rows that has them looked at."""
        return Progress(task, show, look=self.look if self.wanted else None)

    def look(self, frame: pl.DataFrame) -> None:
        """Take rows of a frame as long as some are missing; safe to call from any thread."""
        if len(self._rows) >= self._most or frame.is_empty():
            return
        with self._lock:
            missing = self._most - len(self._rows)
            if missing > 0:
                self._take(frame.head(missing))

    def metadata(self, origins: Mapping[str, Origin] | None = None) -> dict[str, Any]:
        """Return the rows, or nothing if there are none.

        What an excluded column has become, by `origins`, is left out as it is.
        """
        told = origins or {}
        names = [
            name
            for name in self._columns
            if name not in told or self._excluded.isdisjoint(told[name].columns)
        ]
        shown = [list(self._columns).index(name) for name in names[:_MOST_COLUMNS]]
        if not self._rows or not shown:
            return {}
        titles = [plain(name, _LONGEST) for name in names[:_MOST_COLUMNS]]
        rows = [[row[index] for index in shown] for row in self._rows]
        text = table(titles, rows, right=[self._columns[name] for name in names[:_MOST_COLUMNS]])
        hidden = len(names) - len(shown)
        return {
            PREVIEW: dg.MetadataValue.md(text + (f"\n\nand {count(hidden, 'more column')}" if hidden else ""))
        }

    def _take(self, frame: pl.DataFrame) -> None:
        # A name that begins so is ours, for the way alone.
        names = [each for each in frame.columns if each not in self._excluded and not each.startswith("\x01")]
        rows = frame.select(names)
        if not self._columns:
            self._columns = {each.name: each.dtype.is_numeric() for each in rows}
        if list(self._columns) == names:
            self._rows += [[_cell(value) for value in row] for row in rows.iter_rows()]


def _cell(value: object) -> str:
    if value is None:
        return "*null*"
    if isinstance(value, str):
        # Invisible characters are no reason to write out a novel.
        return plain(value[: 20 * _LONGEST], _LONGEST)
    if isinstance(value, bytes):
        return f"{len(value):,} bytes"
    if isinstance(value, datetime):
        return plain(value.isoformat(" "))
    if isinstance(value, date | time):
        return value.isoformat()
    return plain(str(_short(value)), _LONGEST)


def _short(value: object) -> object:
    if isinstance(value, list):
        return [_short(each) for each in value[:_MOST_ITEMS]]
    if isinstance(value, dict):
        return {name: _short(each) for name, each in list(value.items())[:_MOST_ITEMS]}
    return value[:_LONGEST] if isinstance(value, str) else value
