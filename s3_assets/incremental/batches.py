"""A catch-up of any size, cut into commits of a chosen size: each exactly once, resumed where it stopped."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from s3_assets.errors import SettingError
from s3_assets.incremental.append import append_new

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import polars as pl

    from s3_assets.engines.engine import Engine
    from s3_assets.incremental.gaps import OnGap
    from s3_assets.incremental.outcome import Outcome
    from s3_assets.progress import Progress
    from s3_assets.tables.positions import Limit
    from s3_assets.tables.table import Table


def append_in_batches(
    target: Table[Any],
    stream: str,
    source: Table[Any],
    *,
    limit: Limit | None,
    max_batches: int | None = None,
    transform: Callable[[pl.LazyFrame], pl.LazyFrame] | None = None,
    notes: Mapping[str, str] | None = None,
    progress: Progress | None = None,
    on_gap: OnGap = "fail",
    engine: Engine | None = None,
) -> Outcome:
    """Append what is new, a commit for each batch, until nothing is left or there are `max_batches`.

    Returns what all of them did together. What was committed before an error stays, and the next run goes on
    behind it. Raises what `append_new` raises.
    """
    found: Outcome | None = None
    for each in batches(
        target,
        stream,
        source,
        limit=limit,
        max_batches=max_batches,
        transform=transform,
        notes=notes,
        progress=progress,
        on_gap=on_gap,
        engine=engine,
    ):
        found = each if found is None else found.then(each)
    if found is None:
        raise SettingError("a run of no batches was asked for", remedy="Let max_batches be at least 1.")
    if found.plan.more:
        told = f"{found.batches:,} batches were read (max_batches), and there is more: the next run goes on"
        return replace(found, notes=(*found.notes, told))
    return found


def batches(
    target: Table[Any],
    stream: str,
    source: Table[Any],
    *,
    limit: Limit | None,
    max_batches: int | None = None,
    transform: Callable[[pl.LazyFrame], pl.LazyFrame] | None = None,
    notes: Mapping[str, str] | None = None,
    progress: Progress | None = None,
    on_gap: OnGap = "fail",
    engine: Engine | None = None,
) -> Iterator[Outcome]:
    """Append what is new batch by batch, and yield what each did once it is committed."""
    count = 0
    while max_batches is None or count < max_batches:
        outcome = append_new(
            target,
            stream,
            source,
            transform=transform,
            notes=notes,
            progress=progress,
            limit=limit,
            on_gap=on_gap,
            engine=engine,
        )
        count += 1
        yield outcome
        if outcome.nothing_new or not outcome.plan.more:
            return
        if progress is not None and progress.show is not None:
            progress.show(f"{progress.line()}, {count:,} commits, more to come")
