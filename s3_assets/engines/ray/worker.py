"""What a worker does with one portion. Nothing heavy is imported before the number of its threads is set."""

from __future__ import annotations

import os
import pickle
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from s3_assets.engines.engine import Job, Step
    from s3_assets.metrics import Asker, Count, Meter, Request
    from s3_assets.progress import Progress
    from s3_assets.tables.portions import Portion
    from s3_assets.tables.reading import Reading, Tally

# Of the rows that a worker writes: enough for whoever wants to see some of them.
_LOOKED_AT = 100


@dataclass(frozen=True)
class Recipe:
    """What is done with every portion of a plan, and who asks for it."""

    steps: tuple[Step, ...]
    job: Job[Any]
    meter: Asked | None
    counts: bool
    """Whether rows are counted on their way."""
    looks: bool
    """Whether some of them are to be seen."""

    def frame(self, portion: Portion, reading: Reading) -> pl.LazyFrame:
        """Return the rows of a portion with all steps done to them, lazily."""
        frame = portion.read(reading)
        for step in self.steps:
            frame = step(frame)
        return frame


@dataclass(frozen=True)
class Asked:
    """How requests are counted, as the driver's meter does it."""

    asker: Asker
    everything: bool
    keep: int
    tells: bool


@dataclass(frozen=True)
class Report:
    """What became of one portion: a result, or what was raised; and all that was counted on the way."""

    result: Any = None
    error: Exception | None = None
    tally: Tally | None = None
    rows: int = 0
    bytes: int = 0
    files: int = 0
    seen: tuple[pl.DataFrame, ...] = ()
    counts: dict[tuple[str, str], Count] = field(default_factory=dict)
    requests: tuple[Request, ...] = ()
    unseen: frozenset[str] = frozenset()


def begun_work(
    recipe: bytes, portion: bytes, share: tuple[int, int], threads: int
) -> Iterator[Report | None]:
    """Say that a worker has begun, by None; then do it, as `work` does."""
    yield None
    yield work(recipe, portion, share, threads)


def work(recipe: bytes, portion: bytes, share: tuple[int, int], threads: int) -> Report:
    """Do what the recipe says with a portion; an error is returned, so that it arrives as what it is."""
    os.environ.setdefault("POLARS_MAX_THREADS", str(threads))
    from s3_assets.engines.packing import unpack

    told: Recipe = unpack(recipe)
    meter = _meter(told.meter)
    seen: list[pl.DataFrame] = []
    progress = _progress(told, seen)
    result, error, tally = None, None, None
    with ExitStack() as active:
        if meter is not None:
            active.enter_context(meter.active())
        try:
            result, tally = _done(told, unpack(portion), share, progress)
        except Exception as raised:  # noqa: BLE001 - the driver raises it
            error = _portable(raised)
        if meter is not None:
            meter.collect()
    return Report(
        result,
        error,
        tally,
        progress.rows,
        progress.bytes,
        progress.files,
        tuple(seen),
        meter.usage.taken() if meter is not None else {},
        tuple(meter.requests) if meter is not None else (),
        frozenset(meter.unseen) if meter is not None else frozenset(),
    )


def _done(told: Recipe, portion: Portion, share: tuple[int, int], progress: Progress) -> tuple[Any, Tally]:
    from s3_assets.engines.engine import Share
    from s3_assets.tables.reading import Reading

    reading = Reading()
    with ExitStack() as steps:
        for step in told.steps:
            steps.enter_context(step.reading())
        return told.job(Share(*share), told.frame(portion, reading), progress), reading.tally


def _progress(told: Recipe, seen: list[pl.DataFrame]) -> Progress:
    from s3_assets.progress import Progress

    def look(rows: pl.DataFrame) -> None:
        if sum(each.height for each in seen) < _LOOKED_AT:
            # A copy: the head alone would keep the whole batch.
            seen.append(rows.head(_LOOKED_AT).clone())

    return Progress("slice", _nobody if told.counts else None, look=look if told.looks else None)


def _nobody(line: str) -> None:
    """Show it to nobody: the driver tells of all workers together."""


def _meter(asked: Asked | None) -> Meter | None:
    from s3_assets.metrics import Meter

    if asked is None:
        return None
    return Meter(asked.asker, everything=asked.everything, keep=asked.keep, tells=asked.tells)


def _portable(error: Exception) -> Exception:
    """Return an error that another process can read."""
    try:
        read = pickle.loads(pickle.dumps(error))  # noqa: S301 - made here
    except Exception:  # noqa: BLE001 - whatever its own code does
        read = None
    return error if type(read) is type(error) else RuntimeError(f"{type(error).__name__}: {error}")
