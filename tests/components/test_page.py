"""docs/components.md: every example is loaded, every command exists."""

import re
import shlex
from pathlib import Path

import dagster as dg
import pytest
from click.testing import CliRunner

from tests.components.conftest import TYPE, Project

PAGE = (Path(__file__).parents[2] / "docs" / "components.md").read_text()
REGISTRY = """\
connections:
  lake: {url: s3://shop-lake/}
tables:
  landing/orders: {connection: lake, format: parquet, path: landing/orders}
  lake/orders: {connection: lake, format: delta, path: lake/orders}
  lake/totals: {connection: lake, format: delta, path: lake/totals}
  lake/large: {connection: lake, format: delta, path: lake/large}
imports:
  orders: {source: landing/orders, target: lake/orders}
"""


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


INLINE, BY_FILE, TRANSLATED = blocks("yaml")
SUBCLASS, CLASSIC, ASSETS = blocks("python")


def specs(definitions: dg.Definitions) -> dict[str, dg.AssetSpec]:
    return {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}


def load(project: Project, text: str, **files: str) -> dict[str, dg.AssetSpec]:
    folder = project.write("", s3_assets__yaml=REGISTRY, **files)
    (folder / "defs.yaml").write_text(text)
    return specs(project.load(folder))


def test_every_block_is_looked_at() -> None:
    assert {*re.findall(r"^```(\w+)$", PAGE, re.MULTILINE)} == {"console", "yaml", "python"}


def test_inline_and_by_file(project: Project) -> None:
    assert {*load(project, INLINE)} == {"landing/orders", "lake/orders"}
    assert {*load(project, BY_FILE)} == {"landing/orders", "lake/orders", "lake/totals", "lake/large"}


def test_translation(project: Project) -> None:
    spec = load(project, TRANSLATED)["prod/lake/orders"]

    assert (spec.group_name, [*spec.owners], spec.tags["connection"]) == ("imports", ["team:shop"], "lake")
    assert spec.automation_condition is not None


def test_subclass(project: Project) -> None:
    found = load(project, BY_FILE.replace(TYPE, ".lake.Lake"), lake__py=SUBCLASS, __init____py="")

    assert {name: spec.tags["tier"] for name, spec in found.items() if "orders" in name} == {
        "landing/orders": "raw",
        "lake/orders": "curated",
    }
    assert {tuple(spec.owners) for spec in found.values()} == {("team:shop",)}


def test_classic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "s3_assets.yaml").write_text(REGISTRY)
    monkeypatch.chdir(tmp_path)
    names: dict[str, dg.Definitions] = {}
    exec(compile(CLASSIC, "components.md", "exec"), names)  # noqa: S102 - the page's own example

    assert "prod/lake/orders" in specs(names["defs"])


def test_assets_of_ones_own(project: Project) -> None:
    folder = project.write(f"{REGISTRY}code: [assets.py]\n", assets__py=ASSETS)

    found = specs(project.load(folder))

    assert found["lake/totals"].description == "Amounts by customer."
    assert [dep.asset_key.to_user_string() for dep in found["lake/large"].deps] == ["lake/orders"]


def test_commands_exist() -> None:
    from dagster_dg_cli.cli import cli

    for line in "".join(blocks("console")).splitlines():
        # Options come behind; those of the component are tried in test_dg.py.
        command = [word for word in shlex.split(line)[1:3] if not word.startswith("-")]
        done = CliRunner().invoke(cli, [*command, "--help"])
        assert done.exit_code == 0, done.output
