"""Jobs of most of a minute with credentials that live 20 s: every engine changes keys, and finishes.

All jobs run at once, each in a process of its own, and mostly wait; what counts is what the servers saw.
`S3_ASSETS_LONG_JOBS` says how many seconds the jobs last at least, in place of 45.
"""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import pytest
from botocore.exceptions import ClientError

from s3_assets.embedded.server import EmbeddedServer
from tests.connection.long_jobs.jobs import CONTAINER, JOBS, USER, Order, command
from tests.connection.long_jobs.rows import expected, lay_out, uploaded_whole, written
from tests.connection.long_jobs.slow_server import Arrived, SlowServer, slow_server
from tests.servers.identity.server import IdentityServer
from tests.servers.session_keys import SessionKey, expiry_of

REPOSITORY = Path(__file__).parents[2]
LIFETIME = 20
# Read when the module is collected: no test sees such variables.
LEAST_SECONDS = float(os.environ.get("S3_ASSETS_LONG_JOBS", "45"))
# Some engines send their first rows late.
SECONDS = LEAST_SECONDS + 4
STEPS = int(SECONDS)
LEAST_KEYS = int(LEAST_SECONDS // LIFETIME) + 1
PATIENCE = 100.0
"""For processes to start on a busy machine, and to end."""


@dataclass(frozen=True)
class Account:
    """What the server saw of one job."""

    job: str
    arrived: list[Arrived]

    @property
    def seconds(self) -> float:
        return max(each.until for each in self.arrived) - self.arrived[0].at

    @property
    def keys(self) -> list[str]:
        """In the order of their first use."""
        return list(dict.fromkeys(each.key_id for each in self.arrived if each.key_id is not None))

    @property
    def refused(self) -> list[Arrived]:
        return [each for each in self.arrived if each.refusal is not None]

    @property
    def late(self) -> list[Arrived]:
        """Requests whose key was over when they came, by the key's own word."""
        return [each for each in self.arrived if (expiry_of(each.key_id or "") or 0.0) <= each.at]

    @property
    def silence(self) -> float:
        """The longest time between two requests."""
        return max(after.at - before.at for before, after in pairwise(self.arrived))

    def line(self) -> str:
        job = JOBS[self.job]
        return (
            f"{job.engine:<10} {job.what:<7} {job.way:<20} {self.seconds:>7.1f} {len(self.arrived):>8}"
            f" {len(self.keys):>5} {self.silence:>8.1f} {len(self.refused):>8}"
        )


HEADING = (
    f"{'engine':<10} {'job':<7} {'credentials':<20} {'seconds':>7} {'requests':>8} {'keys':>5} {'silence':>8}"
    f" {'refused':>8}"
)


@pytest.fixture
def slow(s3_server: EmbeddedServer, tmp_path: Path) -> Iterator[SlowServer]:
    with slow_server(s3_server.endpoint_url, tmp_path, seconds=SECONDS, pieces=STEPS) as server:
        yield server


def test_every_engine_outlives_its_keys(
    s3_server: EmbeddedServer,
    s3_client: Any,
    slow: SlowServer,
    identity: IdentityServer,
    bucket: str,
    tmp_path: Path,
) -> None:
    identity.add_user(*USER)
    role = identity.add_role("long-jobs")
    # As AWS's own services do, the container's has a new key before the old one is over.
    identity.change(lifetime=LIFETIME, renew_before=LIFETIME * 0.4)
    orders = [Order(job, slow.endpoint, bucket, identity.endpoint, role, SECONDS, STEPS) for job in JOBS]

    # Jobs that write need no source: they run already while those of the others are laid out.
    orders.sort(key=lambda order: JOBS[order.job].what != "write")
    with _Running({**os.environ, **identity.container_environment()}, tmp_path) as running:
        for order in orders:
            lay_out(s3_client, s3_server.endpoint_url, order)
            running.start(order)
        readings = running.wait()

    arrived = slow.arrived()
    accounts = [Account(job, [each for each in arrived if each.folder == job]) for job in JOBS]
    print("", HEADING, *(account.line() for account in accounts), sep="\n")  # noqa: T201 - shown by pytest -rP
    assert {each.folder for each in arrived} == set(JOBS)
    for account in accounts:
        _check_keys(account, identity)
        _check_rows(account.job, readings[account.job], s3_client, bucket)
    _check_refusal(accounts[0].keys[0], slow, bucket)


class _Running:
    """The processes of the jobs, none of which outlives the block."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        self._environment = environment
        self._folder = folder
        self._processes: dict[str, subprocess.Popen[str]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes.values():
            process.kill()
            process.wait()

    def start(self, order: Order) -> None:
        arguments, told = command(order)
        with self._file(order.job, "out").open("w") as out, self._file(order.job, "err").open("w") as err:
            process = subprocess.Popen(
                arguments,
                cwd=REPOSITORY,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=err,
                text=True,
            )
        self._processes[order.job] = process
        if process.stdin is not None:
            process.stdin.write(told)
            process.stdin.close()

    def wait(self) -> dict[str, list[str]]:
        """Return the digests of what each has read."""
        until = time.monotonic() + SECONDS + PATIENCE
        for job, process in self._processes.items():
            status = process.wait(max(0.0, until - time.monotonic()))
            assert status == 0, f"{job}: {self._file(job, 'err').read_text()[-3000:]}"
        return {job: json.loads(self._file(job, "out").read_text()) for job in self._processes}

    def _file(self, job: str, kind: str) -> Path:
        return self._folder / f"{job}.{kind}"


def _check_keys(account: Account, identity: IdentityServer) -> None:
    job = JOBS[account.job]
    service, action = ("container", "credentials") if job.way == CONTAINER else ("sts", "AssumeRole")
    issued = {
        call.issued
        for call in identity.calls(service, action)
        if call.parameters.get("RoleSessionName") in {None, account.job}
    }

    assert account.seconds >= LEAST_SECONDS, account.line()
    assert account.refused == [], account.line()
    assert account.late == [], account.line()
    assert len(account.keys) >= LEAST_KEYS, account.line()
    assert set(account.keys) <= issued, account.line()
    # Keys changed all the time, and not between two halves of the job alone.
    assert account.silence < LIFETIME, account.line()


def _check_rows(job: str, readings: list[str], client: Any, bucket: str) -> None:
    if job in {"boto3-write", "obstore-write"}:
        assert uploaded_whole(client, bucket, job), job
        return
    found = readings or [written(client, bucket, job)]
    assert set(found) == {expected(STEPS)}, job


def _check_refusal(key_id: str, slow: SlowServer, bucket: str) -> None:
    """The server does refuse a key that is over: without that, nothing above would mean anything."""
    import boto3

    key = SessionKey(key_id)
    client = boto3.session.Session().client(
        "s3",
        endpoint_url=slow.endpoint,
        region_name="eu-west-3",
        aws_access_key_id=key.key_id,
        aws_secret_access_key=key.secret,
        aws_session_token=key.token,
    )
    with pytest.raises(ClientError, match="ExpiredToken"):
        client.list_objects_v2(Bucket=bucket, Prefix="late/")
