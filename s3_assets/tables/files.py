"""Folders of data files: what counts as data, Hive partitions, and which files a window needs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING
from urllib.parse import unquote

from s3_assets.objects import empty_listing
from s3_assets.tables.parts import NULL_FOLDER, read_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import polars as pl

    from s3_assets.objects import Objects
    from s3_assets.tables.partitioning import Bounds

_LISTINGS_AT_ONCE = 16


@dataclass(frozen=True)
class Folder:
    """The data files below one prefix of a bucket."""

    objects: Objects
    prefix: str
    suffixes: tuple[str, ...]
    exactly: bool = True

    def list_files(self) -> pl.DataFrame:
        """Return all data files, sorted by key: key, size, etag, modified."""
        if self.exactly:
            return self._data(self.objects.list_frame(self.prefix))
        import polars as pl

        found = self.objects.list_frame(self._parent)
        return self._data(found.filter(pl.col("key").str.starts_with(self.prefix.rstrip("/"))))

    @property
    def _parent(self) -> str:
        parent = self.prefix.rstrip("/").rpartition("/")[0]
        return f"{parent}/" if parent else ""

    def _roots(self) -> Sequence[str]:
        """The folder, or with it all whose names begin like its own."""
        if self.exactly:
            return (self.prefix,)
        folders, _ = self.objects.list_folders(self._parent)
        return [folder for folder in folders if folder.startswith(self.prefix.rstrip("/"))]

    def list_files_inside(self, windows: Sequence[Bounds], dtype: pl.DataType) -> pl.DataFrame:
        """Return the data files of the window, pruning Hive folders before they are listed.

        `windows` are the same window on the folders' columns that can tell it; `dtype` is the type that
        values of the first are read as. Folders of other columns are followed.
        """
        import polars as pl

        columns = {window.column: window for window in windows}
        prefixes = [found for root in self._roots() for found in self._prune(root, columns, dtype)]
        if not prefixes:
            return self._data(empty_listing())
        with ThreadPoolExecutor(_LISTINGS_AT_ONCE) as pool:
            return self._data(pl.concat(list(pool.map(self.objects.list_frame, prefixes))))

    def first(self) -> Iterator[str]:
        """Yield the keys of data files as the server lists them, without listing more than is taken."""
        for root in self._roots():
            for found in self.objects.list_objects(root):
                if found.size and is_data(found.key.removeprefix(root), self.suffixes):
                    yield found.key

    def _prune(self, prefix: str, windows: Mapping[str, Bounds], dtype: pl.DataType) -> Iterator[str]:
        folders, objects = self.objects.list_folders(prefix)
        if objects and any(is_data(item.key.rpartition("/")[2], self.suffixes) for item in objects):
            # Files outside any Hive folder: nothing can be said of them without reading them.
            yield prefix
            return
        for folder in folders:
            column, value = hive_folder(folder.removeprefix(prefix).rstrip("/"))
            if column is None:
                if not hidden(folder.removeprefix(prefix).rstrip("/")):
                    yield from self._prune(folder, windows, dtype)
            elif column not in windows:
                yield from self._prune(folder, windows, dtype)
            elif value is not None and inside(value, windows[column], dtype):
                yield folder

    def _data(self, found: pl.DataFrame) -> pl.DataFrame:
        import polars as pl

        name = pl.col("key").str.slice(len(self.prefix if self.exactly else self._parent))
        return found.filter(
            (pl.col("size") > 0)
            & pl.any_horizontal(*[pl.col("key").str.ends_with(suffix) for suffix in self.suffixes])
            # Hidden: a segment that starts with a dot, or with an underscore unless it is a Hive folder.
            & ~name.str.contains(r"(^|/)\.")
            & ~name.str.contains(r"(^|/)_([^/=]*)(/|$)")
        ).sort("key")


def is_data(path: str, suffixes: Sequence[str]) -> bool:
    """Tell whether a file is data: not hidden, not a marker, and of a known suffix."""
    return path.endswith(tuple(suffixes)) and not any(hidden(segment) for segment in path.split("/"))


def hidden(segment: str) -> bool:
    """Tell whether a folder or file is hidden: `.x`, or `_x` unless it is the Hive folder `_x=1`."""
    return segment.startswith(".") or (segment.startswith("_") and "=" not in segment)


def hive_folder(segment: str) -> tuple[str | None, str | None]:
    """Split `column=value`; the value is None for the folder of nulls, the column if it is no Hive folder."""
    column, separator, value = segment.partition("=")
    if not separator or not column:
        return None, None
    return unquote(column), None if value == NULL_FOLDER else unquote(value)


def hive_columns(keys: Iterable[str], prefix: str) -> dict[str, pl.DataType]:
    """Return the columns that the folders below `prefix` carry, each with the narrowest type that fits all.

    Integer, date or string, as their values read; a string wherever two files disagree.
    """
    import polars as pl

    values: dict[str, set[str]] = {}
    for folder in {key.removeprefix(prefix).rpartition("/")[0] for key in keys}:
        for segment in folder.split("/"):
            column, value = hive_folder(segment)
            if column is not None:
                values.setdefault(column, set()).update([value] if value is not None else [])
    types: dict[str, pl.DataType] = {}
    for column, found in values.items():
        if found and all(_is_integer(value) for value in found):
            types[column] = pl.Int64()
        elif found and all(_is_date(value) for value in found):
            types[column] = pl.Date()
        else:
            types[column] = pl.String()
    return types


def inside(value: str, window: Bounds, dtype: pl.DataType) -> bool:
    """Tell whether a folder's value is inside the window; one that cannot be read as the type is kept."""
    if isinstance(window.low, str):
        return window.contains(value)
    found = read_value(value, dtype)
    return found is None or window.contains(found)


def _is_integer(text: str) -> bool:
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdigit()


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return len(text) == len("2026-01-01")
