"""Which spans of time a Delta table's commits changed (Delta Protocol, "Add File and Remove File").

By the partition values of the files that they added and removed, else by the smallest and largest value of
the column in each. A commit that only moved rows to other files (`dataChange` is false) changed none.
"""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

from s3_assets.errors import ObjectMissingError, S3AssetsError
from s3_assets.objects import Objects
from s3_assets.tables import delta_log
from s3_assets.tables.delta_entries import actions_of, entry_read
from s3_assets.tables.parts import read_value
from s3_assets.tables.positions import VersionPosition
from s3_assets.tables.touched import Placing
from s3_assets.threads import ThreadPoolExecutor

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import polars as pl
    from deltalake import DeltaTable as Handle

    from s3_assets.tables.delta import DeltaTable
    from s3_assets.tables.partitioning import Bound
    from s3_assets.tables.positions import Position
    from s3_assets.tables.touched import DigestsPosition, Touched

_AT_ONCE = 16
# Statistics of timestamps are cut to milliseconds, downwards.
_CUT = timedelta(milliseconds=1)


class _Range(NamedTuple):
    """Smallest and largest value in a file; both None if it is not told."""

    low: Bound | None
    high: Bound | None


_UNTOLD = _Range(None, None)
_Ranges = dict[str, _Range | None]
"""By the path of a file; None for one that has no row of any partition."""


def touched(table: DeltaTable, since: Position | DigestsPosition | None) -> Touched:
    """Tell what the commits after `since` changed: the log is read from there on, one request for each."""
    import polars as pl

    handle = table.open()
    placing = Placing(table, pl.Schema(handle.schema()))
    until = VersionPosition(handle.version(), str(handle.metadata().id))
    if not isinstance(since, VersionPosition) or not _precedes(since, until):
        if since is not None:
            placing.untold("the table was dropped and made anew")
        _touch(placing, _live(handle, placing), str(until.version))
        return placing.found(until, 1)
    # Of a version that was read in part, the rest is yet to come.
    after = since.version - 1 if since.partly is not None else since.version
    commits = _Commits(table, placing, after)
    changes = 0
    for version, actions in commits.read(until.version):
        if actions is None:
            placing.untold(f"the log of version {version} is gone")
            changes += 1
            continue
        with entry_read(version, table.location.url):
            ranges = commits.changed(actions)
        _touch(placing, ranges, str(version))
        changes += bool(ranges)
    return placing.found(until, changes)


def _precedes(since: VersionPosition, until: VersionPosition) -> bool:
    return since.table_id == until.table_id and since.version <= until.version


def _touch(placing: Placing, ranges: Mapping[str, _Range | None], token: str) -> None:
    for path, found in ranges.items():
        if found is not None:
            placing.touch(found.low, found.high, token, where=f"the log entry of {path}")


def _live(handle: Handle, placing: Placing) -> _Ranges:
    """Return the ranges of all files of a version."""
    found = delta_log.files(handle)
    value, low, high = (f"{kind}.{placing.column}" for kind in ("partition", "min", "max"))
    nulls = f"null_count.{placing.column}"
    if value in found.columns:
        return {
            path: None if each is None else _Range(each, each)
            for path, each in found.select("path", value).iter_rows()
        }
    if low not in found.columns or high not in found.columns or nulls not in found.columns:
        return dict.fromkeys(found["path"], _UNTOLD)
    return {
        path: None if rows is not None and rows == count else _Range(smallest, _uncut(largest))
        for path, smallest, largest, rows, count in found.select(
            "path", low, high, "num_records", nulls
        ).iter_rows()
    }


class _Commits:
    """The commits of one table behind a version, read in order."""

    def __init__(self, table: DeltaTable, placing: Placing, after: int) -> None:
        self._table = table
        self._placing = placing
        self._after = after
        self._added: _Ranges = {}
        self._before: _Ranges | None = None

    def read(self, until: int) -> Iterator[tuple[int, list[dict[str, Any]] | None]]:
        """Yield the actions of each version, oldest first; None if its log entry is gone."""
        objects = Objects(self._table.connection)
        log = f"{self._table.location.key}_delta_log/"

        def read(version: int) -> tuple[int, list[dict[str, Any]] | None]:
            key = f"{log}{version:020d}.json"
            try:
                body = objects.get(key)
            except ObjectMissingError:
                return version, None
            with entry_read(version, objects.url(key)):
                return version, actions_of(body)

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            yield from pool.map(read, range(self._after + 1, until + 1))

    def changed(self, actions: Iterable[Mapping[str, Any]]) -> _Ranges:
        """Return the ranges of the files that a commit added or removed because rows changed."""
        found: _Ranges = {}
        for action in actions:
            added, removed = action.get("add"), action.get("remove")
            if added is not None:
                path = unquote(added["path"])
                self._added[path] = self._told(added)
                if added.get("dataChange", True):
                    found[path] = self._added[path]
            elif removed is not None and removed.get("dataChange", True):
                path = unquote(removed["path"])
                # A file whose deletion vector is another one is removed and added at once.
                found.setdefault(path, self._of_removed(path, removed))
        return found

    def _of_removed(self, path: str, removed: Mapping[str, Any]) -> _Range | None:
        told = self._told(removed)
        if told != _UNTOLD:
            return told
        if path in self._added:
            return self._added[path]
        if self._before is None:
            self._before = self._known_before()
        return self._before.get(path, _UNTOLD)

    def _known_before(self) -> _Ranges:
        """Return the files of the version before all this: a removal need not say what it removes."""
        if self._after < 0:
            return {}
        try:
            return _live(self._table.open(self._after), self._placing)
        except S3AssetsError:
            # What has to be rebuilt from a log that is cut off: then it is not told.
            return {}

    def _told(self, file: Mapping[str, Any]) -> _Range | None:
        """Return what an action says of the partition column's values in its file."""
        column, dtype = self._placing.column, self._placing.dtype
        values = file.get("partitionValues") or {}
        if column in values:
            text = values[column]
            # The protocol writes a null as null or as an empty text.
            value = None if text in {None, ""} else read_value(text, dtype)
            return None if text in {None, ""} else _Range(value, value)
        statistics = json.loads(file.get("stats") or "{}")
        rows = statistics.get("numRecords")
        if rows is not None and statistics.get("nullCount", {}).get(column) == rows:
            return None
        low, high = (
            _read(statistics.get(each, {}).get(column), dtype) for each in ("minValues", "maxValues")
        )
        return _Range(low, _uncut(high))


def _read(value: object, dtype: pl.DataType) -> Bound | None:
    """Read a statistic as the column's type has it; None for what is none."""
    import polars as pl

    try:
        if dtype == pl.Date:
            return date.fromisoformat(str(value))
        if isinstance(dtype, pl.Datetime):
            found = datetime.fromisoformat(str(value))
            return found if dtype.time_zone else found.replace(tzinfo=None)
    except ValueError:
        return None
    return value if isinstance(value, str | int) else None


def _uncut(value: Any) -> Any:  # noqa: ANN401 - a value of the column
    return value + _CUT if isinstance(value, datetime) else value
