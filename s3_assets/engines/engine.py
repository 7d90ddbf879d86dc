"""The seam: rows on their way, as a frame that this process runs and as a recipe that others can follow.

An engine runs one job on each portion of a plan, wherever it has workers. What it sends them is a recipe of
declared things: portions, steps, a job; never a frame, which holds keys to the bucket.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Generic, NamedTuple, Self, TypeVar

from s3_assets.errors import UnsupportedError
from s3_assets.tables.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import polars as pl

    from s3_assets.engines.sums import Sums
    from s3_assets.progress import Progress
    from s3_assets.tables.portions import Cut
    from s3_assets.tables.table import Plan

Result = TypeVar("Result")


class Step(ABC):
    """What is done to rows, to each of them by itself; it can be pickled, and holds no secret."""

    @abstractmethod
    def __call__(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Return the rows with it done to them."""

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Run the rows inside: what it raised while they were read is raised as it was."""
        yield


class Share(NamedTuple):
    """Which of a plan's portions it is, from 0 on, and how many there are."""

    number: int
    of: int


class Job(ABC, Generic[Result]):
    """What is done with the rows of one portion; it can be pickled, and so can its result."""

    @abstractmethod
    def __call__(self, share: Share, frame: pl.LazyFrame, progress: Progress) -> Result:
        """Do it with the rows of one share of the plan.

        It may be done twice for one portion, if a worker is lost: each time it has to write to other places.
        """


@dataclass(frozen=True)
class Ran(Generic[Result]):
    """What became of the jobs: their results in the order of the portions, and how many workers were lost."""

    results: tuple[Result, ...]
    lost: int = 0
    """So many jobs were done again: what their workers had written until then is nobody's."""


@dataclass(frozen=True)
class Rows:
    """Rows on their way into files."""

    frame: pl.LazyFrame
    engine: Engine | None = None
    """Who runs them; None: Polars, in this process."""
    cut: Cut | None = field(default=None, compare=False)
    """Cuts the plan that they are read by; None: it cannot be cut."""
    steps: tuple[Step, ...] = ()
    """What was done to the plan's rows, in this order."""
    of_plan: Reading = field(default_factory=Reading)
    """What reading the plan's rows meets with."""

    @classmethod
    def of(cls, rows: pl.LazyFrame | Rows) -> Rows:
        """Return a frame that is run in this process, or rows as they are."""
        return rows if isinstance(rows, Rows) else cls(rows)

    @classmethod
    def planned(
        cls,
        plan: Plan,
        transform: Callable[[pl.LazyFrame], pl.LazyFrame] | None = None,
        engine: Engine | None = None,
        frame: pl.LazyFrame | None = None,
    ) -> Rows:
        """Return the rows of a plan with something done to them; `frame` (left out: the plan's) reads them.

        Raises `UnsupportedError` if an engine is to do something that is no `Step`.
        """
        rows = cls(plan.frame if frame is None else frame, engine, plan.cut, (), plan.reading)
        if transform is None:
            return rows
        if isinstance(transform, Step):
            return rows.then(transform)
        if engine is not None:
            raise UnsupportedError(
                f"{engine.name} cannot be sent what is done to the rows",
                remedy="Declare it as filters and placement, or leave the engine out.",
            )
        return replace(rows, frame=transform(rows.frame))

    def then(self, step: Step) -> Self:
        """Return the rows with a step done to them."""
        return replace(self, frame=step(self.frame), steps=(*self.steps, step))


class Engine(ABC):
    """Workers that follow recipes."""

    name: str
    """What messages call it."""

    @abstractmethod
    def run(self, rows: Rows, job: Job[Result], progress: Progress | None = None) -> Ran[Result]:
        """Have the job done with each portion of rows that can be cut; `progress` counts what all do.

        What a worker raised is raised here as it was, and nothing of the job runs any more then. A worker
        that is lost is replaced, a few times.
        """

    @abstractmethod
    def uneven(self, states: Sequence[Rows], sums: Sums, most: int | None = None) -> pl.DataFrame:
        """Return what `Sums.uneven` says, of rows that can be cut."""
