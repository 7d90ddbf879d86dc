"""A process that is done exits, whatever its engines left behind: threads, runtimes, connections, helpers."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.support.extent import EVERYTHING
from tests.support.proxy import RequestProxy

CLONE = Path(__file__).parents[2]
LONG = 300.0
"""Seconds until a request that is held back would be answered: nobody waits for it."""
SOON = 15.0
"""Seconds in which a process ends on a machine with much else to do; alone it takes a fraction of one."""
ALL = "boto3,obstore,polars,delta-rs,pyiceberg"
# What is ordered in the end: nothing, or a last request, which the server never answers.
JOBS = [(ALL, "again"), ("gateway delta-rs", "")]
if EVERYTHING:
    alone = [*ALL.split(","), "gateway boto3", "gateway delta-rs", "gateway polars"]
    JOBS = [(name, last) for name in (ALL, *alone) for last in ("", "again")]


@contextmanager
def job(name: str, bucket: str, endpoint: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.staying.jobs", name, f"s3://{bucket}/", endpoint],
        cwd=CLONE,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def order(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{text}\n")
    process.stdin.close()


def seconds_to_end(process: subprocess.Popen[str]) -> float:
    begin = time.monotonic()
    process.wait(LONG / 2)
    return time.monotonic() - begin


def test_it_ends_behind_its_last_line(bucket: str, proxy: RequestProxy) -> None:
    """Once with nothing more to do, and once behind a last request that the server never answered."""
    with ExitStack() as running:
        jobs = {(name, last): running.enter_context(job(name, bucket, proxy.endpoint)) for name, last in JOBS}
        done = {each: said(process) for each, process in jobs.items()}
        proxy.reset()
        proxy.arm("delay", 1, seconds=LONG, times=10_000)

        for (_, last), process in jobs.items():
            order(process, last)
        answers = {
            each: [said(process) for _ in each[0].split(",")] for each, process in jobs.items() if each[1]
        }
        slow = {
            each: seconds for each, process in jobs.items() if (seconds := seconds_to_end(process)) > SOON
        }

    assert set(done.values()) == {"done"}
    assert {told for each in answers.values() for told in each} == {"RequestTimeoutError"}
    assert slow == {}
    assert {process.returncode for process in jobs.values()} == {0}


@pytest.mark.skipif(not EVERYTHING, reason="what is tried is the way that a process ends: EVERYTHING=1")
def test_no_thread_of_ours_outlives_the_job(bucket: str, proxy: RequestProxy) -> None:
    with job(ALL, bucket, proxy.endpoint) as process:
        assert said(process) == "done"
        order(process, "threads")

        assert said(process) == "MainThread"
