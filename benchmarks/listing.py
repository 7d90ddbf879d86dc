"""Listings of a million keys as whole commands, beside boto3's paginator and `aws s3 ls`; and discovery."""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import child
from benchmarks.media import REQUIREMENTS
from s3_assets.embedded.server import REGION
from s3_assets.embedded.virtual_environment import VirtualEnvironment
from tests.support.many_keys import ManyKeys

BUCKET = "many-keys"
DELAYS = (0.0, 0.02)
LAYOUTS = {
    "flat": "one folder, numbered names",
    "hive": "a folder of 500 files for each day",
    "hashed": "names that follow no order",
    "uneven": "nine in ten in one folder, fifty in each of the others",
}
DISCOVERED = {
    "tables": "seven tables and a media set in the same 42 folders",
    "hive": "one table, a folder of 500 files for each day",
    "uneven": "one huge folder, fifty files in each of the others",
}
KEYS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": REGION}
PAGINATOR = """
import boto3, sys
client = boto3.client("s3", endpoint_url=sys.argv[1])
pages = client.get_paginator("list_objects_v2").paginate(Bucket=sys.argv[2])
objects = size = 0
for page in pages:
    objects += len(page.get("Contents", ()))
    size += sum(each["Size"] for each in page.get("Contents", ()))
print(objects, size)
"""


@dataclass(frozen=True)
class Contestant:
    """A command, and how many keys its output tells of."""

    command: Callable[[str], list[str]]
    keys: Callable[[Path], int]


@dataclass(frozen=True)
class Run:
    seconds: float
    processor: float
    peak: int
    requests: int


def compare(
    keys: int, counts: Sequence[int], layouts: Sequence[str], repeat: int, *, rivals: bool
) -> list[str]:
    tables = []
    with ManyKeys() as server:
        for layout in layouts:
            made = server.lay_out(BUCKET, layout, keys)
            print(f"{made:,} keys: {LAYOUTS[layout]}", flush=True)
            tables += [_listings(server, layout, made, delay, repeat, rivals=rivals) for delay in DELAYS]
            server.delay(0)
        tables.append(_discoveries(server, counts))
    return tables


def _listings(server: ManyKeys, layout: str, keys: int, delay: float, repeat: int, *, rivals: bool) -> str:
    server.delay(delay)
    entered = contestants(rivals=rivals)
    runs: dict[str, list[Run]] = {name: [] for name in entered}
    for turn in range(repeat):
        for name in list(entered)[:: 1 if turn % 2 == 0 else -1]:
            runs[name].append(run(server, entered[name], keys))
            last = runs[name][-1]
            print(f"  {name}: {last.seconds:.1f} s, {last.peak / 1e6:.0f} MB", flush=True)
    lines = [
        f"{keys:,} keys, {LAYOUTS[layout]}; each answer {delay * 1000:.0f} ms late; medians of {repeat}:",
        "",
        "| | s | keys per s | processor s | requests | peak MB |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, found in runs.items():
        seconds = statistics.median(each.seconds for each in found)
        lines.append(
            f"| {name} | {seconds:.1f} | {keys / seconds:,.0f} | "
            f"{statistics.median(each.processor for each in found):.1f} | "
            f"{max(each.requests for each in found):,} | {max(each.peak for each in found) / 1e6:.0f} |"
        )
    return "\n".join(lines)


def contestants(*, rivals: bool) -> dict[str, Contestant]:
    ours = [sys.executable, "-m", "s3_assets.cli.main"]
    place = f"s3://{BUCKET}/"
    found = {
        "s3-assets du": Contestant(
            lambda url: [*ours, "du", place, "--endpoint", url, "--output", "json", "--yes"],
            lambda output: int(json.loads(output.read_text())["objects"]),
        ),
        "s3-assets ls -R --all": Contestant(
            lambda url: [*ours, "ls", place, "-R", "--all", "--endpoint", url], _lines
        ),
        "boto3 paginator": Contestant(
            lambda url: [sys.executable, "-c", PAGINATOR, url, BUCKET],
            lambda output: int(output.read_text().split()[0]),
        ),
    }
    if rivals:
        environment = VirtualEnvironment(Path(sys.prefix) / "benchmarks-aws")
        environment.ensure(REQUIREMENTS)
        aws = str(environment.python.with_name("aws"))
        found["aws s3 ls --recursive"] = Contestant(
            lambda url: [aws, "--endpoint-url", url, "s3", "ls", "--recursive", place], _lines
        )
    return found


def run(server: ManyKeys, contestant: Contestant, keys: int) -> Run:
    server.reset()
    with tempfile.TemporaryDirectory() as folder:
        output, errors = Path(folder) / "output", Path(folder) / "errors"
        with output.open("wb") as out, errors.open("wb") as error:
            before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
            process = subprocess.Popen(
                contestant.command(server.endpoint_url),
                stdout=out,
                stderr=error,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **KEYS, "AWS_EC2_METADATA_DISABLED": "true"},
            )
            peak = _peak(process)
            seconds = time.monotonic() - begun
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        if process.returncode:
            raise RuntimeError(f"{process.args}: {errors.read_text()[-1000:]}")
        found = contestant.keys(output)
    if found != keys:
        raise RuntimeError(f"{process.args}: {found:,} keys, not {keys:,}")
    processor = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    return Run(seconds, processor, peak, sum(server.requests().values()))


def _peak(process: subprocess.Popen[bytes]) -> int:
    """Wait for the end of a process; return the most bytes that it was seen to hold, on Linux."""
    peak, status = 0, Path(f"/proc/{process.pid}/status")
    while process.poll() is None:
        # What getrusage says includes the process that started this one.
        text = status.read_text() if status.exists() else ""
        told = [line for line in text.splitlines() if line.startswith("VmHWM")]
        peak = max(peak, *(int(line.split()[1]) * 1024 for line in told), 0)
        time.sleep(0.02)
    return peak


def _lines(output: Path) -> int:
    with output.open("rb") as lines:
        return sum(1 for _ in lines)


def _discoveries(server: ManyKeys, counts: Sequence[int]) -> str:
    lines = [
        "Discovery of tables in so many keys:",
        "",
        "| | keys | found | requests | s | peak MB |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for layout, told in DISCOVERED.items():
        for keys in counts:
            made = server.lay_out(BUCKET, layout, keys)
            server.reset()
            done = child.run(
                "benchmarks.listing:discovered",
                {"endpoint": server.endpoint_url},
                libraries=("polars", "boto3", "obstore"),
            )
            requests = sum(server.requests().values())
            used = f"{requests} | {done.seconds:.1f} | {done.peak / 1e6:.0f}"
            lines.append(f"| {told} | {made:,} | {done.answer} | {used} |")
            print(f"  {lines[-1]}", flush=True)
    return "\n".join(lines)


def discovered(endpoint: str) -> int:
    """Return how many tables and media sets are found."""
    from s3_assets.connection import AccessKeyAuth, S3Connection
    from s3_assets.explore.discover import discover

    auth = AccessKeyAuth(access_key_id="key", secret_access_key="secret")
    connection = S3Connection(url=f"s3://{BUCKET}/", endpoint=endpoint, region=REGION, auth=auth)
    return len(discover(connection).found)
