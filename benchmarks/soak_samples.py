"""What a process holds, as its kernel tells it, and whether that grows."""

from __future__ import annotations

import math
import statistics
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.soak_workers import in_session

if TYPE_CHECKING:
    from collections.abc import Sequence

WARM_UP = 0.25
"""The share of the samples that are left out: libraries are loaded, pools and caches are filled."""
FLAT = 0.05
"""A quantity is flat if its trend adds less than this share of it between warm-up and end."""
MEASURES = {
    "rss": "resident memory, MB",
    "pss": "memory by its share (PSS), MB",
    "helpers": "memory of what it started (PSS), MB",
    "handles": "file handles",
    "sockets": "sockets among them",
    "threads": "threads",
    "processes": "processes that it started",
    "temporary": "temporary files",
}


@dataclass(frozen=True)
class Sample:
    """One moment between two rounds; memory in megabytes."""

    round: int
    runs: int
    rss: float
    pss: float
    helpers: float
    handles: int
    sockets: int
    threads: int
    processes: int
    temporary: int

    @property
    def values(self) -> dict[str, float]:
        return asdict(self)


@dataclass(frozen=True)
class Trend:
    """A line through samples (Theil and Sen): its slope for 100 runs, and the bounds of 95 %."""

    first: float
    last: float
    slope: float
    low: float
    high: float
    added: float
    """What the line adds from the first sample behind the warm-up to the last."""

    @property
    def flat(self) -> bool:
        """Whether nothing grows: the line may as well fall, or adds little."""
        return self.low <= 0 or self.added <= FLAT * self.first


def sample(pid: int, temporary: Path, number: int, runs: int) -> Sample:
    """Look at a process that waits for orders."""
    process = Path(f"/proc/{pid}")
    targets = []
    for each in (process / "fd").iterdir():
        try:
            targets.append(str(each.readlink()))
        except OSError:
            # Closed while the others were looked at.
            continue
    started = [each for each in in_session(pid) if each != pid]
    memory = _memory(pid)
    return Sample(
        round=number,
        runs=runs,
        rss=memory["Rss"],
        pss=memory["Pss"],
        helpers=sum(_memory(each)["Pss"] for each in started),
        handles=len(targets),
        sockets=sum(each.startswith("socket:") for each in targets),
        threads=len([*(process / "task").iterdir()]),
        processes=len(started),
        temporary=sum(1 for _ in temporary.rglob("*")),
    )


def trend(samples: Sequence[Sample], name: str) -> Trend | None:
    """Return the trend behind the warm-up; None of fewer than ten samples."""
    warm = [*samples][math.ceil(len(samples) * WARM_UP) :]
    if len(warm) < 10:
        return None
    points = [(each.runs, each.values[name]) for each in warm]
    slopes = sorted((b - a) / (y - x) for (x, a), (y, b) in combinations(points, 2) if y > x)
    tenth = max(len(points) // 10, 1)
    slope = statistics.median(slopes)
    # Sen, 1968: ranks around the middle, as far as Kendall's statistic varies by chance.
    spread = 1.96 * math.sqrt(len(points) * (len(points) - 1) * (2 * len(points) + 5) / 18)
    low = slopes[max(int((len(slopes) - spread) / 2), 0)]
    high = slopes[min(int((len(slopes) + spread) / 2), len(slopes) - 1)]
    return Trend(
        first=statistics.median(value for _, value in points[:tenth]),
        last=statistics.median(value for _, value in points[-tenth:]),
        slope=slope * 100,
        low=low * 100,
        high=high * 100,
        added=slope * (points[-1][0] - points[0][0]),
    )


def _memory(pid: int) -> dict[str, float]:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        # A helper that has just ended.
        lines = []
    told = {line.split(":")[0]: float(line.split()[1]) / 1000 for line in lines if line.endswith("kB")}
    return {"Rss": told.get("Rss", 0.0), "Pss": told.get("Pss", 0.0)}
