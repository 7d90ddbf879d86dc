"""Many small gzip JSON Lines files against the same rows in a few, and against dlt's filesystem source."""

import gzip
from concurrent.futures import ThreadPoolExecutor
from statistics import median

import obstore

from benchmarks import child, data, ours, rivals_environment
from benchmarks.ground import Ground
from benchmarks.scan import OURS, Contestant
from tests.support.proxy import RequestProxy

KIND = "jsonl"
FEW = 40
MEGABYTE = 1e6
_CLOSE = 1e-9
MINE = Contestant(OURS, "benchmarks.ours:scan", ours.LIBRARIES)
DLT = Contestant(
    "dlt",
    "benchmarks.rivals:dlt",
    ("dlt.sources.filesystem", "dlt.sources.credentials", "s3fs"),
    foreign=True,
    once=True,
)
DUCKDB = Contestant("DuckDB", "benchmarks.rivals:duckdb", ("duckdb", "duckdb_ext"), foreign=True)


def compare(ground: Ground, files: int, repeat: int, *, rows: int, rivals: bool) -> str:
    """Our two folders in turn; DuckDB and (once) dlt on the many files."""
    total = files * rows
    amount = float(data.rows(0, total, total)["amount"].sum())
    count = {"many": files, "few": min(FEW, files)}
    stored = {path: _fill(ground, path, number, total) for path, number in count.items()}
    cases = [(MINE, "many"), (MINE, "few")] + [(each, "many") for each in (DUCKDB, DLT) if rivals]
    runs: dict[tuple[str, str], list[child.Run]] = {(each.name, path): [] for each, path in cases}
    for number in range(repeat):
        for each, path in cases if number % 2 == 0 else reversed(cases):
            if not (each.once and runs[each.name, path]):
                runs[each.name, path].append(_run(ground, each, path, total, amount))
    requests = _requests(ground, total, amount)
    for path in stored:
        ground.clear(f"{path}/")
    seconds = {case: median(each.seconds for each in found) for case, found in runs.items()}
    lines = [
        f"{total:,} rows of gzip JSON Lines, counted and one column added up, median of {repeat}; dlt once:",
        "",
        "| | files | MB | s | peak MB | x s3-assets, few files |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {name} | {count[path]:,} | {stored[path] / MEGABYTE:.0f} | {seconds[name, path]:.1f} | "
        f"{median(each.peak for each in found) / MEGABYTE:.0f} | "
        f"{seconds[name, path] / seconds[OURS, 'few']:.2f} |"
        for (name, path), found in runs.items()
    ]
    many = seconds[OURS, "many"]
    ahead = f", dlt {seconds[DLT.name, 'many'] / many:.1f} x ours" if rivals else ""
    told = f"The many files take {many / seconds[OURS, 'few']:.2f} x the time of the few{ahead}"
    return "\n".join([*lines, "", f"{told}; {requests:,} requests for the many."])


def _fill(ground: Ground, path: str, files: int, total: int) -> int:
    """Write the rows into so many files; return their bytes."""

    def put(number: int) -> int:
        start, end = number * total // files, (number + 1) * total // files
        body = gzip.compress(data.rows(start, end - start, total).write_ndjson().encode(), 6, mtime=0)
        obstore.put(store, f"{path}/part-{number:05d}.jsonl.gz", body)
        return len(body)

    store = ground.store
    with ThreadPoolExecutor(2) as pool:
        return sum(pool.map(put, range(files)))


def _run(ground: Ground, each: Contestant, path: str, total: int, amount: float) -> child.Run:
    kind = f"{KIND}.gz" if each.foreign else KIND
    done = child.run(
        each.call,
        {"place": ground.place, "kind": kind, "path": path},
        libraries=each.libraries,
        python=rivals_environment.python() if each.foreign else None,
    )
    rows, found = done.answer
    if rows != total or abs(found - amount) > _CLOSE * abs(amount):
        raise RuntimeError(f"{each.name} found {rows:,} rows and {found}, not {total:,} and {amount}")
    print(f"  {each.name}, {path}: {done.seconds:.1f} s, {done.peak / MEGABYTE:.0f} MB", flush=True)
    return done


def _requests(ground: Ground, total: int, amount: float) -> int:
    with RequestProxy(ground.endpoint) as proxy:
        _run(ground.through(proxy.endpoint), MINE, "many", total, amount)
        return proxy.count()
