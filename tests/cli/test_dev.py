"""The parts of `dev` that need no Dagster: ports, folders, signals."""

import os
import signal
import socket
from pathlib import Path

import pytest

from s3_assets.cli.demo_server import taken, without_proxy
from s3_assets.cli.dev import dagster_home, free_port, has_objects
from s3_assets.cli.interruption import patient
from s3_assets.embedded.demo_landing import Landing
from s3_assets.embedded.server import EmbeddedServer
from s3_assets.errors import SettingError


def test_next_free_port() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        assert taken(port)
        assert free_port(port) > port
        with pytest.raises(SettingError, match=f"the ports from {port} to {port} are taken"):
            free_port(port, tried=1)
    assert free_port(port) == port


def test_dagster_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert dagster_home(tmp_path) == tmp_path / ".dagster"
    assert (tmp_path / ".dagster").is_dir()
    (tmp_path / "dagster.yaml").touch()
    assert dagster_home(tmp_path) == tmp_path
    monkeypatch.setenv("DAGSTER_HOME", "/elsewhere")
    assert dagster_home(tmp_path) == Path("/elsewhere")


def test_objects_of_the_server_are_seen(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path) as server:
        landing = Landing(server.endpoint_url, "shop")
        landing.make_bucket()
        assert not has_objects(tmp_path)
        landing.put("a/b.txt", b"hello")

        assert has_objects(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_it_even_where_a_shell_had_them_ignored(number: signal.Signals) -> None:
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with pytest.raises(KeyboardInterrupt), patient():
            signal.raise_signal(number)
        assert signal.getsignal(number) is signal.SIG_IGN
    finally:
        signal.signal(number, before)


def test_loopback_goes_past_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "example.com")
    monkeypatch.setenv("no_proxy", "")

    without_proxy()

    assert os.environ["NO_PROXY"] == "example.com,127.0.0.1,localhost"
    assert os.environ["no_proxy"] == "127.0.0.1,localhost"
