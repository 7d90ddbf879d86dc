"""A meter: what one step of a run, or one look of a sensor, asks of S3, and how long its phases take."""

from __future__ import annotations

import itertools
import time
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from s3_assets.metrics.usage import Usage
from s3_assets.metrics.user_agent import Asker, user_agent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from s3_assets.metrics.request import Request
    from s3_assets.metrics.usage import Count

Counted = tuple[dict[tuple[str, str], "Count"], list["Request"]]
"""Sums, and the requests themselves, as far as they are kept."""

_MOST_PHASES = 1_000


class Phase(NamedTuple):
    """A part of the work: plan, write, audit, commit."""

    name: str
    began: float
    """Seconds since 1970."""
    seconds: float


@dataclass
class Meter:
    """Counts on behalf of one asker, from any thread.

    `everything`: requests of engines that tell nothing of them go over the gateway on loopback, which counts
    them. `keep`: so many single requests are kept, for traces. `tells`: the User-Agent names the asker.
    """

    asker: Asker = field(default_factory=Asker)
    everything: bool = False
    keep: int = 0
    tells: bool = True
    usage: Usage = field(default_factory=Usage)
    requests: list[Request] = field(default_factory=list)
    phases: list[Phase] = field(default_factory=list)
    unseen: set[str] = field(default_factory=set)
    """Engines that were used, and tell nothing of their requests."""
    number: int = field(default_factory=itertools.count(1).__next__)
    """Another one for each meter of the process."""
    _under_way: list[str] = field(default_factory=list)
    _elsewhere: dict[object, Callable[[], Counted]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def note(self, request: Request) -> None:
        """Count a request."""
        self.usage.add(request)
        with self._lock:
            if len(self.requests) < self.keep:
                self.requests.append(request)

    def also(self, name: object, take: Callable[[], Counted]) -> None:
        """Have requests counted that pass elsewhere; `take` returns them, and forgets them."""
        with self._lock:
            self._elsewhere.setdefault(name, take)

    def collect(self) -> None:
        """Fetch what was counted elsewhere."""
        with self._lock:
            sources = list(self._elsewhere.values())
        for take in sources:
            counts, requests = take()
            self.usage.merge(counts)
            with self._lock:
                self.requests += requests[: max(self.keep - len(self.requests), 0)]

    def begin_anew(self) -> None:
        """Forget what was counted; what passes elsewhere goes on to be fetched."""
        with self._lock:
            self.usage, self.requests, self.phases, self.unseen = Usage(), [], [], set()

    def used(self, engine: str) -> None:
        """Take down that an engine is used which tells nothing of its requests."""
        with self._lock:
            self.unseen.add(engine)

    @property
    def user_agent(self) -> str | None:
        """Who asks, for the server; None: it is not to be told."""
        return user_agent(self.asker) if self.tells else None

    @property
    def asks_once(self) -> bool:
        """Whether nobody asks by this name again: that of a run's step, or of a gateway of its own."""
        return self.everything or (self.tells and bool(self.asker.run))

    @contextmanager
    def active(self) -> Iterator[Meter]:
        """Count what is asked in the block: by this thread, its pools, and threads that know no meter."""
        token = _current.set(self)
        with _lock:
            _active.append(self)
        try:
            yield self
        finally:
            with _lock:
                _active.remove(self)
            _current.reset(token)

    def phase_begun(self, name: str) -> None:
        """Take down what is under way."""
        with self._lock:
            self._under_way.append(name)

    @property
    def under_way(self) -> str:
        """The phase that was begun last of those that have not ended, or nothing."""
        with self._lock:
            return self._under_way[-1] if self._under_way else ""

    def phase_ended(self, phase: Phase) -> None:
        """Take down a part of the work that has ended."""
        with self._lock:
            if phase.name in self._under_way:
                self._under_way.remove(phase.name)
            if len(self.phases) < _MOST_PHASES:
                self.phases.append(phase)

    def seconds_by_phase(self) -> dict[str, float]:
        """Return the seconds of each phase, in the order in which they were first met."""
        with self._lock:
            phases = list(self.phases)
        found: dict[str, float] = {}
        for each in phases:
            found[each.name] = found.get(each.name, 0.0) + each.seconds
        return found


_current: ContextVar[Meter | None] = ContextVar("s3_assets_meter", default=None)
_active: list[Meter] = []
_lock = Lock()


def current() -> Meter | None:
    """Return the meter of this context.

    A thread of a library knows none: there it is the only one that is active in the process, if it is.
    """
    found = _current.get()
    if found is not None:
        return found
    with _lock:
        # Equal meters are not one: they are told apart by what they are, not by what they hold.
        different = {id(each): each for each in _active}
    return next(iter(different.values())) if len(different) == 1 else None


@contextmanager
def phase(name: str) -> Iterator[None]:
    """Take down how long the block took; nothing without a meter."""
    meter = current()
    if meter is None:
        yield
        return
    began, started = time.time(), time.monotonic()
    meter.phase_begun(name)
    try:
        yield
    finally:
        meter.phase_ended(Phase(name, began, time.monotonic() - started))
