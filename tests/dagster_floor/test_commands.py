"""Dagster's own commands, as processes in a folder that has our dagster.yaml and no DAGSTER_HOME."""

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.dagster_floor import pipeline
from tests.dagster_floor.conftest import Lake

REPOSITORY = Path(__file__).parents[2]
SECRET = "not-for-your-eyes"
# More than any of them takes on a busy machine: a command that hangs at its end is a failure.
DEADLINE = 120


class Folder:
    """A clone's folder, as far as Dagster's commands look at it."""

    def __init__(self, path: Path, lake: Lake) -> None:
        self.path = path
        for name in ("dagster.yaml", "workspace.yaml"):
            shutil.copy(REPOSITORY / name, path / name)
        registry: dict[str, Any] = lake.registry.model_dump(mode="json", exclude_unset=True)
        registry["connections"]["lake"].pop("name", None)
        (path / "s3_assets.yaml").write_text(yaml.safe_dump({**registry, "code": ["assets.py"]}))
        names = ", ".join(asset.op.name.removeprefix("marts__") for asset in pipeline.ASSETS)
        (path / "assets.py").write_text(f"from tests.dagster_floor.pipeline import {names}\n")

    def call(self, program: str, *arguments: str, fails: bool = False, home: bool = False) -> str:
        """Run one of Dagster's programs to its end, and return all that it wrote."""
        environment = {name: value for name, value in os.environ.items() if name != "DAGSTER_HOME"}
        named = {"DAGSTER_HOME": str(self.path)} if home else {}
        done = subprocess.run(
            [str(Path(sys.executable).parent / program), *arguments],
            cwd=self.path,
            env={**environment, **named, "PYTHONPATH": str(REPOSITORY)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=DEADLINE,
            check=False,
        )
        assert (done.returncode != 0) is fails, done.stdout
        return done.stdout

    def materialize(self, *arguments: str, fails: bool = False) -> str:
        return self.call(
            "dagster", "asset", "materialize", "-m", "s3_assets.definitions", *arguments, fails=fails
        )

    def runs(self) -> list[str]:
        """Status of each run that the folder remembers."""
        with closing(sqlite3.connect(self.path / ".dagster/storage/history/runs.db")) as database:
            return [str(status) for (status,) in database.execute("select status from runs order by id")]

    def holding(self, text: str) -> list[str]:
        """Files below .dagster that hold a text, in whatever format."""
        return [
            str(file.relative_to(self.path))
            for file in (self.path / ".dagster").rglob("*")
            if file.is_file() and text.encode() in file.read_bytes()
        ]


@pytest.fixture
def folder(lake: Lake, tmp_path: Path) -> Folder:
    return Folder(tmp_path, lake)


def test_materialize_an_import_a_partition_and_a_range(folder: Folder, lake: Lake) -> None:
    folder.materialize("--select", "lake/orders")
    folder.materialize("--select", "marts/totals", "--partition", "2026-01-02")
    folder.materialize("--select", "lake/orders_by_day", "--partition-range", "2026-01-01...2026-01-03")

    assert lake.rows("lake/orders").height == 300
    assert lake.rows("marts/totals").height == 1
    assert lake.rows("lake/orders_by_day").height == 300
    assert folder.runs() == ["SUCCESS"] * 3


def test_a_second_process_appends_nothing_twice(folder: Folder, lake: Lake) -> None:
    folder.materialize("--select", "lake/orders")
    output = folder.materialize("--select", "lake/orders")

    assert "nothing new" in output
    assert lake.rows("lake/orders").height == 300


def test_validate_and_list(folder: Folder) -> None:
    validated = folder.call("dagster", "definitions", "validate")
    listed = folder.call("dagster", "asset", "list", "-m", "s3_assets.definitions")

    assert "All code locations passed validation" in validated
    assert set(listed.split()) >= {"lake/orders", "lake/payments", "marts/totals", "marts/history"}
    for output in (validated, listed):
        assert "BetaWarning" not in output
        assert "PreviewWarning" not in output


def test_secrets_are_stored_and_shown_nowhere(folder: Folder, lake: Lake) -> None:
    folder.materialize("--select", "lake/orders")
    failed = folder.materialize("--select", "lake/payments", fails=True)
    query = """{
      repositoriesOrError { ... on RepositoryConnection { nodes {
        allTopLevelResourceDetails { name description configuredValues { key value } configFields { name } }
        sensors { name description }
      } } }
      assetNodes {
        assetKey { path } description kinds
        metadataEntries { label ... on TextMetadataEntry { text } }
      }
      runsOrError { ... on Runs { results { status runConfigYaml tags { key value } } } }
    }"""
    answered = folder.call("dagster-graphql", "-t", query, home=True)

    assert "allTopLevelResourceDetails" in answered
    assert "TableMissingError" in failed
    assert "io_manager" in answered
    # The same instance, with DAGSTER_HOME and without.
    assert '"status": "SUCCESS"' in answered
    for output in (failed, answered):
        assert SECRET not in output
    assert folder.holding("lake__orders")
    assert folder.holding(SECRET) == []
