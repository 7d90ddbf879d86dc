"""Incremental inputs: one cursor for each input, and for each partition of a consumer that has partitions.

A partition's cursor is that of its span of time, so that nothing depends on how its key is written. It says
up to where the source was read for that partition: what came later, late rows included, its next run reads.
"""

from __future__ import annotations

from datetime import UTC
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from s3_assets.errors import CursorError, UnsupportedError
from s3_assets.incremental.commit import StreamRead
from s3_assets.incremental.run_notes import ReadNote
from s3_assets.metrics import phase
from s3_assets.partitions import unbroken
from s3_assets.tables.positions import FilesPosition, ModifiedPosition

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import polars as pl

    from s3_assets.incremental.cursor import Cursor, Cursors
    from s3_assets.io_managers.owners import CursorOwner
    from s3_assets.io_managers.step import Step
    from s3_assets.tables.positions import Position
    from s3_assets.tables.table import Plan, ReadMode, Table
    from s3_assets.windows import Window

_SPAN = "%Y%m%dT%H%M%SZ"


class _Behind(NamedTuple):
    """A partition of the consumer with its committed cursor; the window is None for a consumer without."""

    key: str
    window: Window | None
    cursors: Cursors
    since: Cursor | None

    @property
    def position(self) -> Position | None:
        return self.since.position if self.since is not None else None


def stream_of(target: str, source: str, window: Window | None) -> str:
    """Return the id of a cursor: `<target>/<source>`, with `@<start>-<end>` in UTC for a partition."""
    stream = f"{target}/{source}"
    if window is None:
        return stream
    start, end = (moment.astimezone(UTC).strftime(_SPAN) for moment in (window.start, window.end))
    return f"{stream}@{start}-{end}"


def plan_streams(
    step: Step,
    source: Table[Any],
    mode: ReadMode,
    own: Mapping[str, Window] | None,
    read: Mapping[str, Window] | None,
) -> list[Plan]:
    """Plan what is new for the consumer, and remember its streams for the commit.

    `own` are the run's partitions in what the consumer writes, `read` the same in the source (None: all of
    the source is read). Partitions that were read up to one position are read by one plan. Raises
    `UnsupportedError` if the rows of two plans could be the same, or were read by other partitions before.
    """
    owner = step.owner
    if owner is None:
        raise CursorError("an incremental input has no target for its cursor", table=source.name)
    partitions: Mapping[str, Window | None] = {"": None} if own is None else own
    behind = [_behind(owner, source, key, window) for key, window in partitions.items()]
    if owner.anything and any(each.since is None for each in behind):
        _refuse_other_partitions(owner, source, behind)
    groups = [list(group) for _, group in groupby(behind, key=_Same())]
    if len(groups) > 1 and read is None:
        raise UnsupportedError(
            "the partitions of the run were read up to different positions, and each reads all of the source",
            remedy="Run them one by one, or declare the source's partitions.",
            table=source.name,
        )
    plans, streams = [], step.streams.setdefault(source.name, [])
    for group in groups:
        window = None if read is None else unbroken({each.key: read[each.key] for each in group}, source.name)
        with phase("plan"):
            plan = source.plan(mode, since=group[0].position, window=window)
        plans.append(plan)
        # Where a limit cut off what is new, the cursor moves on, even if none of it was of this partition.
        news = not plan.empty or plan.more
        if own is None or news:
            streams += [StreamRead(each.cursors, each.since, plan.until) for each in group]
        step.news = step.news or news
        step.sources.append((source, plan))
        step.plans[source.name if len(groups) == 1 else f"{source.name} {group[0].key}"] = plan
        step.reads.append(ReadNote.of_stream(_name(group), plan, group[0].since))
    return plans


def _name(group: Sequence[_Behind]) -> str:
    first, last = group[0].cursors.stream, group[-1].cursors.stream
    return first if first == last else f"{first}...{last.rpartition('-')[2]}"


def together(plans: Iterable[Plan]) -> pl.LazyFrame:
    """Return the rows of several plans of one source."""
    import polars as pl

    frames = [plan.frame for plan in plans if not plan.empty or plan.frame.collect_schema()]
    if not frames:
        return pl.LazyFrame()
    return frames[0] if len(frames) == 1 else pl.concat(frames, how="diagonal_relaxed")


def _behind(owner: CursorOwner, source: Table[Any], key: str, window: Window | None) -> _Behind:
    stream = stream_of(owner.name, source.name, window)
    cursors = owner.cursors(stream)
    number = owner.committed(stream)
    return _Behind(key, window, cursors, None if number is None else cursors.load(number))


class _Same:
    """A key for `groupby`: equal for neighbours of one position; ledgers are never compared."""

    def __init__(self) -> None:
        self._last: Position | None = None
        self._group = -1

    def __call__(self, behind: _Behind) -> int:
        position = behind.position
        ledger = any(isinstance(each, FilesPosition | ModifiedPosition) for each in (position, self._last))
        if self._group < 0 or ledger or position != self._last:
            self._group += 1
        self._last = position
        return self._group


def _refuse_other_partitions(owner: CursorOwner, source: Table[Any], behind: Iterable[_Behind]) -> None:
    """Raise `UnsupportedError` if rows were read by partitions of another kind before.

    The same rows would come again: an asset that had no partitions has some now, or has others.
    """
    whole = stream_of(owner.name, source.name, None)
    others = [name for name in owner.streams() if name == whole or name.startswith(f"{whole}@")]
    for each in behind:
        if each.since is not None:
            continue
        for other in others:
            if other == each.cursors.stream or not _overlap(each.cursors.stream, other, whole):
                continue
            if owner.committed(other) is not None:
                raise UnsupportedError(
                    f"rows were read into it by the cursor '{other}' before, and the run has "
                    f"'{each.cursors.stream}': the same rows would come again",
                    remedy="Keep the asset's partitions as they were, or write another table.",
                    table=owner.name,
                )


def _overlap(stream: str, other: str, whole: str) -> bool:
    spans = [name.removeprefix(whole).removeprefix("@").partition("-") for name in (stream, other)]
    (start, _, end), (other_start, _, other_end) = spans
    # The stream of a consumer without partitions is of all time.
    return not (start and other_start) or (start < other_end and other_start < end)
