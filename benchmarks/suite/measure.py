"""Jobs, run side by side: each contestant in fresh processes, the order turned each time."""

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks import child
from benchmarks.ground import Ground
from benchmarks.suite import bare
from benchmarks.suite.homes import Home
from benchmarks.suite.job import Contestant, Job, Kind, Traffic

# What takes longer than that once says enough with one more run.
SLOW_SECONDS = 8.0
# Below that, what a job takes is not the bytes that it moves.
FEW_BYTES = 10_000_000


@dataclass
class Found:
    """All runs of one contestant; `failed` is the error that ended one of them."""

    contestant: Contestant
    runs: list[child.Run] = field(default_factory=list)
    traffic: Traffic | None = None
    failed: str = ""

    @property
    def best(self) -> float:
        return min(each.seconds for each in self.runs)

    @property
    def middle(self) -> float:
        return median(each.seconds for each in self.runs)

    @property
    def processor(self) -> float:
        return median(each.processor for each in self.runs)

    @property
    def peak(self) -> float:
        return median(each.peak for each in self.runs)


@dataclass
class Measured:
    """A job and what all took; `bare_seconds` is the best of a client that moves our bytes and no more."""

    job: Job
    found: list[Found]
    bare_seconds: float | None = None

    def of(self, kind: Kind) -> list[Found]:
        return [each for each in self.found if each.contestant.kind == kind and each.runs]

    def fastest(self, kind: Kind) -> Found | None:
        return min(self.of(kind), key=lambda each: each.best, default=None)

    @property
    def share(self) -> float | None:
        """Our bytes per second, of those of the bare client."""
        mine = self.fastest(Kind.OURS)
        return None if self.bare_seconds is None or mine is None else self.bare_seconds / mine.best

    @property
    def bound_by_server(self) -> bool:
        """Whether moving the bytes takes longer than our own work, shared by all processors."""
        mine = self.fastest(Kind.OURS)
        if self.bare_seconds is None or mine is None:
            return False
        return self.bare_seconds >= mine.processor / (os.cpu_count() or 1)


def run(
    ground: Ground, jobs: Sequence[Job], size: float, repeat: int, *, rivals: bool, say: Callable[[str], None]
) -> Iterator[Measured]:
    """Yield each job when all are done with it."""
    for job in jobs:
        started = time.monotonic()
        job.fill(ground, size)
        say(f"{job.name}: {job.what}")
        entered = [each for each in job.contestants() if rivals or each.home == Home.PROJECT]
        with ExitStack() as folders:
            measured = _run(ground, job, entered, repeat, folders, say)
        job.clear(ground)
        say(f"  {time.monotonic() - started:.0f} s in all")
        yield measured


def _run(
    ground: Ground,
    job: Job,
    entered: Sequence[Contestant],
    repeat: int,
    folders: ExitStack,
    say: Callable[[str], None],
) -> Measured:
    found = [Found(each) for each in entered]
    places = {
        each.name: Path(folders.enter_context(tempfile.TemporaryDirectory(prefix="suite-")))
        for each in entered
    }
    for each in found:
        # The first run is not timed: it is counted, and brings the files into the server's memory.
        _attempt(ground, job, each, places[each.contestant.name], say, counted=True)
    measured = Measured(job, found)
    for number in range(repeat):
        running = [each for each in found if not each.failed]
        start = number % max(len(running), 1)
        for each in running[start:] + running[:start]:
            if not (each.runs and each.best > SLOW_SECONDS):
                _attempt(ground, job, each, places[each.contestant.name], say, counted=False)
        _bare(ground, measured, say)
    for each in found:
        job.end(ground, each.contestant)
    return measured


def _attempt(
    ground: Ground, job: Job, found: Found, folder: Path, say: Callable[[str], None], *, counted: bool
) -> None:
    who = found.contestant
    try:
        if counted:
            job.begin(ground, who, folder)
        job.before(ground, who, folder)
        if counted:
            done, found.traffic = job.count(ground, who, folder)
            found.contestant = who.after(done)
        else:
            done = job.execute(who, job.arguments(ground, who, folder))
            found.runs.append(done)
        job.verify(ground, who, done.answer)
    except (child.ChildFailedError, RuntimeError) as error:
        found.failed = str(error).strip().splitlines()[-1][:200]
        found.runs.clear()
        say(f"  {who.name} failed: {error}")
    else:
        told = "counted" if counted else f"{done.seconds:.2f} s"
        say(f"  {who.name}: {told}, {done.peak / 1e6:.0f} MB")
    job.after(ground)
    # What is written has to reach the disk: the next one must not pay for it.
    os.sync()


def _bare(ground: Ground, measured: Measured, say: Callable[[str], None]) -> None:
    mine = next((each for each in measured.found if each.contestant.kind == Kind.OURS), None)
    if mine is None or mine.traffic is None or not measured.job.source:
        return
    received, sent = mine.traffic.received, mine.traffic.sent
    if received + sent < FEW_BYTES:
        return
    done = child.run(
        "benchmarks.suite.bare:move",
        {"place": ground.place, "source": measured.job.source, "received": received, "sent": sent},
        libraries=bare.LIBRARIES,
    )
    if done.answer != received + sent:
        raise RuntimeError(f"the bare client moved {done.answer:,} bytes of {received + sent:,}")
    ground.clear(bare.TARGET)
    os.sync()
    say(f"  a bare client: {done.seconds:.2f} s")
    measured.bare_seconds = min(done.seconds, measured.bare_seconds or done.seconds)
