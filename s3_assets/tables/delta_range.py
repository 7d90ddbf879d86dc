"""Which of the commits behind a cursor one plan takes: whole ones up to a limit, or a part of the first."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from s3_assets.tables import delta_gaps, delta_log
from s3_assets.tables.budget import Budget
from s3_assets.tables.delta_commits import AT_ONCE, AddedFile, Commit, Effect, read_commits
from s3_assets.tables.delta_listing import LogListing
from s3_assets.tables.positions import Partly, VersionPosition
from s3_assets.tables.table import ReadMode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from deltalake import DeltaTable as Handle

    from s3_assets.tables.delta import DeltaTable
    from s3_assets.tables.positions import Limit

_AHEAD = 32 * AT_ONCE


@dataclass(frozen=True)
class Taken:
    """Commits behind a cursor, oldest first, and the files of added rows in them that were not read yet."""

    mode: ReadMode
    commits: tuple[Commit, ...]
    files: tuple[AddedFile, ...]
    until: VersionPosition
    more: bool

    @property
    def reaching(self) -> tuple[Commit, ...]:
        """The commits of which something is read."""
        if self.mode is ReadMode.ADDED:
            return tuple(each for each in self.commits if each.adds_rows)
        return tuple(each for each in self.commits if each.effect is not Effect.NONE)

    @property
    def changing(self) -> tuple[Commit, ...]:
        """The commits that did not only add rows."""
        return tuple(each for each in self.commits if each.effect not in {Effect.NONE, Effect.APPEND})

    @property
    def in_files(self) -> bool:
        """Whether the files hold the added rows and no others, as only the feed tells of a MERGE."""
        return self.mode is ReadMode.ADDED and all(each.effect is Effect.APPEND for each in self.reaching)

    def taken_out(self, newest: Handle) -> list[str]:
        """Return the paths of the files that a later commit took out, so that they may have been vacuumed."""
        if self.more:
            # Commits that were not read took some out, too.
            live = set(delta_log.files(newest)["path"])
            return [each.path for each in self.files if each.path not in live]
        removed = frozenset[str]().union(*(each.removed for each in self.commits))
        return [each.path for each in self.files if each.path in removed]


def take(
    table: DeltaTable, handle: Handle, since: VersionPosition, mode: ReadMode, limit: Limit | None
) -> Taken:
    """Read the log behind `since` as far as the limit lets, at most up to the handle's version.

    In the mode added, files of a commit that is larger than the limit are taken in the order of their paths.
    Raises a `HistoryGapError` for entries that are gone, and for a commit that replaced rows unless others
    come before it and there is a limit: then it is left to the next plan.
    """
    begun = since.partly.files if since.partly else 0
    first = since.version if since.partly else since.version + 1
    budget = Budget(limit)
    commits: list[Commit] = []
    files: list[AddedFile] = []
    for commit in _read(table, handle, since, first, budget):
        left = commit.added[begun if commit.version == first else 0 :]
        if mode is ReadMode.ADDED and not commit.adds_rows:
            commits.append(commit)
            continue
        by_feed = mode is ReadMode.CHANGES or commit.effect is not Effect.APPEND
        count = commit.feed_files if by_feed else len(left)
        size = commit.feed_bytes if by_feed else sum(each.size for each in left)
        if mode is ReadMode.ADDED and commit.effect is Effect.REPLACE:
            if limit is not None and budget.files:
                break
            raise delta_gaps.replaced(table, commit, since)
        if commit.effect is Effect.CHANGE and mode is ReadMode.ADDED and (begun or _alone(handle, budget)):
            # Read with the feed, which cannot leave out the files that were read of the first commit.
            break
        if not budget.fits(count, size):
            if budget.files:
                break
            some = 0 if limit is None else limit.count(each.size for each in left)
            if not by_feed and some < len(left) and readable(handle, left):
                start = begun if commit.version == first else 0
                cut = replace(since, version=commit.version, partly=Partly(start + some, of_snapshot=False))
                return Taken(mode, (*commits, commit), left[:some], cut, more=True)
        commits.append(commit)
        files += left
        budget.spend(count, size)
    until = replace(since, version=commits[-1].version, partly=None) if commits else since
    return Taken(mode, tuple(commits), tuple(files), until, until.version < handle.version())


def readable(handle: Handle, files: Sequence[AddedFile]) -> bool:
    """Tell whether the files can be read as they lie."""
    return delta_log.plain(handle) and delta_log.hive_named(handle, [each.path for each in files])


def _alone(handle: Handle, budget: Budget) -> bool:
    """Tell whether what was taken needs no feed, and the next commit would need one that is not there."""
    return budget.limit is not None and budget.files > 0 and not delta_log.change_feed(handle)


def _read(
    table: DeltaTable, handle: Handle, since: VersionPosition, first: int, budget: Budget
) -> Iterator[Commit]:
    """Yield the commits in order; no more entries are read ahead than the budget may have room for."""
    listing, newest = LogListing.of(table), handle.version()
    ahead = AT_ONCE // 4 if budget.limit is not None else _AHEAD
    while first <= newest and not budget.spent:
        room = budget.room
        versions = range(first, min(first + (ahead if room is None else min(room, ahead)), newest + 1))
        for version, commit in zip(versions, read_commits(listing, versions), strict=True):
            if commit is None:
                raise delta_gaps.log_lost(table, listing, since, version, newest)
            yield commit
        first = versions.stop
        ahead = min(2 * ahead, _AHEAD)
