"""A full scan to a count and a sum, of every format: s3-assets beside other ways to read the same files."""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

from benchmarks import child, ours, rivals_environment
from benchmarks.formats import Filled, fill
from benchmarks.ground import Ground
from tests.support.proxy import RequestProxy

OURS = "s3-assets"
MEGABYTE = 1e6
_CLOSE = 1e-9


@dataclass(frozen=True)
class Contestant:
    name: str
    call: str
    libraries: tuple[str, ...] = ()
    foreign: bool = False
    once: bool = False
    """Slow enough that one run says all."""


DUCKDB = Contestant("DuckDB", "benchmarks.rivals:duckdb", ("duckdb", "duckdb_ext"), foreign=True)


def contestants(kind: str) -> list[Contestant]:
    mine = Contestant(OURS, "benchmarks.ours:scan", (*ours.LIBRARIES, *ours.ENGINES.get(kind, ())))
    if kind == "avro":
        by_hand = [
            Contestant("polars-avro", "benchmarks.by_hand:polars_avro", ("polars", "polars_avro", "obstore")),
            Contestant("fastavro", "benchmarks.by_hand:fastavro", ("fastavro", "obstore"), once=True),
        ]
    else:
        engines = ours.ENGINES.get(kind, ())
        by_hand = [Contestant("Polars", "benchmarks.by_hand:polars", ("polars", "obstore", *engines))]
    if kind == "iceberg":
        libraries = (*ours.ENGINES[kind], "pyarrow.compute")
        by_hand.append(Contestant("PyIceberg", "benchmarks.by_hand:pyiceberg", libraries))
    return [mine, *by_hand, DUCKDB]


@dataclass(frozen=True)
class Traffic:
    requests: int
    bytes: int


def compare(
    ground: Ground,
    kind: str,
    megabytes: float,
    repeat: int,
    *,
    rivals: bool,
    named: tuple[str, ...] = ("",),
) -> str:
    """Contestants whose names have one of these, on the same table, as the rows of one Markdown table."""
    path = f"scan_{kind}"
    filled = fill(ground, kind, path, megabytes)
    told = {"place": ground.place, "kind": kind, "path": path}
    print(f"{kind}: {filled.rows:,} rows, {filled.bytes / MEGABYTE:,.0f} MB", flush=True)
    entered = [
        each
        for each in contestants(kind)
        if (rivals or not each.foreign) and any(name in each.name for name in named)
    ]
    failed: dict[str, str] = {}
    traffic: dict[str, Traffic] = {}
    runs: dict[str, list[child.Run]] = {each.name: [] for each in entered}
    for each in entered:
        # The first run is not timed: it is counted, and brings the files into the server's memory.
        try:
            traffic[each.name] = _counted(ground, each, told, filled)
        except child.ChildFailedError as error:
            failed[each.name] = str(error).strip().splitlines()[-1]
            print(f"  {each.name} failed: {error}", flush=True)
    running = [each for each in entered if each.name not in failed]
    for number in range(repeat):
        start = number % len(running)
        for each in running[start:] + running[:start]:
            if not (each.once and runs[each.name]):
                runs[each.name].append(_run(each, told, filled))
    ground.clear(f"{path}/")
    return report(filled, entered, runs, traffic, failed)


def _run(contestant: Contestant, told: Mapping[str, object], filled: Filled) -> child.Run:
    done = child.run(
        contestant.call,
        told,
        libraries=contestant.libraries,
        python=rivals_environment.python() if contestant.foreign else None,
    )
    rows, amount = done.answer
    if rows != filled.rows or abs(amount - filled.amount) > _CLOSE * abs(filled.amount):
        raise RuntimeError(f"{contestant.name} found {rows:,} rows and {amount}, not {filled}")
    print(f"  {contestant.name}: {done.seconds:.2f} s, {done.peak / MEGABYTE:.0f} MB", flush=True)
    return done


def _counted(ground: Ground, contestant: Contestant, told: Mapping[str, object], filled: Filled) -> Traffic:
    with RequestProxy(ground.endpoint) as proxy:
        _run(contestant, {**told, "place": ground.through(proxy.endpoint).place}, filled)
        requests = proxy.requests()
    return Traffic(len(requests), sum(each.bytes_out for each in requests))


def report(
    filled: Filled,
    entered: list[Contestant],
    runs: dict[str, list[child.Run]],
    traffic: dict[str, Traffic],
    failed: dict[str, str],
) -> str:
    medians = {name: median(each.seconds for each in found) for name, found in runs.items() if found}
    fastest = min(medians.values())
    lines = [
        f"{filled.format}: {filled.rows:,} rows, {filled.bytes / MEGABYTE:,.0f} MB in {filled.files} files:",
        "",
        "| | median s | best s | ratio to the best | processor s | peak MB | requests | MB fetched |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name in (each.name for each in entered):
        if name in failed:
            lines.append(f"| {name} | failed: {failed[name][:120]} | | | | | | |")
            continue
        found = runs[name]
        lines.append(
            f"| {name} | {medians[name]:.2f} | {min(each.seconds for each in found):.2f} | "
            f"{medians[name] / fastest:.2f} | {median(each.processor for each in found):.2f} | "
            f"{median(each.peak for each in found) / MEGABYTE:.0f} | {traffic[name].requests} | "
            f"{traffic[name].bytes / MEGABYTE:.0f} |"
        )
    return "\n".join(lines)
