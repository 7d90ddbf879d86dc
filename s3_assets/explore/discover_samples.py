"""A look into the folders that divide a table: the first, the last and some between, not each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.explore.discover_deep import Sample, look_deep
from s3_assets.explore.discover_folders import FolderLook, Log, log_of, look
from s3_assets.explore.discover_shapes import partitions_among, spread
from s3_assets.threads import ThreadPoolExecutor

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from s3_assets.explore.discover_requests import Requests

_SAMPLED = 12
_MOST_NAMED = 50
_FILES = 12
_AT_ONCE = 4


def sample(requests: Requests, prefix: str, names: Sequence[str], claimed: Collection[str] = ()) -> Sample:
    """Look into folders that divide a table; into all of them if they hold little, or a table of its own.

    `claimed` are keys of folders that belong to something else.
    """
    whole = look_deep(requests, prefix, names, claimed)
    if whole is not None:
        return whole
    found = Sample()
    chosen = spread(names, _SAMPLED)
    _into(requests, prefix, names, chosen, found, claimed)
    rest = [each for each in names if each not in set(chosen)]
    if found.logs and rest:
        _into(requests, prefix, [], rest, found, claimed)
    elif rest:
        found.complete = False
    return found


def _into(
    requests: Requests,
    prefix: str,
    names: Sequence[str],
    chosen: Sequence[str],
    found: Sample,
    claimed: Collection[str],
    *,
    partitions: bool = True,
    edges: tuple[bool, bool] = (True, True),
) -> None:
    """Look into the chosen ones of the folders; `edges`: whether they hold the first, the last of all."""
    keys = [f"{prefix}{name}/" for name in names]
    found.folders += keys
    if partitions:
        found.partitions.update(keys)
    inside = [f"{prefix}{name}/" for name in chosen if f"{prefix}{name}/" not in claimed]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        looks = list(pool.map(lambda key: _looked(requests, key), inside))
    for index, (folder, log) in enumerate(looks):
        found.looked += 1
        if log is not None:
            found.logs.append((folder, log))
            continue
        found.complete &= folder.complete
        by_key = {each.key: each for each in folder.files}
        found.files += [by_key[key] for key in spread(sorted(by_key), _FILES)]
        first, last = edges[0] and index == 0, edges[1] and index == len(looks) - 1
        _deeper(requests, folder, found, claimed, (first, last))


def _deeper(
    requests: Requests,
    folder: FolderLook,
    found: Sample,
    claimed: Collection[str],
    edges: tuple[bool, bool],
) -> None:
    """Go on along the first and the last of all folders, and into one of each other."""
    values = partitions_among(folder.folders)
    if values:
        ends = [values[0]] * edges[0] + [values[-1]] * edges[1]
        chosen = list(dict.fromkeys(ends)) or values[:1]
        found.complete &= len(chosen) == len(values)
        _into(requests, folder.prefix, values, chosen, found, claimed, edges=edges)
    named = [each for each in folder.folders if each not in set(values)]
    if named:
        chosen = spread(named, _MOST_NAMED)
        found.complete &= len(chosen) == len(named)
        _into(requests, folder.prefix, named, chosen, found, claimed, partitions=False, edges=edges)


def _looked(requests: Requests, key: str) -> tuple[FolderLook, Log | None]:
    folder = look(requests, key)
    return folder, log_of(requests, folder)
