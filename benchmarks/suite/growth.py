"""The same job on 1 to 16 times the rows: how seconds, peak memory, requests and bytes grow."""

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import child
from benchmarks.ground import Ground
from benchmarks.suite.homes import Home
from benchmarks.suite.job import Contestant, Job, Kind, Traffic

# Who takes longer than that for a size is not asked for the next.
PATIENCE_SECONDS = 25.0


@dataclass(frozen=True)
class Point:
    """`peak` is bytes; `traffic` is counted in a run of its own, of s3-assets alone."""

    times: int
    rows: int
    seconds: float
    peak: int
    traffic: Traffic | None = None


@dataclass(frozen=True)
class Curve:
    job: str
    contestant: str
    points: list[Point]


def measure(
    ground: Ground,
    jobs: Sequence[Job],
    size: float,
    times: Sequence[int],
    *,
    rivals: bool,
    say: Callable[[str], None],
) -> list[Curve]:
    """Run everyone once for each size, which is a multiple of `size`."""
    curves: list[Curve] = []
    for job in jobs:
        entered = [each for each in job.contestants() if rivals or each.home == Home.PROJECT]
        mine = {each.name: Curve(job.name, each.name, []) for each in entered}
        for each in times:
            job.fill(ground, size * each)
            say(f"{job.name}, {each} x: {job.what}")
            if each == times[0]:
                entered = [_loaded(ground, job, contestant) for contestant in entered]
            for contestant in list(entered):
                point = _point(ground, job, contestant, each, say)
                if point is not None:
                    mine[contestant.name].points.append(point)
                if point is None or point.seconds > PATIENCE_SECONDS:
                    entered.remove(contestant)
            job.clear(ground)
        curves += mine.values()
    return curves


def _loaded(ground: Ground, job: Job, contestant: Contestant) -> Contestant:
    """Run once that nothing is imported in the time of a first point; its failure is told by that point."""
    with tempfile.TemporaryDirectory(prefix="growth-") as folder:
        try:
            return contestant.after(job.execute(contestant, job.arguments(ground, contestant, Path(folder))))
        except child.ChildFailedError:
            return contestant
        finally:
            job.after(ground)


def _point(
    ground: Ground, job: Job, contestant: Contestant, times: int, say: Callable[[str], None]
) -> Point | None:
    with tempfile.TemporaryDirectory(prefix="growth-") as folder:
        try:
            done = job.execute(contestant, job.arguments(ground, contestant, Path(folder)))
            job.verify(ground, contestant, done.answer)
            traffic = _counted(ground, job, contestant, Path(folder))
        except (child.ChildFailedError, RuntimeError) as error:
            say(f"  {contestant.name} failed: {error}")
            return None
        finally:
            job.after(ground)
            os.sync()
    say(f"  {contestant.name}: {done.seconds:.2f} s, {done.peak / 1e6:.0f} MB")
    return Point(times, getattr(job, "total", 0), done.seconds, done.peak, traffic)


def _counted(ground: Ground, job: Job, contestant: Contestant, folder: Path) -> Traffic | None:
    if contestant.kind != Kind.OURS:
        return None
    # What the timed run left would be in its way.
    job.after(ground)
    return job.count(ground, contestant, folder)[1]


def markdown(curves: Sequence[Curve]) -> str:
    """Seconds and MB of each size, one line for each contestant."""
    tables = []
    for name in dict.fromkeys(each.job for each in curves):
        mine = [each for each in curves if each.job == name and each.points]
        sizes = sorted({(point.times, point.rows) for each in mine for point in each.points})
        lines = [
            f"### Growth: {name}",
            "",
            f"| s, peak MB | {' | '.join(f'{times} x, {rows:,} rows' for times, rows in sizes)} |",
            "|---|" + "---:|" * len(sizes),
        ]
        for each in mine:
            there = {point.times: f"{point.seconds:.1f}, {point.peak / 1e6:.0f}" for point in each.points}
            lines.append(_line(each.contestant, there, sizes))
            told = {
                point.times: f"{point.traffic.requests:,}, {point.traffic.received / 1e6:.0f}, "
                f"{point.traffic.sent / 1e6:.0f}"
                for point in each.points
                if point.traffic
            }
            if told:
                lines.append(_line(f"{each.contestant}: requests, MB in, MB out", told, sizes))
        tables.append("\n".join(lines))
    return "\n\n".join(tables)


def _line(name: str, there: Mapping[int, str], sizes: Sequence[tuple[int, int]]) -> str:
    return f"| {name} | {' | '.join(there.get(times, '') for times, _ in sizes)} |"
