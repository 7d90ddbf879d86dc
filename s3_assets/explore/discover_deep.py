"""A look at all objects below some folders, where they are few: it costs less than looking into each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from s3_assets.explore.discover_folders import (
    DELTA_FOLDER,
    ICEBERG_FOLDER,
    FolderLook,
    Log,
    delta_log,
    iceberg_log,
    is_data,
    is_iceberg_metadata,
)
from s3_assets.explore.discover_shapes import partitions_among
from s3_assets.tables.files import hidden

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from s3_assets.explore.discover_requests import Requests
    from s3_assets.objects import ObjectInfo

_MOST_PAGES = 2


@dataclass
class Sample:
    """What was seen below some folders."""

    files: list[ObjectInfo] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    """Keys of all folders whose names were seen, looked into or not."""
    partitions: set[str] = field(default_factory=set)
    """Keys of those that divide tables."""
    logs: list[tuple[FolderLook, Log]] = field(default_factory=list)
    """Folders that are tables of their own."""
    complete: bool = True
    looked: int = 0


def look_deep(
    requests: Requests, prefix: str, names: Sequence[str], claimed: Collection[str] = ()
) -> Sample | None:
    """Return all that lies in the named folders below `prefix`; None if it is more than two pages."""
    objects = _objects(requests, prefix, names) if names else []
    if objects is None:
        return None
    wanted = {f"{prefix}{name}/" for name in names}
    inside = [each for each in objects if _first_folder(each.key, prefix) in wanted]
    logs = _logs(inside, prefix)
    apart = (*logs, *claimed)
    found = Sample(logs=[(_folder(each, inside), log) for each, log in logs.items()])
    left = [each for each in inside if not apart or not each.key.startswith(apart)]
    for each in left:
        folder = each.key[: each.key.rfind("/") + 1]
        if is_data(each, folder) and not any(map(hidden, folder.removeprefix(prefix).split("/"))):
            found.files.append(each)
    _add_folders(found, prefix, names)
    return found


def _objects(requests: Requests, prefix: str, names: Sequence[str]) -> list[ObjectInfo] | None:
    # In the order of UTF-8, as S3 has it; the folders between the first and the last are read along.
    ordered = sorted(names, key=str.encode)
    after, last = f"{prefix}{ordered[0]}", f"{prefix}{ordered[-1]}/"
    found: list[ObjectInfo] = []
    for _ in range(_MOST_PAGES):
        page = requests.page(prefix, after, deep=True)
        found += page.objects
        if not page.more:
            return found
        after = page.objects[-1].key
        if after.encode() > last.encode() and not after.startswith(last):
            return found
    return None


def _first_folder(key: str, prefix: str) -> str:
    name, slash, _ = key.removeprefix(prefix).partition("/")
    return f"{prefix}{name}{slash}"


def _logs(objects: Sequence[ObjectInfo], prefix: str) -> dict[str, Log]:
    """Return the folders that are tables of their own, none of them inside of another."""
    deltas: dict[str, list[str]] = {}
    metadata: dict[str, list[str]] = {}
    for each in objects:
        parent, _, name = each.key.rpartition("/")
        folder, _, last = parent.rpartition("/")
        if last == DELTA_FOLDER:
            deltas.setdefault(f"{folder}/", []).append(name)
        elif last == ICEBERG_FOLDER and is_iceberg_metadata(name):
            metadata.setdefault(f"{folder}/", []).append(name)
    found = {key: delta_log(of, whole=True) for key, of in deltas.items()}
    logs = {key: log for key, log in found.items() if log is not None}
    logs |= {key: iceberg_log(of) for key, of in metadata.items() if key not in logs}
    inside = {key for key in logs if any(key != each and key.startswith(each) for each in logs)}
    return {key: log for key, log in logs.items() if key not in inside and len(key) > len(prefix)}


def _folder(prefix: str, objects: Sequence[ObjectInfo]) -> FolderLook:
    """Return a folder as a look into it would."""
    below = [each for each in objects if each.key.startswith(prefix)]
    paths = [each.key.removeprefix(prefix) for each in below]
    folders = sorted({path.partition("/")[0] for path in paths if "/" in path})
    visible = tuple(each for each in folders if not hidden(each))
    files = tuple(
        each for each in below if "/" not in each.key.removeprefix(prefix) and is_data(each, prefix)
    )
    return FolderLook(prefix, visible, frozenset(folders) - set(visible), files, complete=True)


def _add_folders(found: Sample, prefix: str, names: Sequence[str]) -> None:
    """Add the folders that data lies in, and tell which of them divide tables."""
    inside: dict[str, set[str]] = {}
    for each in found.files:
        folder = prefix
        for segment in each.key.removeprefix(prefix).split("/")[:-1]:
            inside.setdefault(folder, set()).add(segment)
            folder = f"{folder}{segment}/"
    for folder, segments in inside.items():
        listed = sorted(segments)
        values = names if folder == prefix else partitions_among(listed)
        found.partitions.update(f"{folder}{each}/" for each in values)
        found.folders += [f"{folder}{each}/" for each in listed]
    found.looked = len(found.folders)
