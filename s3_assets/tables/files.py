"""Folders of data files: what counts as data, Hive partitions, and which files a window needs."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from s3_assets.errors import UnsupportedError
from s3_assets.object_listings import empty_listing
from s3_assets.tables import neighbours
from s3_assets.tables.parts import NULL_FOLDER
from s3_assets.tables.selection import EVERYTHING, Selection
from s3_assets.threads import ThreadPoolExecutor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import polars as pl

    from s3_assets.objects import Objects
    from s3_assets.tables.folder_conditions import FolderCondition

_LISTINGS_AT_ONCE = 16

FolderPath = tuple[str | None, ...]
"""Names of folders, each inside the one before; None stands for any."""


@dataclass(frozen=True)
class Folder:
    """The data files below one prefix of a bucket, or those of them that a selection takes.

    Listings have the columns key, size, etag, modified and storage_class, and are sorted by key.
    """

    objects: Objects
    prefix: str
    suffixes: tuple[str, ...]
    exactly: bool = True
    selection: Selection = EVERYTHING
    storage_classes: bool = True
    """Whether listings of whole folders tell the storage class, for which boto3 is loaded."""

    def list_files(self) -> pl.DataFrame:
        """Return all data files that are taken."""
        return self._data(self._list(*self._start))

    @property
    def _list(self) -> Callable[[str, str | None], pl.DataFrame]:
        return self.objects.list_frame if self.storage_classes else self.objects.list_data

    @property
    def _start(self) -> tuple[str, str | None]:
        """From where the listing of the whole folder begins."""
        return self.selection.start(self.prefix) if self.exactly else (self._root, None)

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

    def list_files_inside(self, folders: Sequence[FolderCondition]) -> pl.DataFrame:
        """Return the data files that may fulfil all conditions, pruning Hive folders before they are listed.

        Folders of other columns are followed.
        """
        return self._list_each(
            [
                (root, found)
                for root in self._roots()
                for found in self._prune(root, self._first_folder(root), folders)
            ]
        )

    def list_folders_inside(self, folders: Sequence[FolderPath]) -> pl.DataFrame:
        """Return the data files of some folders: their names one below the other, None being any name."""
        return self._list_each(
            [(root, found) for root in self._roots() for found in self._walk(root, root, folders)]
        )

    def mark(self, key: str) -> str:
        """Return what `list_behind` begins behind, for a file's key: its path, and what comes before it."""
        return key.removeprefix(self._root)

    def nothing(self) -> pl.DataFrame:
        """Return a listing without files."""
        import polars as pl

        return empty_listing().with_columns(storage_class=pl.lit(None, pl.String))

    def list_behind(self, mark: str) -> Iterator[pl.DataFrame]:
        """Yield the data files whose marks sort behind that one, page by page, in the order of their keys.

        Raises `UnsupportedError` if the server lists in another order.
        """
        prefix, start = self._start
        behind = max(start or "", self._root + mark if mark else "")
        last = behind
        for page in self.objects.list_pages(prefix, start_after=behind or None):
            if page.is_empty():
                continue
            if not page["key"].is_sorted() or page["key"][0] <= last:
                raise UnsupportedError(
                    "the server does not list objects in the order of their names",
                    remedy="Read the folder with incremental: exact or modified_time.",
                    location=self.objects.url(prefix),
                )
            last = page["key"][-1]
            yield self._data(page)

    @property
    def _root(self) -> str:
        """What all keys of the folder begin with."""
        return self.prefix if self.exactly else self.prefix.rstrip("/")

    def first(self) -> Iterator[str]:
        """Yield the keys of data files, without listing more than the pages that are taken."""
        return (each["key"] for each in self.first_files())

    def first_files(self) -> Iterator[dict[str, Any]]:
        """Yield data files as `first` does, each a row of a listing."""
        prefix, after = self._start
        for page in self.objects.list_pages(prefix, start_after=after):
            yield from self._data(page).iter_rows(named=True)

    def take(self, listed: pl.DataFrame) -> pl.DataFrame:
        """Return those of a listing that the selection takes."""
        if self.selection == EVERYTHING:
            return listed
        return self.selection.choose(listed, self.paths(listed))

    def paths(self, listed: pl.DataFrame) -> pl.Series:
        """Return the listed files' paths below the folder."""
        if self.exactly:
            return listed["key"].str.slice(len(self.prefix))
        return listed["key"].str.slice(len(self.prefix.rstrip("/"))).str.replace("^[^/]*/", "")

    def _list_each(self, places: Sequence[tuple[str, str]]) -> pl.DataFrame:
        """List some folders, each given with the root that it is below."""
        import polars as pl

        def listed(place: tuple[str, str]) -> pl.DataFrame:
            root, folder = place
            prefix, after = self.selection.start(root)
            if not prefix.startswith(folder):
                prefix = folder
            return self._list(prefix, after if after and after > folder else None)

        if not places:
            return self.nothing()
        if self.selection.path_prefix or self.selection.start_after:
            with ThreadPoolExecutor(_LISTINGS_AT_ONCE) as pool:
                return self._data(pl.concat(list(pool.map(listed, places))))
        below = defaultdict[str, list[str]](list)
        for root, folder in places:
            below[root].append(folder)
        pages = [
            page
            for folders in below.values()
            for page in neighbours.list_folders(self.objects, folders, self._list)
        ]
        return self._data(pl.concat(pages)) if pages else self.nothing()

    def _first_folder(self, root: str) -> str:
        """The deepest folder that holds all that the selection can take."""
        folder, slash, _ = self.selection.path_prefix.rpartition("/")
        return root + folder + slash

    def _prune(self, root: str, prefix: str, conditions: Sequence[FolderCondition]) -> Iterator[str]:
        if any(not _may_hold(segment, conditions) for segment in prefix.removeprefix(root).split("/")):
            return
        folders, objects = self.objects.list_folders(prefix)
        if objects and any(is_data(item.key.rpartition("/")[2], self.suffixes) for item in objects):
            # Files outside any Hive folder: nothing can be said of them without reading them.
            yield prefix
            return
        for folder in folders:
            segment = folder.removeprefix(prefix).rstrip("/")
            if not (self.selection.may_hold(folder.removeprefix(root)) and _may_hold(segment, conditions)):
                continue
            named = {hive_folder(each)[0] for each in folder.removeprefix(root).split("/")}
            if all(not named.isdisjoint(each.columns) for each in conditions):
                yield folder
            else:
                yield from self._prune(root, folder, conditions)

    def _walk(self, root: str, prefix: str, paths: Iterable[FolderPath]) -> Iterator[str]:
        """Yield the folders of those paths; where a name can be any, the server is asked once for all."""
        if not self.selection.may_hold(prefix.removeprefix(root)):
            return
        onwards = defaultdict[str | None, list[FolderPath]](list)
        for path in paths:
            if not path:
                # All that lies below is of it.
                yield prefix
                return
            onwards[path[0]].append(path[1:])
        for name, rest in onwards.items():
            if name is not None:
                yield from self._walk(root, f"{prefix}{name}/", rest)
                continue
            for folder in self.objects.list_folders(prefix)[0]:
                if not hidden(folder.removeprefix(prefix).rstrip("/")):
                    yield from self._walk(root, folder, rest)

    def _data(self, found: pl.DataFrame) -> pl.DataFrame:
        import polars as pl

        name = pl.col("key").str.slice(len(self.prefix if self.exactly else self._parent))
        data = found.filter(
            (pl.col("size") > 0)
            & pl.any_horizontal(*[pl.col("key").str.ends_with(suffix) for suffix in self.suffixes])
            # Hidden: a segment that starts with a dot, or with an underscore unless it is a Hive folder.
            & ~name.str.contains(r"(^|/)\.")
            & ~name.str.contains(r"(^|/)_([^/=]*)(/|$)")
        )
        return self.take(data).sort("key")


def _may_hold(segment: str, conditions: Sequence[FolderCondition]) -> bool:
    """Tell whether a folder can hold rows that fulfil all conditions, by its own name."""
    column, value = hive_folder(segment)
    if column is None:
        return not hidden(segment)
    # Without a value, or one that can be read: a null fulfils none, and of the other nothing is said.
    return all(each.tells(column, value) is not False for each in conditions)


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


def _is_integer(text: str) -> bool:
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdigit()


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return len(text) == len("2026-01-01")
