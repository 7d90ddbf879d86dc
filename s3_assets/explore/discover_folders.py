"""One folder as a discovery sees it: its data files, its folders, and whether it is a table with a log."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from s3_assets.explore.findings import Finding
from s3_assets.explore.openmetadata import FILE_NAME, GLOBAL_FILE_NAME
from s3_assets.progress import count
from s3_assets.tables.files import hidden

if TYPE_CHECKING:
    from collections.abc import Sequence

    from s3_assets.explore.discover_requests import Requests
    from s3_assets.objects import ObjectInfo

DELTA, ICEBERG, HUDI, BROKEN = "delta", "iceberg", "hudi", "broken"
DELTA_FOLDER, ICEBERG_FOLDER, _HUDI_FOLDER = "_delta_log", "metadata", ".hoodie"
_MOST_PAGES = 4
_LAST_CHARACTER = "\U0010ffff"
_STEM = re.compile(r"[^0-9]*")
# What writers of files leave beside them.
_NO_DATA = (".crc", "_$folder$", ".tmp", ".inprogress", ".swp", ".lock")
# Delta protocol, "Delta Log Entries" and "Checkpoints".
_VERSION = re.compile(r"(\d{20})\.(?:json|checkpoint\..*parquet)")
_LAST_CHECKPOINT = "_last_checkpoint"
_METADATA = re.compile(r".*\.metadata\.json(?:\.gz)?|.*\.gz\.metadata\.json")


@dataclass(frozen=True)
class FolderLook:
    """What lies directly in a folder: names of folders without slash, and data files."""

    prefix: str
    folders: tuple[str, ...]
    hidden: frozenset[str]
    """Names of folders that hold no data of users."""
    files: tuple[ObjectInfo, ...]
    complete: bool
    """Whether all of it was seen."""


@dataclass(frozen=True)
class Log:
    """The log that makes a folder a table, and what tells so."""

    format: str
    evidence: Finding


def look(requests: Requests, prefix: str) -> FolderLook:
    """List a folder by at most four pages: of many like names the first thousand are seen."""
    folders: list[str] = []
    files: list[ObjectInfo] = []
    after, more, pages, complete = None, True, 0, True
    while more and pages < _MOST_PAGES:
        page = requests.page(prefix, after)
        folders += [each.removeprefix(prefix).rstrip("/") for each in page.folders]
        files += page.objects
        pages, more = pages + 1, page.more
        if more:
            complete = False
            after = _behind(
                prefix, max([*page.folders, *(each.key for each in page.objects)], default=prefix)
            )
    visible = tuple(each for each in folders if each and not hidden(each))
    data = tuple(each for each in files if is_data(each, prefix))
    return FolderLook(prefix, visible, frozenset(folders) - set(visible), data, complete and not more)


def is_iceberg_metadata(name: str) -> bool:
    """Tell whether a file of a folder `metadata/` is what makes it an Iceberg table's."""
    return _METADATA.fullmatch(name) is not None


def delta_log(names: Sequence[str], *, whole: bool) -> Log | None:
    """Return the log that has these files, as far as it was seen; None if it was not, or none is there.

    A log without a commit, or without its first ones and any checkpoint, is of no table: nobody can tell
    which of the files beside it are rows (Delta protocol, "Delta Log Entries").
    """
    versions = [version for name in names if (version := delta_version(name)) is not None]
    checkpoint = _LAST_CHECKPOINT in names or any(".checkpoint." in each for each in names)
    if not versions:
        if checkpoint:
            return Log(DELTA, Finding("format", "a Delta log with a checkpoint"))
        return Log(BROKEN, Finding("format", "its log has no commit")) if names and whole else None
    if whole and min(versions) and not checkpoint:
        told = f"its log begins at version {min(versions):,}, without a checkpoint"
        return Log(BROKEN, Finding("format", told))
    return Log(DELTA, Finding("format", f"a Delta log, version {max(versions):,} or later"))


def iceberg_log(files: Sequence[str]) -> Log:
    """Return the log that has these metadata files, as far as it was seen."""
    told = f"{count(len(files), 'metadata file')} of an Iceberg table in {ICEBERG_FOLDER}/"
    return Log(ICEBERG, Finding("format", told))


def log_of(requests: Requests, folder: FolderLook) -> Log | None:
    """Return the log of a folder that is a Delta, Iceberg or Hudi table, by at most two requests."""
    # Of a folder that was not seen to its end, the log may be what was not seen.
    unsure = not folder.complete
    if DELTA_FOLDER in folder.hidden or unsure:
        names, whole = _names(requests, f"{folder.prefix}{DELTA_FOLDER}/")
        found = delta_log(names, whole=whole)
        if found is not None:
            return found
    if ICEBERG_FOLDER in folder.folders or unsure:
        names, _ = _names(requests, f"{folder.prefix}{ICEBERG_FOLDER}/")
        files = [name for name in names if is_iceberg_metadata(name)]
        if files:
            return iceberg_log(files)
    if _HUDI_FOLDER in folder.hidden:
        return Log(HUDI, Finding("format", f"a Hudi timeline in {_HUDI_FOLDER}/"))
    return None


def delta_version(name: str) -> int | None:
    """Return the version of a file of a Delta log; None for other files."""
    found = _VERSION.fullmatch(name)
    return int(found[1]) if found else None


def _names(requests: Requests, prefix: str) -> tuple[list[str], bool]:
    """Return the first thousand names, and whether these are all."""
    page = requests.page(prefix)
    return [each.key.removeprefix(prefix) for each in page.objects], not page.more


def _behind(prefix: str, last: str) -> str:
    """Return what the next page begins behind: all names that begin like the last one's do before a digit."""
    name = last.removeprefix(prefix).rstrip("/")
    column, hive, _ = name.partition("=")
    found = _STEM.match(name)
    stem = f"{column}=" if hive else found.group() if found else ""
    # Names may be all letters, or begin with a digit: then one character, or all ten digits, are passed.
    stem = "9" if not stem else name[:1] if stem == name else stem
    return f"{prefix}{stem}{_LAST_CHARACTER}"


def is_data(found: ObjectInfo, prefix: str) -> bool:
    """Tell whether an object directly in the folder `prefix` is data of users."""
    name = found.key.removeprefix(prefix)
    return bool(
        name
        and found.size
        and not hidden(name)
        and not name.endswith(_NO_DATA)
        and name not in {FILE_NAME, GLOBAL_FILE_NAME}
    )
