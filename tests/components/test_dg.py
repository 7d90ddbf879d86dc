"""`dg` itself, as a process, in a project of its own layout: lists, scaffolds, checks."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.extent import EVERYTHING

DG = str(Path(sys.executable).with_name("dg"))
COMPONENT = "s3_assets.components.S3AssetsComponent"
PROJECT = """\
[project]
name = "shop"
version = "0.1.0"
requires-python = ">=3.11"

[tool.dg]
directory_type = "project"

[tool.dg.project]
root_module = "shop"
"""
DEFINITIONS = """\
from pathlib import Path

from dagster import definitions, load_from_defs_folder


@definitions
def defs():
    return load_from_defs_folder(path_within_project=Path(__file__).parent)
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dg") / "shop"
    (folder / "src" / "shop" / "defs").mkdir(parents=True)
    (folder / "pyproject.toml").write_text(PROJECT)
    (folder / "src" / "shop" / "definitions.py").write_text(DEFINITIONS)
    for each in (folder / "src" / "shop", folder / "src" / "shop" / "defs"):
        (each / "__init__.py").touch()
    return folder


def start(project: Path, *arguments: str) -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "VIRTUAL_ENV": str(Path(sys.executable).parent.parent),
        "PYTHONPATH": str(project / "src"),
        "HOME": str(project.parent),
        "DAGSTER_HOME": "",
        "DAGSTER_DISABLE_TELEMETRY": "yes",
    }
    return subprocess.Popen(
        [DG, *arguments],
        cwd=project,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str], code: int = 0) -> str:
    """Wait for its end, and return what it printed; with its warnings if it is to fail."""
    with process:
        said, warned = process.communicate(timeout=200)
    assert process.returncode == code, said + warned
    return said + (warned if code else "")


def test_it_lists_scaffolds_and_checks(project: Path) -> None:
    # Each takes seconds to begin: two of them at a time.
    listing = start(project, "list", "components", "--json")
    ended(start(project, "scaffold", "defs", COMPONENT, "my_tables", "--url", "s3://shop-lake/"))
    checking = start(project, "check", "yaml")
    (ours,) = [each for each in json.loads(ended(listing))["items"] if each["key"] == COMPONENT]
    file = project / "src" / "shop" / "defs" / "my_tables" / "defs.yaml"
    checked = ended(checking)

    assert ours["summary"].startswith("Tables and files on S3 as assets")
    assert "url: s3://shop-lake/" in file.read_text()
    assert "All component YAML validated successfully" in checked


@pytest.mark.skipif(not EVERYTHING, reason="five seconds for each; tried by load in test_component.py")
def test_it_tells_of_mistakes_and_shows_the_schema(project: Path) -> None:
    folder = project / "src" / "shop" / "defs" / "wrong"
    ended(start(project, "scaffold", "defs", COMPONENT, "wrong"))
    file = folder / "defs.yaml"
    file.write_text(file.read_text().replace("format: delta", "format: dleta"))
    line = next(n for n, text in enumerate(file.read_text().splitlines(), 1) if "dleta" in text)

    by_schema = ended(start(project, "check", "yaml", str(folder)), 1)
    by_loading = ended(start(project, "check", "defs", "--no-check-yaml"), 1)
    schema = ended(start(project, "utils", "inspect-component", COMPONENT, "--defs-yaml-json-schema"))

    assert f"defs.yaml:{line}" in by_schema
    assert "'dleta' is not one of" in by_schema
    assert f"defs.yaml:{line}:" in by_loading
    assert "tables.lake/orders.format" in by_loading
    assert all(f'"{name}"' in schema for name in ("connections", "tables", "translation"))
