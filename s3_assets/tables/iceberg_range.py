"""Which of the snapshots behind a cursor one plan takes: whole ones up to a limit, or a part of the first."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from s3_assets.tables.budget import Budget
from s3_assets.tables.iceberg_added import Effect, behind, effect, kind_of, rewritten
from s3_assets.tables.iceberg_appended import (
    Appended,
    added_files,
    added_size,
    appended,
    removed_files,
    removed_size,
)
from s3_assets.tables.positions import Partly
from s3_assets.tables.table import ReadMode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyiceberg.table import Table as Handle
    from pyiceberg.table.snapshots import Snapshot

    from s3_assets.tables.iceberg_manifests import LiveFile
    from s3_assets.tables.positions import Limit, VersionPosition


@dataclass(frozen=True)
class Step:
    """A snapshot that was taken, and what it did."""

    snapshot: Snapshot
    effect: Effect


@dataclass(frozen=True)
class Taken:
    """Snapshots behind a cursor, oldest first, and the files that were not read of those that only add."""

    steps: tuple[Step, ...]
    files: Appended
    until: VersionPosition
    more: bool

    @property
    def notes(self) -> tuple[str, ...]:
        """What was passed over."""
        moved = [each.snapshot for each in self.steps if each.effect is Effect.MOVED]
        return tuple(f"{kind_of(each)} only rewrote files" for each in moved)


def take(
    handle: Handle, since: VersionPosition, current: Snapshot | None, mode: ReadMode, limit: Limit | None
) -> Taken:
    """Choose snapshots behind `since` as far as the limit lets, by what their summaries tell.

    In the mode added, files of a snapshot that is larger than the limit are taken in the order of their
    paths, and a snapshot that replaced or deleted rows raises `TableRewrittenError`, unless others come
    before it and there is a limit: then it is left to the next plan.
    """
    waiting = behind(handle, since, current)
    budget = Budget(limit)
    steps: list[Step] = []
    files: Appended = {}
    until = since
    for snapshot in waiting:
        if budget.spent:
            break
        did = effect(handle, snapshot)
        if did is Effect.CHANGED and mode is ReadMode.ADDED:
            if limit is not None and budget.files:
                break
            raise rewritten(snapshot, since)
        begun = since.partly.files if since.partly and snapshot.snapshot_id == since.version else 0
        cost = _cost(handle, Step(snapshot, did))
        fits = budget.fits(*cost)
        if budget.files and not fits:
            break
        steps.append(Step(snapshot, did))
        until = replace(since, version=snapshot.snapshot_id, partly=None)
        if did is Effect.ADDED and mode is ReadMode.ADDED and (begun or not fits):
            left = appended(handle, [snapshot])[snapshot.snapshot_id][begun:]
            count = len(left) if limit is None else limit.count(_sizes(left))
            files[snapshot.snapshot_id] = left[:count]
            cost = (count, sum(_sizes(left[:count])))
            if count < len(left):
                until = replace(until, partly=Partly(begun + count, of_snapshot=False))
                break
        budget.spend(*cost)
    more = bool(waiting) and (until.partly is not None or until.version != waiting[-1].snapshot_id)
    for run in _runs(steps, files):
        files |= appended(handle, run)
    return Taken(tuple(steps), files, until, more)


def _runs(steps: Sequence[Step], known: Appended) -> list[list[Snapshot]]:
    """Return the snapshots that added files in runs, between which none was taken out or moved."""
    runs: list[list[Snapshot]] = [[]]
    for each in steps:
        if each.effect is not Effect.ADDED:
            runs.append([])
        elif each.snapshot.snapshot_id not in known:
            runs[-1].append(each.snapshot)
    return [run for run in runs if run]


def _cost(handle: Handle, step: Step) -> tuple[int, int]:
    """Return how many files are read for a snapshot, and their size: of what it took out as well."""
    if step.effect is Effect.MOVED:
        return 0, 0
    count, size = added_files(step.snapshot), added_size(step.snapshot)
    if count is None or size is None:
        files = appended(handle, [step.snapshot])[step.snapshot.snapshot_id]
        count, size = len(files), sum(_sizes(files))
    if step.effect is Effect.CHANGED:
        count, size = count + (removed_files(step.snapshot) or 0), size + (removed_size(step.snapshot) or 0)
    return count, size


def _sizes(files: Sequence[LiveFile]) -> list[int]:
    return [each.file.file_size_in_bytes for each in files]
