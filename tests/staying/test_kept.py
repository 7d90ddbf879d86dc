"""What a process keeps for steps of runs that have ended: no more connections than for a few of them."""

import os
import sys
from pathlib import Path

import pytest

from s3_assets.connection import AccessKeyAuth, S3Connection, loopback
from s3_assets.connection.adapters.obstore import store
from s3_assets.embedded.server import EmbeddedServer
from s3_assets.metrics import Asker, Meter
from s3_assets.objects import Objects

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="/proc tells what a process has open")


@pytest.fixture
def lake(s3_server: EmbeddedServer, bucket: str) -> S3Connection:
    auth = AccessKeyAuth(access_key_id="test", secret_access_key="test-secret")
    return S3Connection(url=f"s3://{bucket}/", endpoint=s3_server.endpoint_url, region="us-east-1", auth=auth)


def ask(connection: S3Connection, meter: Meter) -> None:
    with meter.active():
        assert list(Objects(connection).list_objects("nothing/")) == []
        meter.collect()


def sockets(pid: int) -> int:
    found = 0
    for each in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found += str(each.readlink()).startswith("socket:")
        except FileNotFoundError:
            # Closed while the others were looked at.
            continue
    return found


@LINUX
def test_stores_of_steps_that_have_ended_are_let_go(lake: S3Connection) -> None:
    before = sockets(os.getpid())

    for number in range(30):
        ask(lake, Meter(Asker(run=f"run-{number}")))

    assert sockets(os.getpid()) - before < 20


@LINUX
def test_doors_of_the_gateway_are_shut_behind_steps_that_have_ended(
    lake: S3Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loopback, "_MOST_COUNTED", 2)
    long = Meter(Asker(run="long"), everything=True)
    ask(lake, long)
    children = [each._process.pid for each in loopback._children._children.values() if each.alive]
    before = sum(map(sockets, children))

    for number in range(6):
        ask(lake, Meter(Asker(run=f"run-{number}"), everything=True))
        ask(lake, long)

    # Each door has a connection from an engine, whose store is kept, and one to the server.
    assert sum(map(sockets, children)) - before < 10
    assert sum(each.requests for each in long.usage.counts.values()) == 7


def test_a_sensor_keeps_its_store(lake: S3Connection) -> None:
    looks = [Meter(Asker(sensor="orders")) for _ in range(2)]
    found = []
    for each in looks:
        with each.active():
            found.append(store(lake))

    assert found[0] is found[1]
