"""One contestant in a process of its own: `python -m benchmarks.child MODULE:FUNCTION JSON`.

Standard library alone, because some contestants live in another environment.
"""

import importlib
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[1]
# dlt reports its use unless it is told not to.
QUIET = {"RUNTIME__DLTHUB_TELEMETRY": "false", "DO_NOT_TRACK": "1"}


class ChildFailedError(RuntimeError):
    """A contestant ended with an error; the message holds its last lines."""


@dataclass(frozen=True)
class Run:
    """What one run took; `peak` and `imported` are bytes, `imported` is the peak before the work began.

    `loaded` are modules that were imported on the way, for runs that are to have them from the beginning.
    """

    answer: Any
    seconds: float
    processor: float
    peak: int
    imported: int
    loaded: Sequence[str] = ()


def run(
    call: str,
    arguments: Mapping[str, Any],
    *,
    libraries: Sequence[str] = (),
    loaded: Sequence[str] = (),
    python: Path | None = None,
) -> Run:
    """Call `module:function` with these arguments in a fresh process.

    Not measured are the imports of `libraries`, and those of what an earlier run told that it had `loaded`.
    """
    told = json.dumps({"libraries": [*libraries], "loaded": [*loaded], "arguments": {**arguments}})
    done = subprocess.run(
        [str(python or sys.executable), "-m", "benchmarks.child", call, told],
        cwd=REPOSITORY,
        env={**os.environ, **QUIET},
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise ChildFailedError(f"{call}: {done.stderr[-1500:]}")
    return Run(**json.loads(done.stdout.splitlines()[-1]))


def high_water_mark() -> int:
    """The most memory that this process ever held, in bytes, as the kernel counts it."""
    status = Path("/proc/self/status")
    if status.exists():
        # What getrusage says includes the process that started this one.
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    # macOS counts bytes, Linux kilobytes.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> None:
    module, _, name = sys.argv[1].partition(":")
    told = json.loads(sys.argv[2])
    for library in told["libraries"]:
        importlib.import_module(library)
    called = importlib.import_module(module)
    for each in told.get("loaded", ()):
        # Some packages make modules at run time, which cannot be imported by their names.
        with suppress(ImportError):
            importlib.import_module(each)
    if prepare := getattr(called, f"prepare_{name}", None):
        prepare(**told["arguments"])
    function = getattr(called, name)
    there = {*sys.modules}
    imported = high_water_mark()
    before = resource.getrusage(resource.RUSAGE_SELF)
    started = time.monotonic()
    answer = function(**told["arguments"])
    seconds = time.monotonic() - started
    after = resource.getrusage(resource.RUSAGE_SELF)
    result: dict[str, Any] = {
        "answer": answer,
        "seconds": seconds,
        "processor": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "peak": high_water_mark(),
        "imported": imported,
        "loaded": sorted({*sys.modules} - there),
    }
    print(f"\n{json.dumps(result)}", flush=True)
    # The work is done and told: how long a library takes to end its threads is nobody's figure.
    os._exit(0)


if __name__ == "__main__":
    main()
