"""`demo` and `dev` as a person starts them, on a small demo in a folder of its own."""

import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from s3_assets.embedded.server import EmbeddedServer

CLONE = Path(__file__).parent.parent.parent
PROGRAM = str(Path(sys.executable).with_name("s3-assets"))
Run = Callable[..., Any]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What a user copies: the registry, the code beside it, and Dagster's files."""
    folder = tmp_path_factory.mktemp("clone")
    shutil.copytree(CLONE / "demo", folder / "demo", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("s3_assets.yaml", "dagster.yaml", "workspace.yaml"):
        shutil.copy(CLONE / name, folder)
    yield folder
    EmbeddedServer(folder / ".demo").stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def played(clone: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PROGRAM, "demo", "--rows", "5000", "--port", "0"],
        cwd=clone,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "COLUMNS": "100"},
    )


def test_demo_holds(played: subprocess.CompletedProcess[str]) -> None:
    assert (played.returncode, played.stderr) == (0, "")
    assert "✗" not in played.stdout
    for part in (
        "lake/orders: 3,000 rows delivered, 3,000 found, 0 doubled, every value equal",
        "lake/payments: ",
        "nothing new, nothing written, no new version",
        "rows for 14 days, from ",
        "days that late rows touched: 06 Jan, 07 Jan, 10 Jan",
        "Every check held",
        "http://127.0.0.1:3000/",
    ):
        assert part in played.stdout
    assert re.search(r"landing/orders +[\d,]+ +16 .* [1-9]\d* rows for 4 earlier days", played.stdout)


def test_demo_fits_a_hundred_columns_without_colours(played: subprocess.CompletedProcess[str]) -> None:
    lines = [line for line in played.stdout.splitlines() if PROGRAM not in line]
    assert [line for line in lines if len(line) > 100] == []
    assert "\x1b" not in played.stdout


def test_demo_leaves_its_data_and_no_server(played: subprocess.CompletedProcess[str], clone: Path) -> None:
    assert not EmbeddedServer(clone / ".demo").running()
    assert sorted(path.name for path in clone.iterdir()) == [
        ".dagster",
        ".demo",
        "dagster.yaml",
        "demo",
        "s3_assets.yaml",
        "workspace.yaml",
    ]


def test_demo_twice_and_kept(played: subprocess.CompletedProcess[str], clone: Path, run_process: Run) -> None:
    """The registry's port is another program's and gives way; all processes of the demo are told."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        taken = {"S3_ASSETS_DEMO_ENDPOINT": f"http://127.0.0.1:{port}"}
        again = run_process("demo", "--rows", 1000, "--keep", cwd=clone, **taken)
    server = EmbeddedServer(clone / ".demo")
    try:
        assert (again.code, again.err) == (0, "")
        assert f"(another program has port {port})" in again.out
        assert "objects of the last demo" in again.out
        assert f"S3_ASSETS_DEMO_ENDPOINT={server.endpoint_url} DAGSTER_HOME=" in again.out
        assert server.running()

        endpoint = {"S3_ASSETS_DEMO_ENDPOINT": server.endpoint_url}
        nothing = run_process("import", "orders", cwd=clone, **endpoint)
        assert "nothing: there is nothing new" in nothing.out
        refused = run_process("demo", "--no-fresh", cwd=clone)
        assert refused.code == 1
        assert "objects, and the demo begins with none" in refused.err
        assert server.running()
    finally:
        server.stop()
    assert runs(clone) == 8


def runs(clone: Path) -> int:
    """The runs that Dagster's UI shows: four for each demo."""
    with sqlite3.connect(clone / ".dagster" / "storage" / "history" / "runs.db") as database:
        return int(database.execute("select count(*) from runs").fetchone()[0])


def test_interrupted_demo_stops_its_server(clone: Path) -> None:
    with subprocess.Popen(
        [PROGRAM, "demo", "--port", "0"],
        cwd=clone,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "The first wave lands" in line:
                break
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()

    assert process.returncode not in {0, None}
    assert "Traceback" not in rest
    assert not EmbeddedServer(clone / ".demo").running()


def test_registry_of_another_kind(tmp_path: Path, run_process: Run) -> None:
    (tmp_path / "s3_assets.yaml").write_text("connections: { lake: { url: s3://bucket/ } }\n")

    answer = run_process("demo", cwd=tmp_path)

    assert answer.code == 1
    assert "has an endpoint on this machine" in answer.err
    assert "S3_ASSETS_DEMO_ENDPOINT" in answer.err


def test_dev_starts_and_stops(clone: Path) -> None:
    port = free_port()
    variables = {**os.environ, "S3_ASSETS_DEMO_ENDPOINT": f"http://127.0.0.1:{free_port()}"}
    lines = []
    with subprocess.Popen(
        [PROGRAM, "dev", "--port", str(port)],
        cwd=clone,
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            if "ready:" in line:
                break
        try:
            assert f"  ready: http://127.0.0.1:{port}\n" in lines
            assert EmbeddedServer(clone / ".demo").running()
            with urlopen(f"http://127.0.0.1:{port}/server_info", timeout=30) as page:
                assert page.status == 200
        finally:
            begin = time.monotonic()
            process.send_signal(signal.SIGINT)
            lines += process.stdout.readlines()

    assert process.returncode == 0, "".join(lines)
    assert lines[-1] == "  stopped\n"
    assert time.monotonic() - begin < 60
    assert not EmbeddedServer(clone / ".demo").running()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
