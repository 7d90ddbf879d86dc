"""Peak memory of reading and of writing each format, as the data grow to four times as much."""

from collections.abc import Mapping
from statistics import median

from benchmarks import child, ours
from benchmarks.formats import fill, rows_of
from benchmarks.ground import Ground

MEGABYTE = 1e6
TIMES = (1, 4)
HEADER = (
    "| format | | data | s | peak MB | all MB | growth |",
    "|---|---|---:|---:|---:|---|---:|",
)


def compare(ground: Ground, kinds: tuple[str, ...], megabytes: float, repeat: int) -> str:
    """Every format, read into a Parquet file that nobody keeps, and written from rows made on the way."""
    lines = [
        f"Peak memory of reading and writing {megabytes:,.0f} MB and four times as much, median of {repeat}:",
        "",
        *HEADER,
    ]
    for kind in kinds:
        lines += _reading(ground, kind, megabytes, repeat)
        if ours.writes(ground.place, kind):
            lines += _writing(ground, kind, megabytes, repeat)
        else:
            lines.append(f"| {kind} | written | it declares that it cannot be | | | | |")
    return "\n".join(lines)


def _reading(ground: Ground, kind: str, megabytes: float, repeat: int) -> list[str]:
    paths = {times: f"read_{kind}_{times}" for times in TIMES}
    filled = {times: fill(ground, kind, path, megabytes, times=times) for times, path in paths.items()}
    runs: dict[int, list[child.Run]] = {times: [] for times in TIMES}
    try:
        for number in range(repeat):
            for times in sorted(TIMES, reverse=bool(number % 2)):
                told = {"place": ground.place, "kind": kind, "path": paths[times]}
                runs[times].append(_run("read", kind, told))
    except child.ChildFailedError as error:
        return [_failed(kind, "read", error)]
    finally:
        for path in paths.values():
            ground.clear(f"{path}/")
    return _lines(
        kind, "read", {times: f"{each.bytes / MEGABYTE:,.0f} MB" for times, each in filled.items()}, runs
    )


def _writing(ground: Ground, kind: str, megabytes: float, repeat: int) -> list[str]:
    rows, _ = rows_of(kind, megabytes)
    runs: dict[int, list[child.Run]] = {times: [] for times in TIMES}
    stored: dict[int, str] = {}
    try:
        for number in range(repeat):
            for times in sorted(TIMES, reverse=bool(number % 2)):
                path = f"write_{kind}_{times}_{number}"
                told = {"place": ground.place, "kind": kind, "path": path}
                runs[times].append(_run("write", kind, {**told, "rows": rows * times}))
                found, _ = child.run(
                    "benchmarks.ours:scan", told, libraries=(*ours.LIBRARIES, *ours.ENGINES.get(kind, ()))
                ).answer
                stored[times] = f"{ground.clear(f'{path}/') / MEGABYTE:,.0f} MB"
                if found != rows * times:
                    raise RuntimeError(f"{kind}: {rows * times:,} rows were written, and {found:,} are read")
    except child.ChildFailedError as error:
        return [_failed(kind, "written", error)]
    return _lines(kind, "written", stored, runs)


def _run(call: str, kind: str, told: Mapping[str, object]) -> child.Run:
    libraries = (*ours.LIBRARIES, *ours.ENGINES.get(kind, ()))
    done = child.run(f"benchmarks.ours:{call}", told, libraries=libraries)
    print(f"  {kind}, {call}: {done.seconds:.1f} s, {done.peak / MEGABYTE:.0f} MB", flush=True)
    return done


def _lines(kind: str, act: str, data: dict[int, str], runs: dict[int, list[child.Run]]) -> list[str]:
    peaks = {times: median(each.peak for each in found) for times, found in runs.items()}
    growth = {1: "", 4: f"{(peaks[4] / peaks[1] - 1) * 100:.0f} %"}
    return [
        f"| {kind} | {act} | {times} x, {data[times]} | {median(each.seconds for each in found):.1f} | "
        f"{peaks[times] / MEGABYTE:.0f} | {', '.join(f'{each.peak / MEGABYTE:.0f}' for each in found)} | "
        f"{growth[times]} |"
        for times, found in runs.items()
    ]


def _failed(kind: str, act: str, error: child.ChildFailedError) -> str:
    print(f"  {kind} is not {act}: {error}", flush=True)
    reason = str(error).strip().splitlines()[-1][:150]
    return f"| {kind} | {act} | failed: {reason} | | | | |"
