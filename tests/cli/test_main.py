"""The application as a whole: help, speed, and how errors are shown."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

COMMANDS = [
    ["demo"],
    ["dev"],
    ["server", "start"],
    ["server", "stop"],
    ["server", "status"],
    ["validate"],
    ["tables"],
    ["import"],
    ["preview"],
    ["check"],
    ["policy"],
]


def test_every_command_is_listed_here(run: Callable[..., Any]) -> None:
    from typer.main import get_command

    from s3_assets.cli.main import application

    found = []
    group: Any = get_command(application)
    for name, command in group.commands.items():
        inner = getattr(command, "commands", None)
        found += [[name, each] for each in inner] if inner else [[name]]

    assert sorted(found) == sorted(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_has_an_example(command: list[str], run: Callable[..., Any]) -> None:
    answer = run(*command, "--help")

    assert answer.code == 0
    assert f"Example: s3-assets {' '.join(command)}" in answer.out
    # Every option says what it is for.
    for line in answer.out.splitlines():
        if match := re.match(r"│ [*]?\s+(--?[\w-]+)(.*)│$", line):
            assert len(match[2].split()) > 1, line


def test_help_loads_no_engine() -> None:
    program = (
        "import sys, json\n"
        "from s3_assets.cli.main import application\n"
        "try: application(args=['--help'], prog_name='s3-assets')\n"
        "except SystemExit: pass\n"
        "heavy = {'polars', 'deltalake', 'obstore', 'pyarrow', 'boto3', 'botocore', 'dagster'}\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules} & heavy)))\n"
    )

    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert json.loads(answer.stdout.splitlines()[-1]) == []


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
