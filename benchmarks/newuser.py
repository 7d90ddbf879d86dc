"""From nothing to the first asset: `s3-assets init` on a bucket of every layout and trap, and a next step."""

import json
import os
import resource
import shlex
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from pyiceberg.catalog.sql import SqlCatalog

from benchmarks.ground import Ground
from s3_assets import load_registry
from s3_assets.embedded.server import REGION
from tests.explore.new_user.bucket import fill, things
from tests.explore.new_user.judge import Verdict, judge
from tests.explore.new_user.things import Thing
from tests.support.proxy import RequestProxy

BUCKET = "given"


@dataclass(frozen=True)
class Step:
    what: str
    seconds: float
    processor: float
    requests: int


def compare(ground: Ground, small_files: int) -> str:
    client = _client(ground)
    client.create_bucket(Bucket=BUCKET)
    with tempfile.TemporaryDirectory() as folder:
        made = things(_catalog(ground, folder), small_files)
        fill(client, BUCKET, made)
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        count = sum(page["KeyCount"] for page in pages)
        print(f"{count:,} objects are there", flush=True)
        steps, verdict = _run(ground, Path(folder) / "project", made)
    print(verdict, flush=True)
    lines = [
        f"### A bucket that somebody was given: {count:,} objects, {small_files:,} of them small files",
        "",
        "| step | seconds | processor s | requests |",
        "|---|---:|---:|---:|",
        *(
            f"| {each.what} | {each.seconds:.1f} | {each.processor:.1f} | {each.requests:,} |"
            for each in steps
        ),
        "",
        "| right | wrong | missed | where nothing should be |",
        "|---:|---:|---:|---:|",
        f"| {len(verdict.right)} | {len(verdict.wrong)} | {len(verdict.missed)} | {len(verdict.extra)} |",
    ]
    return "\n".join(lines)


def _run(ground: Ground, project: Path, made: tuple[Thing, ...]) -> tuple[list[Step], Verdict]:
    with RequestProxy(ground.endpoint) as proxy:
        url = f"s3://{BUCKET}/"
        place = ("--endpoint", proxy.endpoint, "--region", REGION, "--output", "json")
        init = ["s3-assets", "init", url, str(project), "--into", f"{url}lake_of_mine/", *place]
        out, first = _step(ground, proxy, "`init`, with an import for each table", init)
        asset = next(
            shlex.split(each["command"])
            for each in json.loads(out)["next"]
            if each["command"].startswith("dagster asset materialize")
        )
        _, second = _step(ground, proxy, "its first asset, by Dagster", asset, project)
        both = zip(*((each.seconds, each.processor, each.requests) for each in (first, second)), strict=True)
        seconds, processor, requests = map(sum, both)
        steps = [first, second, Step("both", seconds, processor, int(requests))]
        os.environ.update(_keys(ground))
        return steps, judge(load_registry(project / "s3_assets.yaml"), made)


def _step(
    ground: Ground, proxy: RequestProxy, what: str, arguments: list[str], folder: Path | None = None
) -> tuple[str, Step]:
    """Run a command; return what it printed, and what it took."""
    proxy.reset()
    start, before = time.monotonic(), _processor()
    program = str(Path(sys.executable).with_name(arguments[0]))
    done = subprocess.run(
        [program, *arguments[1:]],
        cwd=folder,
        env={**os.environ, **_keys(ground)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return done.stdout, Step(what, time.monotonic() - start, _processor() - before, proxy.count())


def _processor() -> float:
    """Return the seconds that processes have used which were started here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _keys(ground: Ground) -> dict[str, str]:
    return {"AWS_ACCESS_KEY_ID": ground.key_id, "AWS_SECRET_ACCESS_KEY": ground.secret}


def _catalog(ground: Ground, folder: str) -> SqlCatalog:
    told = {**ground.iceberg, "uri": f"sqlite:///{folder}/given.db", "warehouse": f"s3://{BUCKET}"}
    return SqlCatalog("given", **{name: value for name, value in told.items() if name != "type"})


def _client(ground: Ground) -> Any:  # noqa: ANN401 - boto3 makes clients at run time
    return boto3.session.Session().client(
        "s3",
        endpoint_url=ground.endpoint,
        region_name=REGION,
        aws_access_key_id=ground.key_id,
        aws_secret_access_key=ground.secret,
    )
