"""docs/production.md: its commands name what is there, its YAML is that of `deploy/`, its Python runs."""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from tests.production.files import CLONE, DEPLOY, example, parsed
from tests.support.extent import EVERYTHING

PAGE = (CLONE / "docs" / "production.md").read_text()
PROJECT = tomllib.loads((CLONE / "pyproject.toml").read_text())
OURS = {"dagster", "dagster-webserver", "dagster-daemon", "s3-assets", "python", "pip"}
OTHERS = {"apt-get", "aws", "cp", "docker", "helm", "kubectl"}


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


COMMANDS = [shlex.split(line) for block in blocks("sh") for line in block.splitlines()]


def test_every_block_is_looked_at() -> None:
    assert set(re.findall(r"^```(\w+)$", PAGE, re.MULTILINE)) == {"sh", "yaml", "python"}


def test_every_file_is_told_of_and_there() -> None:
    named = set(re.findall(r"`(deploy/[\w./-]+)`", PAGE))
    shipped = {"dagster.yaml", "workspace.yaml", "Dockerfile", "docker-compose.yaml", "environment.example"}

    assert named >= {f"deploy/{name}" for name in shipped}
    assert all((CLONE / name).is_file() for name in named)


def test_commands_name_what_is_there() -> None:
    for words in COMMANDS:
        assert words[0] in OURS | OTHERS
        for word in words[1:]:
            for name in re.findall(r"deploy/[\w./-]+\w", word):
                assert (CLONE / name).is_file() or name == "deploy/.env"
    (installed,) = (words[-1] for words in COMMANDS if words[0] == "pip")
    assert set(installed[len("s3-assets[") : -1].split(",")) <= set(
        PROJECT["project"]["optional-dependencies"]
    )
    for name in re.findall(r"`([A-Z][A-Z0-9_]{8,})`", PAGE):
        assert name in {*example(), "DAGSTER_HOME"}


def test_the_charts_release_is_that_of_the_lock() -> None:
    versions = [words[words.index("--version") + 1] for words in COMMANDS if "--version" in words]
    (locked,) = re.findall(r"^dagster==(\S+)$", (CLONE / "requirements.lock").read_text(), re.MULTILINE)

    assert versions == [locked]
    assert f"--version {locked} " in (DEPLOY / "helm" / "values.yaml").read_text()


def test_yaml_is_that_of_the_instance() -> None:
    def part(of: Any, found: Any) -> bool:
        if isinstance(found, dict):
            return all(name in of and part(of[name], value) for name, value in found.items())
        return bool(of == found)

    for block in blocks("yaml"):
        assert part(parsed("dagster.yaml"), yaml.safe_load(block))


def test_python_puts_an_asset_into_the_pool() -> None:
    for block in blocks("python"):
        names: dict[str, Any] = {}
        exec(block, names)  # noqa: S102 - it is our own page
        assert isinstance(names["revenue"], dg.AssetsDefinition)
        assert names["revenue"].op.pool == "lake"


@pytest.mark.skipif(not EVERYTHING, reason="starts Dagster's command line, which takes seconds: EVERYTHING=1")
def test_dagsters_commands_are_understood(tmp_path: Path) -> None:
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    surroundings = {**os.environ, "DAGSTER_HOME": str(tmp_path)}
    for words in COMMANDS:
        if words[0] not in {"dagster", "dagster-daemon", "dagster-webserver", "s3-assets"}:
            continue
        # What serves is only asked whether it knows its options.
        rest = words[1:] if "concurrency" in words or words[0] == "s3-assets" else [*words[1:], "--help"]
        program = str(Path(sys.executable).with_name(words[0]))
        subprocess.run([program, *rest], cwd=CLONE, env=surroundings, check=True, capture_output=True)
