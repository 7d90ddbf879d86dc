"""Seconds of a command from its start to its end, beside those that Python itself takes to start."""

import os
import resource
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import obstore
import polars as pl

from benchmarks.ground import BUCKET, Ground
from s3_assets.embedded.server import REGION

PROGRAM = str(Path(sys.executable).with_name("s3-assets"))
BARE = "python -c pass"
_FOLDER = "start"


@dataclass
class _Taken:
    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)


def compare(ground: Ground, repeat: int) -> str:
    """Run each command in turn, so that a busy moment is shared, and return the table."""
    _lay_out(ground)
    url = f"s3://{BUCKET}/{_FOLDER}"
    reach = ("--endpoint", ground.endpoint, "--region", REGION)
    completing = {"_S3_ASSETS_COMPLETE": "complete_bash", "COMP_WORDS": "s3-assets\nprev", "COMP_CWORD": "1"}
    contestants: dict[str, tuple[list[str], dict[str, str]]] = {
        BARE: ([sys.executable, "-c", "pass"], {}),
        "s3-assets --help": ([PROGRAM, "--help"], {}),
        "s3-assets ls --help": ([PROGRAM, "ls", "--help"], {}),
        "s3-assets prev<TAB>": ([PROGRAM], completing),
        "s3-assets ls": ([PROGRAM, "ls", f"{url}/parquet/", *reach], {}),
        "s3-assets preview, Parquet": ([PROGRAM, "preview", f"{url}/parquet/", *reach], {}),
        "s3-assets preview, CSV": ([PROGRAM, "preview", f"{url}/csv/", *reach], {}),
    }
    keys = {"AWS_ACCESS_KEY_ID": ground.key_id, "AWS_SECRET_ACCESS_KEY": ground.secret, "COLUMNS": "100"}
    taken = {name: _Taken() for name in contestants}
    for turn in range(repeat + 1):
        for name, (command, variables) in contestants.items():
            seconds = _run(command, {**os.environ, **keys, **variables})
            # The first turn warms the caches.
            if turn:
                taken[name].wall.append(seconds[0])
                taken[name].processor.append(seconds[1])
    return _table(taken)


def _lay_out(ground: Ground) -> None:
    rows = pl.DataFrame({"id": range(1_000), "name": [f"order {each}" for each in range(1_000)]})
    parquet, csv = BytesIO(), BytesIO()
    rows.write_parquet(parquet)
    rows.write_csv(csv)
    obstore.put(ground.store, f"{_FOLDER}/parquet/orders.parquet", parquet.getvalue())
    obstore.put(ground.store, f"{_FOLDER}/csv/orders.csv", csv.getvalue())


def _run(command: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Return the seconds that passed, and those of a processor."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.perf_counter()
    # Away from the clone: its registry says nothing of this server.
    subprocess.run(command, check=True, capture_output=True, env=environment, cwd="/")
    wall = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _table(taken: dict[str, _Taken]) -> str:
    bare = taken[BARE]
    lines = [
        f"### From start to end, {len(bare.wall)} runs each",
        "",
        "| command | ms, least | ms, median | x Python | ms more than Python | ms of a processor, least |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, each in taken.items():
        median, of_python = statistics.median(each.wall), statistics.median(bare.wall)
        cells = (
            f"{min(each.wall) * 1000:.0f}",
            f"{median * 1000:.0f}",
            f"{median / of_python:.1f}",
            f"{(median - of_python) * 1000:.0f}",
            f"{min(each.processor) * 1000:.0f}",
        )
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
    return "\n".join(lines)
