"""The embedded server as real processes."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from s3_assets.embedded import process
from s3_assets.embedded.errors import EmbeddedServerError
from s3_assets.embedded.server import ACCESS_KEY_ID, REGION, EmbeddedServer


def client(server: EmbeddedServer, service: str = "s3", key: str = ACCESS_KEY_ID, secret: str = "any") -> Any:
    import boto3

    return boto3.session.Session().client(
        service,
        endpoint_url=server.endpoint_url,
        region_name=REGION,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
    )


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedServer]:
    with EmbeddedServer(tmp_path / "server") as running:
        yield running


def listening(pid: int) -> list[str]:
    """The addresses on which the process listens, read from the kernel."""
    inodes = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        target = str(descriptor.readlink())
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    found = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                found.append(fields[1])
    return found


def wait_until_gone(server: EmbeddedServer) -> None:
    deadline = time.monotonic() + 10
    while server.running():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_answers_and_ends(tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path)

    with server as entered:
        assert entered is server
        assert server.running()
        assert client(server).list_buckets()["Buckets"] == []
        pid = server.pid

    assert not server.running()
    assert process.start_time(pid) is None
    with pytest.raises(EmbeddedServerError, match="Start it first"):
        _ = server.endpoint_url


def test_listens_on_loopback_only(server: EmbeddedServer) -> None:
    if not Path("/proc/self/net/tcp").exists():
        # No kernel tables to read: every other address of the machine must refuse.
        addresses = {
            str(entry[4][0]) for entry in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)
        }
        for address in addresses - {"127.0.0.1"}:
            with socket.socket() as probe:
                assert probe.connect_ex((address, server.port)) != 0
        return

    assert listening(server.pid) == [f"0100007F:{server.port:04X}"]


def test_sees_nothing_of_the_callers_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of-the-caller")
    monkeypatch.setenv("BIND_HOST", "0.0.0.0")  # noqa: S104 - it must not arrive
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")

    with EmbeddedServer(tmp_path) as server:
        environment = server.variables(1, "token")

    assert "AWS_SESSION_TOKEN" not in environment
    assert "HTTP_PROXY" not in environment
    assert environment["BIND_HOST"] == "127.0.0.1"


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_data_outlives_the_process(tmp_path: Path, end: signal.Signals) -> None:
    server = EmbeddedServer(tmp_path).start()
    client(server).create_bucket(Bucket="kept")
    put = client(server).put_object(Bucket="kept", Key="date=2026-01-05/ä b", Body=b"x" * 100_000)
    assert server.running()
    os.kill(server.pid, end)
    wait_until_gone(server)

    with EmbeddedServer(tmp_path) as again:
        got = client(again).get_object(Bucket="kept", Key="date=2026-01-05/ä b")

        assert got["Body"].read() == b"x" * 100_000
        assert got["ETag"] == put["ETag"]


def test_empty_bucket_outlives_a_stop(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path) as server:
        client(server).create_bucket(Bucket="empty")

    with EmbeddedServer(tmp_path) as server:
        names = [bucket["Name"] for bucket in client(server).list_buckets()["Buckets"]]

    assert names == ["empty"]


def test_second_start_on_a_folder_uses_the_first(server: EmbeddedServer) -> None:
    with EmbeddedServer(server.folder) as second:
        assert second.pid == server.pid
        assert second.port == server.port

    assert server.running()


def test_second_start_with_other_options_is_refused(server: EmbeddedServer) -> None:
    with pytest.raises(EmbeddedServerError, match="require_known_keys=False"):
        EmbeddedServer(server.folder, require_known_keys=True).start()
    with pytest.raises(EmbeddedServerError, match=f"on port {server.port}, not on 1"):
        EmbeddedServer(server.folder, port=1).start()
    with pytest.raises(EmbeddedServerError, match="services s3, sts, iam only"):
        EmbeddedServer(server.folder, services=["s3", "glue"]).start()


def test_port_of_another_program_is_named(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        with pytest.raises(EmbeddedServerError, match=f"Port {port} .* in use"):
            EmbeddedServer(tmp_path, port=port).start()


def test_given_port_is_used(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    with EmbeddedServer(tmp_path, port=port) as server:
        assert server.endpoint_url == f"http://127.0.0.1:{port}"


def test_recycled_number_is_never_signalled(server: EmbeddedServer) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as bystander:
        path = server.folder / "server.json"
        true = path.read_text()
        path.write_text(json.dumps({**json.loads(true), "pid": bystander.pid}))

        stranger = EmbeddedServer(server.folder)
        assert not stranger.running()
        stranger.stop()

        assert bystander.poll() is None
        path.write_text(true)
        bystander.communicate(b"\n")


def test_failed_start_shows_the_end_of_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S3_ASSETS_EMBEDDED_PYTHON", sys.executable)

    with pytest.raises(EmbeddedServerError, match="No module named ministack"):
        EmbeddedServer(tmp_path).start()

    assert not (tmp_path / "server.json").exists()


def test_named_interpreter_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S3_ASSETS_EMBEDDED_PYTHON", str(tmp_path / "python"))

    with pytest.raises(EmbeddedServerError, match="no program"):
        EmbeddedServer(tmp_path).start()


@pytest.mark.parametrize("keep", [True, False])
def test_end_of_the_program(tmp_path: Path, *, keep: bool) -> None:
    program = (
        f"from s3_assets.embedded.server import *; EmbeddedServer({str(tmp_path)!r}, keep={keep}).start()"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
    server = EmbeddedServer(tmp_path)

    try:
        assert server.running() is keep
    finally:
        server.stop()
    assert not server.running()


def test_unknown_key_and_wrong_secret_are_refused(strict_s3_server: EmbeddedServer) -> None:
    from botocore.exceptions import ClientError

    root = client(strict_s3_server, "iam")
    root.create_user(UserName="ann")
    allow_all = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}],
    }
    root.put_user_policy(UserName="ann", PolicyName="all", PolicyDocument=json.dumps(allow_all))
    key = root.create_access_key(UserName="ann")["AccessKey"]

    client(strict_s3_server, key=key["AccessKeyId"], secret=key["SecretAccessKey"]).list_buckets()
    with pytest.raises(ClientError, match="InvalidAccessKeyId"):
        client(strict_s3_server, key="AKIAUNKNOWN").list_buckets()
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        client(strict_s3_server, key=key["AccessKeyId"], secret="wrong").list_buckets()
