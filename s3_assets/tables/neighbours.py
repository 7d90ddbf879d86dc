"""Listings of many folders: those that are neighbours share the pages of one listing.

A month of hourly folders is one request or two in this way, and would be 720 if each were listed by itself.
"""

from __future__ import annotations

from bisect import bisect_right
from os.path import commonprefix
from typing import TYPE_CHECKING

from s3_assets.threads import ThreadPoolExecutor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import polars as pl

    from s3_assets.objects import Objects

_AT_ONCE = 16
# Amazon S3 API Reference, "ListObjectsV2": so many keys a page has at most.
_FULL = 1000


def list_folders(
    objects: Objects, folders: Iterable[str], list_one: Callable[[str, str | None], pl.DataFrame]
) -> list[pl.DataFrame]:
    """Return all objects in some folders, given by their keys with the slash, as pages of their listings.

    Where there is but one, `list_one` lists it. Hardly a request more is made than if each folder was listed
    by itself. A server that does not list in the order of keys is asked for each.
    """
    ordered = _apart(folders)
    if len(ordered) < 2:
        return [list_one(folder, None) for folder in ordered]
    begun = _read(objects, ordered, pages=1)
    if begun is None:
        return _one_by_one(objects, ordered)
    found, left = begun
    if not left:
        return found
    # As many as the first page had, and no fewer than are needed to have all under way at once.
    size = max(len(ordered) - len(left), -(-len(left) // _AT_ONCE), 1)
    runs = [left[start : start + size] for start in range(0, len(left), size)]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for some in pool.map(lambda run: _listed(objects, run), runs):
            found += some
    return found


def _apart(folders: Iterable[str]) -> list[str]:
    """Return the folders in the order of keys, without those that lie inside of others."""
    found: list[str] = []
    for each in sorted(folders):
        if not found or not each.startswith(found[-1]):
            found.append(each)
    return found


def _listed(objects: Objects, folders: Sequence[str]) -> list[pl.DataFrame]:
    found: list[pl.DataFrame] = []
    left = folders
    while len(left) > 1:
        read = _read(objects, left)
        if read is None:
            return found + _one_by_one(objects, left)
        some, left = read
        found += some
    return found + [objects.list_frame(folder) for folder in left]


def _one_by_one(objects: Objects, folders: Sequence[str]) -> list[pl.DataFrame]:
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(objects.list_frame, folders))


def _read(
    objects: Objects, folders: Sequence[str], pages: int | None = None
) -> tuple[list[pl.DataFrame], Sequence[str]] | None:
    """List from the first of several folders on, as long as it goes on from one to the next.

    Returns what was found and the folders that are left, nothing of which is among it; None if the keys are
    out of order. At least one folder is read to its end, unless the number of pages is limited.
    """
    found: list[pl.DataFrame] = []
    begin, done = folders[0], 0
    # A prefix need not end with a slash: the longest one meets the least of what lies around.
    shared = commonprefix(folders)  # noqa: RUF071 - of keys, which are no paths
    for number, page in enumerate(objects.list_pages(shared, start_after=begin), 1):
        keys = page["key"].to_list()
        if not keys:
            continue
        if keys[0] <= begin or not page["key"].is_sorted():
            return None
        begin = keys[-1]
        inside = [_inside(key, folders) for key in keys]
        found.append(page.filter(inside))
        while done < len(folders) and folders[done] < begin and not begin.startswith(folders[done]):
            done += 1
        if done == len(folders):
            return found, ()
        # What lies between the folders is read no further than to the end of the page.
        beyond = begin < folders[done] and not all(inside)
        # A page that is not full is the last one, or else an odd one: to go on costs nothing, or little.
        if beyond or (pages is not None and number >= pages and len(keys) >= _FULL):
            return _without(found, folders[done]), folders[done:]
    return found, ()


def _inside(key: str, folders: Sequence[str]) -> bool:
    position = bisect_right(folders, key)
    return position > 0 and key.startswith(folders[position - 1])


def _without(found: list[pl.DataFrame], folder: str) -> list[pl.DataFrame]:
    """Leave out what was read of a folder that is to be read anew."""
    import polars as pl

    return [page.filter(~pl.col("key").str.starts_with(folder)) for page in found]
