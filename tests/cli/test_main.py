"""The application as a whole: help, speed, and how errors are shown."""

import json
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from s3_assets.cli import prepared

COMMANDS = [name.split() for name, each in prepared.commands().items() if "commands" not in each]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_has_an_example(command: list[str], run: Callable[..., Any]) -> None:
    answer = run(*command, "--help")

    assert answer.code == 0
    assert f"Example: s3-assets {' '.join(command)}" in answer.out
    # Every option says what it is for.
    for line in answer.out.splitlines():
        if match := re.match(r"│ [*]?\s+(--?[\w-]+)(.*)│$", line):
            assert len(match[2].split()) > 1, line


# What a command needs when it runs, and help does not.
ENGINES = {"polars", "deltalake", "obstore", "pyarrow", "pyiceberg", "boto3", "botocore", "dagster"}
OWN = {f"s3_assets.{each}" for each in ("registry", "connection", "tables", "permissions", "movement")}
HELP = """\
from s3_assets.cli.main import application

for command in {commands}:
    try:
        application(args=[*command, "--help"], prog_name="s3-assets")
    except SystemExit:
        pass
"""
LOADED = """
import json, sys
print(json.dumps(sorted(sys.modules)))
"""


def test_help_loads_no_more_than_it_needs() -> None:
    loaded = modules_of(HELP.format(commands=[[]]))

    assert "rich" in loaded
    assert loaded & {*ENGINES, *OWN, "pydantic"} == set()


def test_help_of_commands_loads_no_more_than_it_needs() -> None:
    loaded = modules_of(HELP.format(commands=COMMANDS))

    assert "rich" in loaded
    # Newer releases of Typer load pydantic for the options themselves; models of ours are not made.
    assert loaded & {*ENGINES, *OWN} == set()


def test_import_loads_no_more_than_itself() -> None:
    loaded = modules_of("import s3_assets")

    assert "s3_assets" in loaded
    assert {name for name in loaded if name.startswith("s3_assets.")} == set()
    assert loaded & {*ENGINES, "pydantic", "typer", "rich"} == set()


def modules_of(program: str) -> set[str]:
    """Return what a new process has loaded after the program."""
    answer = subprocess.run(
        [sys.executable, "-c", program + LOADED], capture_output=True, text=True, check=True
    )
    return set(json.loads(answer.stdout.splitlines()[-1]))


def test_seconds_of_help() -> None:
    """Print how long help takes; a limit would fail where the machine is busy, and tell nothing."""
    bare = [sys.executable, "-c", "pass"]
    programs = {
        "python -c pass": bare,
        "python -c 'import s3_assets'": [sys.executable, "-c", "import s3_assets"],
        "s3-assets --help": [str(Path(sys.executable).with_name("s3-assets")), "--help"],
    }
    seconds: dict[str, list[float]] = {name: [] for name in programs}
    # In turn, so that a busy moment is shared; the first round warms the caches.
    for turn in range(8):
        for name, program in programs.items():
            begin = time.perf_counter()
            subprocess.run(program, check=True, capture_output=True)
            if turn:
                seconds[name].append(time.perf_counter() - begin)

    for name, taken in seconds.items():
        median = statistics.median(taken)
        print(f"{name:29} {median:.3f} s median, {min(taken):.3f} s least")  # noqa: T201 - the result
    assert {len(taken) for taken in seconds.values()} == {7}


def test_error_is_a_message(run_process: Callable[..., Any], tmp_path: Path) -> None:
    answer = run_process("tables", cwd=tmp_path)

    assert answer.code == 1
    assert answer.out == ""
    assert answer.err.startswith("error: there is no s3_assets.yaml in ")
    assert "  remedy  Write one, or name it with the environment variable S3_ASSETS_REGISTRY.\n" in answer.err
    assert "Traceback" not in answer.err
    assert "\x1b" not in answer.err


def test_debug_shows_the_traceback(run_process: Callable[..., Any], tmp_path: Path) -> None:
    answer = run_process("--debug", "tables", cwd=tmp_path)

    assert answer.code == 1
    assert "Traceback" in answer.err


def test_warning_of_the_connection_is_a_line(run_process: Callable[..., Any], tmp_path: Path) -> None:
    file = tmp_path / "s3_assets.yaml"
    file.write_text("connections: { lake: { url: s3://bucket/, region: EU-WEST-1 } }\n")

    answer = run_process("validate", file)

    assert answer.code == 0
    assert "warning: region 'EU-WEST-1' is written 'eu-west-1'\n" in answer.err
    assert "UserWarning" not in answer.err


def test_registry_by_option(run: Callable[..., Any], tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text("connections: { lake: { url: s3://bucket/ } }\n")

    assert "other.yaml is sound: 1 connection, 0 tables" in run("--registry", other, "validate").out


def test_unknown_command(run: Callable[..., Any]) -> None:
    assert run("imprt").code == 2
