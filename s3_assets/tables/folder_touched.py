"""Which spans of time changed in a folder of files: told by the names of its folders, from one listing.

New files, rewritten ones and deleted ones change the digest of their partition, and nothing else does: a
consumer remembers a few bytes for each partition, and not the files.
"""

from __future__ import annotations

import hashlib
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from s3_assets.tables import archived
from s3_assets.tables.files import hive_folder
from s3_assets.tables.folder_columns import FolderColumns
from s3_assets.tables.partitioning import label_column, label_of
from s3_assets.tables.parts import read_value
from s3_assets.tables.positions import FilesPosition
from s3_assets.tables.schemas import parse_types
from s3_assets.tables.touched import DigestsPosition, Placing
from s3_assets.windows import Slice

if TYPE_CHECKING:
    from collections.abc import Iterable

    import polars as pl

    from s3_assets.tables.folder_table import FolderTable
    from s3_assets.tables.partitioning import Bound
    from s3_assets.tables.positions import Position
    from s3_assets.tables.settings import Partitions
    from s3_assets.tables.touched import Touched
    from s3_assets.windows import Window

_DIGEST_BYTES = 5
_PLACELESS = ""
"""Stands for the partition of files whose folders tell none."""
_GONE = "gone"
_MOMENT = timedelta(microseconds=1)


def touched(table: FolderTable[Any], since: Position | DigestsPosition | None) -> Touched:
    """Tell which partitions have other files than at `since`: the folder is listed once."""
    import polars as pl

    partitions = table.settings.partitions
    column = partitions.column if partitions is not None else ""
    placing = Placing(table, pl.Schema({column: pl.String()}))
    listed = table.folder.list_files()
    if table.settings.skip_glacier:
        listed = archived.left_out(listed)
    folders = _Folders(table, listed["key"].to_list())
    now = folders.digests(listed)
    before = {}
    if isinstance(since, DigestsPosition):
        before = dict(since.digests)
    elif isinstance(since, FilesPosition):
        before = folders.digests(table.folder.take(since.files))
    elif since is not None:
        placing.untold("the table was of another format")
    changed = [text for text in sorted({*now, *before}) if now.get(text) != before.get(text)]
    for text in changed:
        if text == _PLACELESS:
            placing.untold(f"files that lie in no folder of the partition column '{column}' changed")
            continue
        low, high = folders.values(text) or (None, None)
        placing.touch(low, high, now.get(text, _GONE), where=f"the folder of '{text}'")
    return placing.found(DigestsPosition(now), len(changed))


def inside(table: FolderTable[Any], listed: pl.DataFrame, window: Window | Slice) -> pl.DataFrame:
    """Keep the listed files that may hold rows of the window, as far as their folders tell it.

    Of a slice its spans of time tell it.
    """
    import polars as pl

    windows = window.windows if isinstance(window, Slice) else (window,)
    if table.settings.partitions is None or listed.is_empty() or not windows:
        return listed
    folders = _Folders(table, listed["key"].to_list())
    texts = pl.Series("text", folders.texts(table.folder.paths(listed)), dtype=pl.String)
    inner = [(each.start.astimezone(UTC), each.end.astimezone(UTC)) for each in windows]
    kept = []
    for text in texts.unique().drop_nulls():
        low, high = (None if text == _PLACELESS else folders.values(text)) or (None, None)
        placing = Placing(table, pl.Schema({table.settings.partitions.column: pl.String()}))
        placing.touch(low, high, "", where="")
        spans = placing.found(DigestsPosition({}), 0).spans
        if not spans or any(span.start < end and start < span.end for span in spans for start, end in inner):
            kept.append(text)
    return listed.filter(texts.is_in(kept))


class _Folders:
    """The folders that tell the partition: declared ones, Hive folders, or those of a timestamp."""

    def __init__(self, table: FolderTable[Any], keys: list[str]) -> None:
        self._table = table
        columns = FolderColumns(table.name, table.settings, table.location)
        self._dated = columns.dated
        self._partitions: Partitions = table.settings.partitions
        self._column = self._partitions.column
        self._label = label_column(self._partitions)
        self._found = columns.hive(keys)
        self._keys = keys

    def digests(self, listed: pl.DataFrame) -> dict[str, str]:
        """Return a digest of the files of each partition, by the text that tells it."""
        import polars as pl

        paths = self._table.folder.paths(listed)
        frame = listed.select(
            pl.Series("text", self.texts(paths), dtype=pl.String),
            paths.alias("path"),
            "size",
            # Some servers have no ETags.
            pl.when(pl.col("etag") == "").then(pl.col("modified").cast(pl.String)).otherwise("etag"),
        )
        found: dict[str, hashlib.blake2b] = {}
        for text, *file in frame.filter(pl.col("text").is_not_null()).sort("text", "path").iter_rows():
            digest = found.setdefault(text, hashlib.blake2b(digest_size=_DIGEST_BYTES))
            digest.update(repr(file).encode())
        return {text: digest.hexdigest() for text, digest in found.items()}

    def values(self, text: str) -> tuple[Bound, Bound] | None:
        """Return the smallest and largest value that rows of a partition can have; None if it is not told."""
        if self._dated is not None:
            return self._of_dated(text)
        name, _, value = text.partition("=")
        if name == self._label:
            return self._of_label(value)
        found = read_value(value, self._type())
        return None if found is None else (found, found)

    def texts(self, paths: pl.Series) -> Iterable[str | None]:
        """Return what tells the partition of each file; None for nulls, which are in no partition."""
        if self._dated is not None:
            for told in self._dated.values(paths.to_list()):
                yield told.isoformat() if isinstance(told, date) else _PLACELESS
            return
        known: dict[str, str | None] = {}
        for path in paths:
            folder = path.rpartition("/")[0]
            if folder not in known:
                known[folder] = self._text(folder)
            yield known[folder]

    def _text(self, folder: str) -> str | None:
        for segment in folder.split("/"):
            column, value = hive_folder(segment)
            if column in {self._column, self._label}:
                return None if value is None else f"{column}={value}"
        return _PLACELESS

    def _of_dated(self, text: str) -> tuple[Bound, Bound]:
        if "T" in text:
            hour = datetime.fromisoformat(text)
            return hour, hour + timedelta(hours=1) - _MOMENT
        day = date.fromisoformat(text)
        if self._dated is not None and self._dated.tells_days:
            return day, day
        return day, day.replace(day=monthrange(day.year, day.month)[1])

    def _of_label(self, text: str) -> tuple[Bound, Bound] | None:
        import polars as pl

        _, length, form = label_of(self._partitions.every)
        try:
            start = datetime.strptime(text, form)  # noqa: DTZ007 - of the column's own zone
        except ValueError:
            return None
        dtype = self._type()
        if isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
            start = start.replace(tzinfo=UTC)
        return start, start + timedelta(hours=1 if length == "1h" else 24) - _MOMENT

    def _type(self) -> pl.DataType:
        """Return the column's type: as it is declared, as its folders read, or as a file has it."""
        import polars as pl

        declared = self._table.settings.columns
        if declared is not None and self._column in declared:
            return parse_types(declared, self._table.name)[self._column]
        if self._column not in self._found and self._keys:
            self._found |= self._table.read_schema(self._keys[-1])
        return self._found.get(self._column, pl.String())
