"""The same rows exported as one file, by several; and our peak memory as they grow to four times as many."""

import os
import re
from dataclasses import dataclass
from statistics import median

import obstore
from isal import isal_zlib

from benchmarks import child, data, exporters, rivals_environment
from benchmarks.ground import Ground
from benchmarks.speed import MEGABYTE, OURS, Run, memory_of_growth

KINDS = ("parquet", "csv.gz")
_SOURCE, _TARGET = "exported/", "exports/"
_POLARS, _QUICK, _DUCKDB = "Polars", "Polars, gzip level 1", "DuckDB"
_GZIP = 16 + isal_zlib.MAX_WBITS


@dataclass(frozen=True)
class Contestant:
    name: str
    call: str
    libraries: tuple[str, ...]
    foreign: bool = False


def contestants(kind: str, *, rivals: bool) -> list[Contestant]:
    found = [
        Contestant(OURS, "benchmarks.exporters:ours", exporters.LIBRARIES),
        Contestant(_POLARS, "benchmarks.exporters:polars", ("polars",)),
    ]
    if kind == "csv.gz":
        found.append(Contestant(_QUICK, "benchmarks.exporters:polars_quick", ("polars",)))
    if rivals:
        libraries = ("duckdb", "duckdb_ext")
        found.append(Contestant(_DUCKDB, "benchmarks.rival_exporter:duckdb", libraries, foreign=True))
    return found


def compare(ground: Ground, total: int, repeat: int, *, rivals: bool) -> list[str]:
    """Speed of all, then the memory of ours."""
    _, memory = data.fill(ground.store, f"{_SOURCE}x1/", total)
    print(f"exports: {total:,} rows, {memory / 1e9:.2f} GB in memory", flush=True)
    tables = [_speed(ground, kind, total, memory, repeat, rivals=rivals) for kind in KINDS]
    data.copy(ground.store, f"{_SOURCE}x1/", f"{_SOURCE}x4/", 4)
    tables += [_growth(ground, kind, total, repeat) for kind in KINDS]
    ground.clear(_SOURCE)
    return tables


def _speed(ground: Ground, kind: str, total: int, memory: float, repeat: int, *, rivals: bool) -> str:
    entered = contestants(kind, rivals=rivals)
    runs: dict[str, list[Run]] = {each.name: [] for each in entered}
    for number in range(repeat):
        start = number % len(entered)
        for each in entered[start:] + entered[:start]:
            runs[each.name].append(_run(ground, each, kind, "x1/", total))
    seconds = {name: median(each.seconds for each in found) for name, found in runs.items()}
    fastest = min(each for name, each in seconds.items() if name != OURS)
    lines = [
        f"{kind}: {total:,} rows, {memory / 1e9:.2f} GB in memory, into one file, {repeat} runs each:",
        "",
        "| | median s | best s | processor s | peak MB | written MB |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {name} | {seconds[name]:.1f} | {min(each.seconds for each in found):.1f} | "
        f"{median(each.processor for each in found):.1f} | "
        f"{median(each.peak for each in found) / MEGABYTE:.0f} | {found[0].stored / MEGABYTE:.0f} |"
        for name, found in runs.items()
    ]
    lines += ["", f"s3-assets takes {seconds[OURS] / fastest:.2f} x the time of the fastest of the others."]
    return "\n".join(lines)


def _growth(ground: Ground, kind: str, total: int, repeat: int) -> str:
    mine = contestants(kind, rivals=False)[0]
    return memory_of_growth(
        f"the same export, {kind},",
        lambda times: _run(ground, mine, kind, f"x{times}/", total * times),
        (1, 4),
        total,
        repeat,
    )


def _run(ground: Ground, contestant: Contestant, kind: str, size: str, total: int) -> Run:
    """One export in a process of its own; what it wrote is counted here."""
    done = child.run(
        contestant.call,
        {"place": ground.place, "kind": kind, "source": _SOURCE + size, "target": _TARGET},
        libraries=contestant.libraries,
        python=rivals_environment.python() if contestant.foreign else None,
    )
    stored, rows = _found(ground, kind)
    if rows != total:
        raise RuntimeError(f"{contestant.name} wrote {rows:,} rows of {total:,}")
    ground.clear(_TARGET)
    print(f"  {contestant.name}, {kind}: {done.seconds:.1f} s, {done.peak / MEGABYTE:.0f} MB", flush=True)
    os.sync()
    return Run(done.seconds, done.processor, done.peak, stored)


def _found(ground: Ground, kind: str) -> tuple[int, int]:
    """Return the bytes of the file that was written, and its rows."""
    items = [item for chunk in obstore.list(ground.store, _TARGET) for item in chunk]
    (file,) = [item for item in items if re.search(rf"rows\.{re.escape(kind)}$", item["path"])]
    if kind == "parquet":
        return file["size"], _footer_rows(ground, file["path"])
    lines, unpacker = 0, isal_zlib.decompressobj(_GZIP)
    for chunk in obstore.get(ground.store, file["path"]).stream():
        left = bytes(chunk)
        while left:
            lines += unpacker.decompress(left).count(b"\n")
            left = unpacker.unused_data
            if unpacker.eof:
                unpacker = isal_zlib.decompressobj(_GZIP)
    return file["size"], lines - 1


def _footer_rows(ground: Ground, path: str) -> int:
    import polars as pl

    from benchmarks.ground import BUCKET

    rows = pl.scan_parquet(f"s3://{BUCKET}/{path}", storage_options=ground.options).select(pl.len())
    return int(rows.collect().item())
