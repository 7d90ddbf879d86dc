"""Time and peak memory of one import, each run in a fresh process, the order turned each time."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import polars as pl

from benchmarks import child
from benchmarks.contestants import CONTESTANTS, LIBRARIES
from benchmarks.ground import BUCKET, Ground

TARGET = "target/"
OURS = "s3-assets"
MEGABYTE = 1e6


@dataclass(frozen=True)
class Run:
    seconds: float
    processor: float
    peak: int
    stored: int


def run(ground: Ground, name: str, source: str, total: int) -> Run:
    """One contestant in a process of its own; the rows are counted by Polars alone."""
    result = child.run(
        f"benchmarks.contestants:{CONTESTANTS[name].__name__}",
        {"place": ground.place, "source": source, "target": TARGET},
        libraries=LIBRARIES,
    )
    found = pl.scan_delta(f"s3://{BUCKET}/{TARGET}", storage_options=ground.options)
    rows = found.select(pl.len()).collect().item()
    if rows != total:
        message = f"{name} wrote {rows:,} rows of {total:,}"
        raise RuntimeError(message)
    stored = ground.clear(TARGET)
    print(f"  {name}: {result.seconds:.1f} s, {result.peak / MEGABYTE:.0f} MB", flush=True)
    # What is written has to reach the disk: the next one must not pay for it.
    os.sync()
    return Run(result.seconds, result.processor, result.peak, stored)


def compare(ground: Ground, source: str, total: int, memory: float, repeat: int) -> str:
    """All contestants on the same source."""
    runs: dict[str, list[Run]] = {name: [] for name in CONTESTANTS}
    names = list(CONTESTANTS)
    for number in range(repeat):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            runs[name].append(run(ground, name, source, total))
    best = {name: min(each.seconds for each in found) for name, found in runs.items()}
    middle = {name: median(each.seconds for each in found) for name, found in runs.items()}
    rival_best = min(seconds for name, seconds in best.items() if name != OURS)
    rival_middle = min(seconds for name, seconds in middle.items() if name != OURS)
    lines = [
        f"{total:,} rows, {memory / 1e9:.2f} GB in memory, into 14 date partitions, {repeat} runs each:",
        "",
        "| | best s | median s | processor s | peak MB | written MB |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {name} | {best[name]:.1f} | {middle[name]:.1f} | "
        f"{median(each.processor for each in found):.1f} | "
        f"{median(each.peak for each in found) / MEGABYTE:.0f} | {found[0].stored / MEGABYTE:.0f} |"
        for name, found in runs.items()
    ]
    ratios = f"{best[OURS] / rival_best:.2f} x (best) and {middle[OURS] / rival_middle:.2f} x (median)"
    lines += ["", f"s3-assets takes {ratios} the time of the faster script."]
    return "\n".join(lines)


def growth(ground: Ground, total: int, repeat: int) -> str:
    """Our peak memory as the data grow."""
    return memory_of_growth(
        "the same import",
        lambda times: run(ground, OURS, f"x{times}/", total * times),
        (1, 2, 4),
        total,
        repeat,
    )


def memory_of_growth(
    what: str, once: Callable[[int], Run], sizes: Sequence[int], total: int, repeat: int
) -> str:
    """The peak memory of what is done once for each size, a multiple of `total` rows."""
    runs: dict[int, list[Run]] = {times: [] for times in sizes}
    for number in range(repeat):
        for times in sorted(runs, reverse=bool(number % 2)):
            runs[times].append(once(times))
    peaks = {times: median(each.peak for each in found) for times, found in runs.items()}
    lines = [
        f"Peak memory of {what} as the data grow, median of {repeat}:",
        "",
        "| data | rows | s | peak MB | all MB |",
        "|---:|---:|---:|---:|---|",
    ]
    lines += [
        f"| {times} x | {total * times:,} | {median(each.seconds for each in found):.1f} | "
        f"{peaks[times] / MEGABYTE:.0f} | {', '.join(f'{each.peak / MEGABYTE:.0f}' for each in found)} |"
        for times, found in runs.items()
    ]
    lines += ["", f"From 1 x to 4 x it grows by {(peaks[4] / peaks[1] - 1) * 100:.0f} %."]
    return "\n".join(lines)
