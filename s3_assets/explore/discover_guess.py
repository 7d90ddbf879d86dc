"""From what was found to settings: a few files of each table are looked into, however many it has."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from s3_assets.errors import (
    AccessDeniedError,
    AccessError,
    RequestTimeoutError,
    S3AssetsError,
    ThrottledError,
    UnreachableError,
)
from s3_assets.explore.discover_apart import kinds_of_names, of_kinds, strangers, unlike
from s3_assets.explore.discover_folders import ICEBERG
from s3_assets.explore.discover_groups import Group, Paths
from s3_assets.explore.discover_media import media_guess
from s3_assets.explore.discover_shapes import UNTOLD_FAMILY, spread
from s3_assets.explore.findings import Finding, Guess
from s3_assets.explore.folders import find_folders
from s3_assets.explore.guess import guess_files
from s3_assets.explore.listing import Listing
from s3_assets.explore.openmetadata_entry import as_told, names_told
from s3_assets.explore.types import type_name
from s3_assets.progress import count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from s3_assets.connection.settings import S3Connection
    from s3_assets.explore.discover_requests import Requests
    from s3_assets.objects import ObjectInfo

_FILES = 3
_FEWEST_COLUMNS = 2
# What says nothing of a file: the server, the way to it, or the keys; a denial may be of one file.
_OUTAGES = (ThrottledError, RequestTimeoutError, UnreachableError, AccessError)
_SURE = ("parquet", "avro", "json", "jsonl")


class Guesser:
    """Says of groups how they are read."""

    def __init__(self, connection: S3Connection, requests: Requests) -> None:
        self.connection = connection
        self.requests = requests
        self.remarks: list[str] = []

    def guess(self, group: Group) -> list[tuple[Group, Guess]]:
        """Return the group with its settings; several where each file is a table, none where none is."""
        path = group.prefix.removeprefix(self.connection.location.key)
        if group.has_log:
            return [(group, _logged(group, path))]
        if group.is_media:
            return [(group, media_guess(group, path))]
        apart = self._several(group)
        if apart is None and (some := strangers(group)) and self._have_nothing_in_common(group, some):
            return []
        return apart or self._one(group)

    def _several(self, group: Group) -> list[tuple[Group, Guess]] | None:
        """Return the tables that a group consists of; None if it is one."""
        if group.may_be_several and (apart := self._apart(group)):
            return apart
        if group.may_be_numbered and (apart := self._by_folder(group)):
            return apart
        kinds = kinds_of_names(group)
        return (self._by_kind(group, kinds) if kinds else None) or None

    def _apart(self, group: Group) -> list[tuple[Group, Guess]]:
        """Return a table for each file, if their columns differ."""
        singles = [(each, self._files(group, [each])) for each in group.files]
        guesses = [guess for _, guess in singles if guess is not None]
        if len({tuple(sorted(each.columns)) for each in guesses}) < len(guesses):
            return []
        told = Finding("path_regex", "the files of this folder have different columns: each is a table")
        found = []
        for file, guess in singles:
            if guess is not None:
                name = file.key.removeprefix(group.prefix)
                own = replace(
                    group,
                    files=(file,),
                    static=(name.partition(".")[0],),
                    paths=Paths((f"{re.escape(name)}$",)),
                )
                settings = {**guess.settings, "path_regex": own.paths.regex}
                found.append((own, replace(guess, settings=settings, findings=(*guess.findings, told))))
        return found

    def _by_folder(self, group: Group) -> list[tuple[Group, Guess]]:
        """Return a table for each folder, if some of them have files of different columns."""
        folders = group.by_folder
        some = [self._files(group, folders[each][:1]) for each in spread(list(folders), _FILES)]
        if len({tuple(sorted(each.columns)) for each in some if each is not None}) < 2:
            return []
        told = Finding(
            "path", "the folders beside it have other columns, though their names differ by number"
        )
        apart = [
            replace(group, prefix=key, files=tuple(files), folders=(), paths=Paths(), findings=(told,))
            for key, files in folders.items()
        ]
        return [pair for each in apart for pair in self.guess(each)]

    def _by_kind(
        self, group: Group, kinds: Mapping[str, tuple[ObjectInfo, ...]]
    ) -> list[tuple[Group, Guess]]:
        """Return a table for each kind of name, if they have different columns; kinds of the same are one."""
        tables: dict[tuple[str, ...], list[tuple[str, tuple[ObjectInfo, ...]]]] = {}
        for shape, files in kinds.items():
            found = self._files(group, files[:1])
            if found is not None:
                tables.setdefault(tuple(sorted(found.columns)), []).append((shape, files))
        if len(tables) < 2:
            return []
        return [pair for each in tables.values() for pair in self._one(of_kinds(group, each))]

    def _have_nothing_in_common(self, group: Group, some: Sequence[ObjectInfo]) -> bool:
        """Tell whether files that are named by an identity alone are no table, as results of queries are."""
        guesses = [guess for each in some if (guess := self._files(group, [each])) is not None]
        if not unlike([frozenset(each.columns) for each in guesses]):
            return False
        url = self.requests.objects.url(group.prefix)
        self.remarks.append(f"{url}: its files have no columns in common, as results of queries; left out")
        return True

    def _one(self, group: Group) -> list[tuple[Group, Guess]]:
        keys = spread([each.key for each in group.files], _FILES)
        some = [each for each in group.files if each.key in set(keys)]
        found = self._files(group, some, of=len(group.files))
        return [(group, found)] if found is not None else []

    def _files(self, group: Group, files: Sequence[ObjectInfo], of: int | None = None) -> Guess | None:
        """Look at some files, all or those `of` so many; None for what cannot be read, or is no table."""
        place = self.requests.objects.url(files[0].key)
        if not self.requests.spend(place, len(files)):
            return None
        keys = tuple(each.key for each in files)
        listing = Listing(group.prefix, tuple(files), group.complete, keys, known=of)
        try:
            found = guess_files(self.connection, self.requests.objects, listing, None, group.folders)
        except AccessDeniedError as error:
            return self._unread(group, error)
        except _OUTAGES:
            # Nothing is told of the files: a table that was left out would look like one that is gone.
            raise
        except S3AssetsError as error:
            # It may name the file itself, and may mean another one of them than the first.
            told = error.found if "s3://" in error.found else f"{place}: {error.found}"
            beside = (of or 1) - 1
            more = f" and {count(beside, 'file')} like it are" if beside else " is"
            self.remarks.append(f"{told}; it{more} left out")
            return None
        if group.told_by is None and not _is_table(group, found):
            self.remarks.append(f"{place} does not look like a table; it is left out")
            return None
        return self._shaped(group, found)

    def _unread(self, group: Group, error: AccessDeniedError) -> Guess | None:
        """Tell by the names what may not be read."""
        if group.family == UNTOLD_FAMILY:
            self.remarks.append(f"{group.prefix}: {error.found}; it is left out")
            return None
        path = group.prefix.removeprefix(self.connection.location.key)
        told = Finding("format", f"the files' names alone say so: {error.found}", doubt=True)
        return self._shaped(
            group, _without_columns({"path": path, "format": group.family}, (told,), "no file")
        )

    def _shaped(self, group: Group, found: Guess) -> Guess:
        """Add which paths are the table's, and what a manifest says."""
        settings = dict(found.settings)
        told = names_told(group)
        wanted = Paths((*group.paths.wanted, *told), group.paths.unwanted)
        if wanted.regex is not None:
            settings["path_regex"] = wanted.regex
        shaped = replace(found, settings=settings, findings=(*found.findings, *group.findings))
        return as_told(shaped, group.told_by) if group.told_by is not None else shaped


def _is_table(group: Group, found: Guess) -> bool:
    """Of files without a telling name, text is a table if it has columns, and one of them is no text."""
    if group.family != UNTOLD_FAMILY or found.settings["format"] in _SURE:
        return True
    types = [type_name(dtype) for dtype in found.columns.values()]
    return len(types) >= _FEWEST_COLUMNS and set(types) != {"string"}


def _logged(group: Group, path: str) -> Guess:
    settings: dict[str, Any] = {"path": path, "format": group.family}
    if group.family == ICEBERG:
        settings = {"format": ICEBERG, "warehouse_path": path}
        return _without_columns(settings, group.findings, "the names of its metadata files")
    folders = find_folders(group.folders, group.prefix)
    if folders.partitions is not None:
        settings["partitions"] = folders.partitions
    return _without_columns(
        settings, (*group.findings, *folders.findings), "the names in its log and its folders"
    )


def _without_columns(settings: dict[str, Any], findings: Sequence[Finding], looked_at: str) -> Guess:
    import polars as pl

    return Guess(settings, pl.Schema(), tuple(findings), f"looked at {looked_at}")
