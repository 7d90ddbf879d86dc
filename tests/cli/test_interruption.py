"""Ctrl-C, SIGTERM and a closed pipe: real signals to real processes, in front of a server that is slow."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer
import yaml
from typer.testing import CliRunner

from s3_assets.cli.application import Program
from s3_assets.cli.interruption import listen
from s3_assets.embedded.server import EmbeddedServer
from s3_assets.errors import S3AssetsError
from tests.cli.conftest import write_registry
from tests.support.extent import EVERYTHING
from tests.support.proxy import RequestProxy

EXPORTS = """\
exports:
  out/days: { source: landing/orders, connection: lake, path_prefix: days, format: csv, mode: full }
"""
DAYS = ("2026-01-05", "2026-01-06")
ROWS = 50
LONG = 30.0
"""Seconds that nobody waits for: a command that does not heed the signal takes as long."""


class Ended(NamedTuple):
    code: int
    out: str
    err: str
    seconds: float
    """Since the signal."""


@pytest.fixture
def registry(tmp_path: Path, bucket: str, proxy: RequestProxy, land: Callable[..., None]) -> Path:
    """A registry whose requests go through the proxy, and some orders to move."""
    for number, day in enumerate(DAYS):
        land(day, *range(number * ROWS, (number + 1) * ROWS))
    file = write_registry(tmp_path, bucket, proxy.endpoint)
    file.write_text(file.read_text() + EXPORTS)
    proxy.reset()
    return file


@pytest.fixture
def uploads(s3_client: Any, bucket: str) -> Callable[[], list[str]]:
    def keys() -> list[str]:
        return [each["Key"] for each in s3_client.list_multipart_uploads(Bucket=bucket).get("Uploads", ())]

    return keys


def start(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "s3_assets", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def signalled(number: signal.Signals, ready: Callable[[], bool], *arguments: object) -> Ended:
    """Start a command, and send it the signal as soon as it is where it should be."""
    with start(*arguments) as process:
        try:
            while not ready():
                assert process.poll() is None, process.communicate()
                time.sleep(0.01)
            process.send_signal(number)
            begun = time.monotonic()
            out, err = process.communicate(timeout=2 * LONG)
        finally:
            process.kill()
    return Ended(process.returncode, out, err, time.monotonic() - begun)


def held_back(proxy: RequestProxy) -> Callable[[], bool]:
    return lambda: any(each.action for each in proxy.requests())


# How many writes each of them sends, for so few rows.
MOVES = {"import": (("import", "orders"), 6), "export": (("export", "out/days"), 10)}
# The first part of a file; the upload is begun.
CASES = [("import", 4, signal.SIGINT), ("export", 4, signal.SIGTERM)]
if EVERYTHING:
    CASES = [
        (what, write, number)
        for what, (_, writes) in MOVES.items()
        for write in range(1, writes + 1)
        for number in (signal.SIGINT, signal.SIGTERM)
    ]


@pytest.mark.parametrize(
    ("what", "write", "number"),
    CASES,
    ids=[f"{what} at write {k}, {number.name}" for what, k, number in CASES],
)
def test_what_moves_data_leaves_nothing_half_done(
    what: str,
    write: int,
    number: signal.Signals,
    registry: Path,
    proxy: RequestProxy,
    moved: Callable[[str], list[int]],
    uploads: Callable[[], list[str]],
) -> None:
    arguments, _ = MOVES[what]
    proxy.arm("delay", write, seconds=0.3, writes=True)

    ended = signalled(number, held_back(proxy), "--registry", registry, *arguments)

    assert (ended.code, ended.out, ended.err) == (128 + number, "", "interrupted\n")
    assert ended.seconds < LONG
    assert uploads() == []
    every = [*range(len(DAYS) * ROWS)]
    assert moved(what) in ([], every)

    with start("--registry", registry, *arguments) as again:
        assert again.wait() == 0, again.communicate()
    assert moved(what) == every
    assert uploads() == []


@pytest.fixture
def moved(s3_client: Any, bucket: str) -> Callable[[str], list[int]]:
    """Return the ids in all data files that are there, read without the product."""

    def ids(what: str) -> list[int]:
        import io

        import polars as pl

        folder, kind = {"import": ("lake/orders/", ".parquet"), "export": ("days/", ".csv")}[what]
        found = s3_client.list_objects_v2(Bucket=bucket, Prefix=folder).get("Contents", ())
        keys = [each["Key"] for each in found if each["Key"].endswith(kind)]
        bodies = [io.BytesIO(s3_client.get_object(Bucket=bucket, Key=key)["Body"].read()) for key in keys]
        frames = [pl.read_parquet(each) if kind == ".parquet" else pl.read_csv(each) for each in bodies]
        return sorted(int(one) for frame in frames for one in frame["id"])

    return ids


# The upload is begun, its two parts are sent, it is completed, and the inventory is written.
MEDIA = [(2, signal.SIGTERM)]
if EVERYTHING:
    MEDIA = [(write, number) for write in range(1, 8) for number in (signal.SIGINT, signal.SIGTERM)]


@pytest.mark.parametrize(
    ("write", "number"), MEDIA, ids=[f"at write {write}, {number.name}" for write, number in MEDIA]
)
def test_media_leaves_no_copy_half_done(
    write: int,
    number: signal.Signals,
    registry: Path,
    proxy: RequestProxy,
    uploads: Callable[[], list[str]],
    s3_client: Any,
    bucket: str,
) -> None:
    film = bytes(9 * 1024 * 1024)
    s3_client.put_object(Bucket=bucket, Key="films/a.mp4", Body=film)
    # Another server by its name: what is copied passes through this machine, in parts.
    there = yaml.safe_load(registry.read_text())
    there["connections"]["there"] = {
        **there["connections"]["lake"],
        "endpoint": proxy.endpoint.replace("127.0.0.1", "localhost"),
    }
    there["tables"]["lake/films"] = {"connection": "lake", "path": "inventory", "format": "delta"}
    there["media"] = {
        "films": {
            "connection": "lake",
            "path": "films/",
            "extensions": ["mp4"],
            "target": "lake/films",
            "copy_to": {"connection": "there", "path_prefix": "copies/"},
        }
    }
    registry.write_text(yaml.safe_dump(there))
    proxy.arm("delay", write, seconds=0.3, writes=True)

    ended = signalled(number, held_back(proxy), "--registry", registry, "media", "films")

    assert (ended.code, ended.out, ended.err) == (128 + number, "", "interrupted\n")
    assert ended.seconds < LONG
    assert uploads() == []

    with start("--registry", registry, "media", "films") as again:
        assert again.wait() == 0, again.communicate()
    assert s3_client.get_object(Bucket=bucket, Key="copies/a.mp4")["Body"].read() == film
    assert uploads() == []


READERS = [["du"], ["discover"]] + (
    [["ls"], ["tree"], ["guess"], ["preview"], ["head"]] if EVERYTHING else []
)


@pytest.mark.parametrize("command", READERS, ids=" ".join)
def test_what_reads_ends_even_if_the_server_does_not_answer(
    command: list[str], registry: Path, proxy: RequestProxy, bucket: str
) -> None:
    proxy.arm("delay", 1, seconds=LONG, times=1_000)

    ended = signalled(
        signal.SIGINT, held_back(proxy), "--registry", registry, *command, f"s3://{bucket}/landing/"
    )

    assert (ended.code, ended.out, ended.err) == (130, "", "interrupted\n")
    assert ended.seconds < LONG / 2


def test_a_server_on_its_way_up_is_stopped(tmp_path: Path) -> None:
    folder = tmp_path / "data"

    ended = signalled(
        signal.SIGINT, (folder / "server.json").exists, "server", "start", "--folder", folder, "--port", 0
    )

    assert (ended.code, ended.err) == (130, "interrupted\n")
    assert not EmbeddedServer(folder).running()


@pytest.mark.parametrize(
    ("arguments", "width"),
    [(["--help"], 100), (["--help"], 80), (["tables"], 100)],
    ids=["help", "narrow help", "tables"],
)
def test_a_pipe_that_nobody_reads_ends_it_in_silence(
    arguments: list[str], width: int, registry: Path
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "s3_assets", *arguments],
            cwd=registry.parent,
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env={**os.environ, "COLUMNS": str(width)},
        )
    finally:
        os.close(writing)

    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.skipif(not EVERYTHING, reason="a demo takes long; EVERYTHING=1 tries it")
def test_a_demo_takes_its_server_along(tmp_path: Path) -> None:
    clone = Path(__file__).parents[2]
    shutil.copytree(clone / "demo", tmp_path / "demo", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("s3_assets.yaml", "dagster.yaml", "workspace.yaml"):
        shutil.copy(clone / name, tmp_path)
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "s3_assets",
            "--registry",
            "s3_assets.yaml",
            "demo",
            "--rows",
            "5000",
            "--port",
            "0",
        ],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(clone)},
    )
    with process:
        assert process.stdout is not None
        assert any("First import" in line for line in process.stdout)

        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=4 * LONG)

    assert (process.returncode, err) == (130, "interrupted\n")
    assert not EmbeddedServer(tmp_path / ".demo").running()


def test_an_error_that_a_signal_brought_about_is_told_as_the_signal() -> None:
    """An engine that is interrupted may say that it failed."""
    application = typer.Typer(cls=Program)

    @application.callback()
    def every() -> None:
        listen()

    @application.command()
    def move() -> None:
        try:
            signal.raise_signal(signal.SIGTERM)
        except KeyboardInterrupt as error:
            raise S3AssetsError("the engine gave up", remedy="Begin again.") from error

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        ended = CliRunner().invoke(application, ["move"])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

    assert (ended.exit_code, ended.stdout, ended.stderr) == (143, "", "interrupted\n")
