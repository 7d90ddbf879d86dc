"""The walk through folders: several at once, never into a table that is recognised."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from s3_assets.explore.discover_folders import BROKEN, DELTA, HUDI, FolderLook, Log, log_of, look
from s3_assets.explore.discover_groups import DIRECT, Group, Paths, grouped
from s3_assets.explore.discover_samples import sample
from s3_assets.explore.discover_shapes import beginnings, partitions_among
from s3_assets.explore.findings import Finding
from s3_assets.progress import count
from s3_assets.threads import ThreadPoolExecutor

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from s3_assets.explore.discover_deep import Sample
    from s3_assets.explore.discover_requests import Requests

_AT_ONCE = 8
# Requests by which a group of files is looked into.
_LATER = 3


@dataclass
class Walked:
    """What the folders are, and those that are still to be looked into."""

    groups: list[Group] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    children: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    """Folders that were not begun, since the portion was used up."""

    def add(self, other: Walked) -> None:
        """Take over what another part of the walk found; its children are not walked yet."""
        self.groups += other.groups
        self.remarks += other.remarks
        self.left += other.left


def walk(
    requests: Requests,
    prefixes: Sequence[str],
    claimed: Collection[str] = (),
    is_known: Callable[[Group], bool] = lambda _: False,
) -> Walked:
    """Return the groups below some folders; `claimed` are keys of folders that are not looked into.

    Groups that are not known are looked into later, which counts as a part of the portion.
    """

    def one(prefix: str) -> Walked:
        if requests.is_enough():
            return Walked(left=[prefix])
        surveyed = survey(requests, prefix, claimed)
        requests.expect(sum(_LATER for each in surveyed.groups if each.files and not is_known(each)))
        return surveyed

    found = Walked()
    ahead = [each for each in prefixes if each not in claimed]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        while ahead:
            surveyed = list(pool.map(one, ahead))
            for each in surveyed:
                found.add(each)
            ahead = [child for each in surveyed for child in each.children]
    return found


def survey(requests: Requests, prefix: str, claimed: Collection[str] = ()) -> Walked:
    """Say what one folder is: a table with a log, tables and media of files, or folders to look into."""
    folder = look(requests, prefix)
    log = log_of(requests, folder)
    if log is not None:
        return _logged(requests, folder, log)
    keys = (f"{prefix}{each}/" for each in folder.folders)
    claimed = {*claimed, *filter(requests.excludes, keys)}
    values = partitions_among(folder.folders)
    named = [each for each in folder.folders if each not in set(values)]
    found = Walked(children=[key for each in named if (key := f"{prefix}{each}/") not in claimed])
    if values:
        seen = sample(requests, prefix, values, claimed)
        apart = bool(named or folder.files)
        _add_divided(requests, found, folder, seen, Paths((beginnings(values),) if apart else ()), claimed)
    if folder.files:
        paths = Paths((DIRECT,)) if folder.folders else Paths()
        groups, remarks = grouped(prefix, folder.files, paths, complete=folder.complete)
        found.groups += [_alone(each) if paths.wanted else each for each in groups]
        found.remarks += remarks
    return found


def survey_one(requests: Requests, prefix: str, claimed: Collection[str] = ()) -> Walked:
    """Say what a folder is of which somebody says that it is one table: all below it belongs together."""
    folder = look(requests, prefix)
    log = log_of(requests, folder)
    if log is not None:
        return _logged(requests, folder, log)
    found = Walked()
    seen = sample(requests, prefix, folder.folders, claimed)
    seen.files += folder.files
    seen.complete &= folder.complete
    # Whatever their names, the folders are no tables of their own.
    seen.partitions.update(seen.folders)
    _add_divided(requests, found, folder, seen, Paths(), claimed)
    return found


def _add_divided(
    requests: Requests,
    found: Walked,
    folder: FolderLook,
    seen: Sample,
    paths: Paths,
    claimed: Collection[str],
) -> None:
    """Add the groups of folders that divide tables, and the tables with a log among them."""
    prefix = folder.prefix
    apart = [inside.prefix for inside, _ in seen.logs]
    apart += [each for each in claimed if each.startswith(prefix) and each != prefix]
    unwanted = tuple(re.escape(each.removeprefix(prefix)) for each in sorted(apart))
    own = Paths(paths.wanted, (*paths.unwanted, *unwanted))
    groups, remarks = grouped(
        prefix,
        seen.files,
        own,
        complete=seen.complete,
        folders=[each for each in seen.folders if not each.startswith(tuple(apart))],
        partitions=frozenset(seen.partitions),
    )
    told = []
    if not seen.complete:
        of = count(len(seen.folders), "folder")
        told.append(Finding("path", f"looked into {seen.looked:,} of the {of} inside that were seen"))
    if apart:
        example = apart[0].removeprefix(prefix)
        what = "is not looked into" if requests.excludes(apart[0]) else "is a table of its own"
        told.append(Finding("path_regex", f"{example} inside {what}, and left out"))
    if paths.wanted:
        told.append(Finding("path_regex", "what lies beside the folders that divide it is left out"))
    found.groups += [replace(each, findings=(*each.findings, *told)) for each in groups]
    found.remarks += remarks
    for inside, log in seen.logs:
        found.add(_logged(requests, inside, log))


def _alone(group: Group) -> Group:
    told = Finding("path_regex", "the files directly in this folder; its folders are looked at by themselves")
    return replace(group, findings=(*group.findings, told))


def _logged(requests: Requests, folder: FolderLook, log: Log) -> Walked:
    """A folder with a log is one table, whatever else lies in it."""
    if log.format == HUDI:
        return Walked(
            remarks=[f"{folder.prefix} is a Hudi table ({log.evidence.evidence}); it cannot be read in place"]
        )
    if log.format == BROKEN:
        told = (
            f"{folder.prefix} is a Delta table that cannot be read ({log.evidence.evidence}); it is left out"
        )
        return Walked(remarks=[told])
    folders: list[str] = []
    values = [each for each in folder.folders if "=" in each]
    if log.format == DELTA and values:
        folders = [f"{folder.prefix}{each}/" for each in values]
        inner = look(requests, folders[0])
        folders += [f"{folders[0]}{each}/" for each in inner.folders if "=" in each]
    return Walked([Group(log.format, folder.prefix, folders=tuple(folders), findings=(log.evidence,))])
