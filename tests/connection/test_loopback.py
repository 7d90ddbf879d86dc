"""The process on loopback: started once, told through a pipe alone, and gone with the one that started it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from s3_assets.connection import AccessKeyAuth, S3Connection, SecretReference, loopback
from s3_assets.connection.credential_endpoint import publish
from s3_assets.connection.gateway import open_gateway
from tests.connection.scripted import scripted

CONNECTION = S3Connection(
    url="s3://lake/",
    endpoint="http://127.0.0.1:1",
    region="eu-west-3",
    auth=AccessKeyAuth(access_key_id="AKIAOWN", secret_access_key="own-secret"),
)
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="/proc shows what a process was given")
# Prints the loopback process's number and the token's file, then waits to be killed.
PARENT = """
import os, signal, sys, time
# A shell that starts programs in the background has them ignore it.
signal.signal(signal.SIGINT, signal.SIG_DFL)
from s3_assets.connection import AccessKeyAuth, S3Connection, loopback
from s3_assets.connection.credential_endpoint import publish
from s3_assets.connection.gateway import open_gateway

connection = S3Connection(url="s3://lake/", endpoint="http://127.0.0.1:1", region="eu-west-3",
    auth=AccessKeyAuth(access_key_id="AKIAOWN", secret_access_key="own-secret"))
token_file = publish(connection).token_file
open_gateway(connection)
[child] = loopback._children._children.values()
{then}
print(child._process.pid, token_file, flush=True)
{end}
"""


def children() -> list[int]:
    return [child._process.pid for child in loopback._children._children.values() if child.alive]


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] not in "ZX"


def ends(pid: int, seconds: float = 10) -> bool:
    until = time.monotonic() + seconds
    while runs(pid) and time.monotonic() < until:
        time.sleep(0.02)
    return not runs(pid)


def handed_out(connection: S3Connection) -> str:
    published = publish(connection)
    token = Path(published.token_file).read_text()
    with urlopen(Request(published.url, headers={"Authorization": token}), timeout=10) as answer:
        document: str = answer.read().decode()
    return document


def test_one_process_serves_both_rooms_and_every_connection() -> None:
    publish(CONNECTION)
    before = children()

    open_gateway(CONNECTION)
    open_gateway(CONNECTION.model_copy(update={"name": "another"}))

    assert children() == before


def test_another_environment_has_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    first = open_gateway(CONNECTION)
    monkeypatch.setenv("AWS_PROFILE", "another")
    second = open_gateway(CONNECTION)
    monkeypatch.delenv("AWS_PROFILE")

    assert first.endpoint != second.endpoint
    assert open_gateway(CONNECTION) == first


def test_variables_of_secrets_are_told_when_they_change(monkeypatch: pytest.MonkeyPatch) -> None:
    auth = AccessKeyAuth(
        access_key_id=SecretReference(env="LAKE_KEY"), secret_access_key=SecretReference(env="LAKE_SECRET")
    )
    connection = CONNECTION.model_copy(update={"auth": auth})
    monkeypatch.setenv("LAKE_SECRET", "s")
    for key in ("AKIAONE", "AKIATWO"):
        monkeypatch.setenv("LAKE_KEY", key)

        assert key in handed_out(connection)
    assert len(children()) == len(set(children()))


def test_killed_process_is_replaced() -> None:
    before = open_gateway(CONNECTION)
    for child in loopback._children._children.values():
        child._process.kill()
        # A process with many threads seems gone before it is: only its parent is told for certain.
        child._process.wait(10)

    after = open_gateway(CONNECTION)

    assert after.endpoint != before.endpoint or after.access_key_id != before.access_key_id
    assert "AKIAOWN" in handed_out(CONNECTION)


@LINUX
def test_nothing_secret_is_on_the_command_line_or_in_the_environment() -> None:
    gateway, published = open_gateway(CONNECTION), publish(CONNECTION)
    secrets = (
        gateway.access_key_id,
        gateway.secret_access_key,
        Path(published.token_file).read_text(),
        "own-secret",
    )

    for pid in children():
        for place in ("cmdline", "environ"):
            told = Path(f"/proc/{pid}/{place}").read_text()
            assert told
            assert not [secret for secret in secrets if secret in told]


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, None])
def test_gone_with_its_parent(end: signal.Signals | None) -> None:
    script = PARENT.format(then="", end="time.sleep(60)" if end else "")
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        pid, token_file = parent.stdout.readline().split()
        if end is not None:
            assert runs(int(pid))
            assert Path(token_file).exists()
            parent.send_signal(end)
        parent.wait(20)

    assert ends(int(pid))
    assert not Path(token_file).exists()


def test_survives_an_interrupt_that_is_meant_for_its_parent() -> None:
    script = PARENT.format(then="", end="time.sleep(60)")
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline().split()[0])
        os.kill(pid, signal.SIGINT)

        assert not ends(pid, seconds=0.5)
        parent.kill()


def test_forked_process_starts_its_own_and_holds_nobody_elses() -> None:
    then = """
if os.fork() == 0:
    # It outlives its parent, and must not keep the parent's process alive.
    assert open_gateway(connection)
    [mine] = loopback._children._children.values()
    print("forked", mine._process.pid, os.getpid(), flush=True)
    os.close(1)
    time.sleep(60)
    os._exit(0)
"""
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PARENT.format(then=then, end="time.sleep(60)")],
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout
        lines = sorted((parent.stdout.readline().split() for _ in range(2)), key=len)
        (pid, _), (_, mine, forked) = lines
        parent.kill()
        parent.wait()
        gone = ends(int(pid))
        still = runs(int(mine))
        os.kill(int(forked), signal.SIGKILL)

    assert pid != mine
    assert gone
    assert still
    assert ends(int(mine))


def test_no_request_is_written_down(capfd: pytest.CaptureFixture[str]) -> None:
    with scripted(lambda _: None) as server:
        gateway = open_gateway(CONNECTION.model_copy(update={"endpoint": server.endpoint}))
        authorization = f"AWS4-HMAC-SHA256 Credential={gateway.access_key_id}/x"
        with pytest.raises(OSError, match="502"):
            urlopen(
                Request(f"{gateway.endpoint}/lake/key", headers={"Authorization": authorization}), timeout=10
            )

    assert len(server.arrived) == 1
    assert capfd.readouterr() == ("", "")
