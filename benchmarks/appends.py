"""Time for each row of an incremental append from a Delta table into another one."""

import os
import tempfile
from statistics import median

import obstore
import polars as pl
from deltalake import write_deltalake

from benchmarks import appenders, child, data, rivals_environment
from benchmarks.ground import BUCKET, Ground
from benchmarks.speed import MEGABYTE, OURS

BASE_ROWS = 10_000
COMMITS = 20
_BASE, _GROWN, _SOURCE, _TARGET = "base/", "grown/", "source/", "appended/"
_BY_HAND = "load_cdf, write_deltalake"
_DLT = "dlt"


def compare(ground: Ground, total: int, repeat: int, *, rivals: bool) -> str:
    """Append `total` rows, in 20 commits, that came since the last run of each."""
    make_sources(ground, total, _BASE, _GROWN)
    names = [OURS, _BY_HAND, *([_DLT] if rivals else [])]
    runs: dict[str, list[child.Run]] = {name: [] for name in names}
    for number in range(repeat):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            runs[name].append(_run(ground, name, total))
    seconds = {name: median(each.seconds for each in found) for name, found in runs.items()}
    lines = [
        f"{total:,} new rows in {COMMITS} commits of a Delta table, appended to another, {repeat} runs each:",
        "",
        "| | median s | best s | µs for a row | x by hand | processor s | peak MB |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {name} | {seconds[name]:.2f} | {min(each.seconds for each in found):.2f} | "
        f"{seconds[name] / total * 1e6:.2f} | {seconds[name] / seconds[_BY_HAND]:.2f} | "
        f"{median(each.processor for each in found):.1f} | "
        f"{median(each.peak for each in found) / MEGABYTE:.0f} |"
        for name, found in runs.items()
    ]
    return "\n".join(lines)


def make_sources(ground: Ground, total: int, base: str, grown: str) -> None:
    """A table as it was at the last run, and the same table with what came since."""
    each = total // COMMITS
    for number in range(COMMITS + 1):
        start, count = (0, BASE_ROWS) if number == 0 else (BASE_ROWS + (number - 1) * each, each)
        write_deltalake(
            f"s3://{BUCKET}/{grown}",
            data.rows(start, count, BASE_ROWS + total),
            mode="append",
            configuration={"delta.enableChangeDataFeed": "true"},
            storage_options=ground.options,
        )
        if number == 0:
            copy(ground, grown, base)


def _run(ground: Ground, name: str, total: int) -> child.Run:
    """Run it once for the base, let the source grow, and measure the second run."""
    with tempfile.TemporaryDirectory(prefix="append-") as folder:
        copy(ground, _BASE, _SOURCE)
        _call(ground, name, folder)
        copy(ground, _GROWN, _SOURCE)
        found = _call(ground, name, folder)
    url = f"s3://{BUCKET}/{_TARGET}{'rows' if name == _DLT else ''}"
    rows = pl.scan_delta(url, storage_options=ground.options).select(pl.len()).collect().item()
    if rows != BASE_ROWS + total // COMMITS * COMMITS:
        message = f"{name} left {rows:,} rows"
        raise RuntimeError(message)
    ground.clear(_TARGET)
    ground.clear(_SOURCE)
    print(f"  {name}: {found.seconds:.2f} s, {found.peak / MEGABYTE:.0f} MB", flush=True)
    os.sync()
    return found


def _call(ground: Ground, name: str, folder: str) -> child.Run:
    given = {"place": ground.place, "source": _SOURCE, "target": _TARGET, "state": folder}
    if name == _DLT:
        return child.run(
            "benchmarks.rival_appender:dlt",
            given,
            libraries=("deltalake", "dlt", "pyarrow"),
            python=rivals_environment.python(),
        )
    function = appenders.ours if name == OURS else appenders.by_hand
    return child.run(f"benchmarks.appenders:{function.__name__}", given, libraries=appenders.LIBRARIES)


def copy(ground: Ground, source: str, target: str) -> None:
    for chunk in list(obstore.list(ground.store, source)):
        for item in chunk:
            obstore.copy(ground.store, item["path"], target + item["path"].removeprefix(source))
