"""The component in a project: the registry inline or in a file, templates, secrets, mistakes, subclasses."""

import json
import re
from functools import cache
from pathlib import Path

import dagster as dg
import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml

from s3_assets.builder import build_definitions
from s3_assets.components import S3AssetsComponent
from s3_assets.connection.secrets import read_secret
from s3_assets.registry import load_registry
from tests.components.conftest import TYPE, Project

REPOSITORY = Path(__file__).parents[2]
REGISTRY = """\
connections:
  lake: {url: s3://shop-lake/base/}
tables:
  landing/orders: {connection: lake, format: parquet, path: landing/orders}
  lake/orders: {connection: lake, format: delta, path: lake/orders, group: shop}
imports:
  orders: {source: landing/orders, target: lake/orders}
exports:
  out: {source: lake/orders, connection: lake, path_prefix: out, format: csv}
"""
SUBCLASS = """\
from dataclasses import dataclass

import dagster as dg

from s3_assets import Declared
from s3_assets.components import S3AssetsComponent


@dataclass
class Lake(S3AssetsComponent):
    team: str = "nobody"

    def get_asset_spec(self, declared: Declared) -> dg.AssetSpec:
        spec = super().get_asset_spec(declared)
        return spec.replace_attributes(owners=[f"team:{self.team}"])
"""


def assets(definitions: dg.Definitions) -> dict[str, dg.AssetSpec]:
    return {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}


def told(definitions: dg.Definitions) -> dict[str, object]:
    """What a UI could show of the assets, but where the entries stand."""
    return {
        name: (
            [dep.asset_key.to_user_string() for dep in spec.deps],
            spec.group_name,
            dict(spec.tags),
            spec.description,
            spec.partitions_def,
            {key for key in spec.metadata if "code_references" not in key and "component" not in key},
        )
        for name, spec in assets(definitions).items()
    }


def test_inline_by_file_and_without_a_component_are_the_same(project: Project, tmp_path: Path) -> None:
    (tmp_path / "s3_assets.yaml").write_text(REGISTRY)
    classic = build_definitions(load_registry(tmp_path / "s3_assets.yaml"))
    inline = project.load(project.write(REGISTRY))
    by_file = project.load(project.write("registry: lake.yaml", lake__yaml=REGISTRY))

    assert {*assets(inline)} == {"landing/orders", "lake/orders", "out"}
    assert told(inline) == told(by_file) == told(classic)
    assert {each.name for each in inline.sensors or ()} == {"lake_sources"}
    assert {*(inline.resources or {})} == {"io_manager", "lake"}
    assert inline.executor is None


def test_entries_are_linked_to_their_lines(project: Project) -> None:
    folder = project.write(REGISTRY)

    spec = assets(project.load(folder))["lake/orders"]

    links = spec.metadata["dagster/code_references"].code_references
    places = [(Path(each.file_path).name, each.line_number) for each in links]
    lines = (folder / "defs.yaml").read_text().splitlines()
    found = {lines[line - 1].strip().partition(":")[0] for name, line in places if name == "defs.yaml"}
    assert {"lake/orders", "orders"} <= found


@pytest.mark.parametrize(
    ("wrong", "right", "said"),
    [
        ("source: landing/orders", "source: landing/order", "did you mean 'landing/orders'"),
        ("format: delta", "fromat: delta", "tables.lake/orders"),
        ("group: shop", "group: '{{ nobody }}'", "nobody"),
        ("group: shop", "group: '{{ env.NOT_SET_ANYWHERE }}'", "NOT_SET_ANYWHERE is not set"),
        ("imports:", "import:", "did you mean 'imports'"),
    ],
)
def test_a_mistake_is_told_with_file_and_line(project: Project, wrong: str, right: str, said: str) -> None:
    folder = project.write(REGISTRY.replace(wrong, right))
    file = folder / "defs.yaml"
    line = next(n for n, text in enumerate(file.read_text().splitlines(), 1) if right in text)

    refusal = project.refusal(folder)

    assert f"{file}:{line}:" in refusal
    assert said in refusal


def test_a_registry_and_sections_are_refused(project: Project) -> None:
    folder = project.write(f"registry: lake.yaml\n{REGISTRY}", lake__yaml=REGISTRY)

    assert "names a registry and declares connections, tables" in project.refusal(folder)


def test_mistakes_of_a_file_are_told_as_ever(project: Project) -> None:
    folder = project.write("registry: lake.yaml", lake__yaml=REGISTRY.replace("target: lake", "target: lke"))

    assert f"{folder / 'lake.yaml'}:7:" in project.refusal(folder)


SECRETS = """\
connections:
  lake:
    url: s3://{{ env.SHOP_BUCKET }}/
    auth:
      type: access_key
      access_key_id: "{{ env.SHOP_KEY_ID }}"
      secret_access_key: %s
tables:
  landing/orders: {connection: lake, format: parquet, path: landing/orders}
"""
SECRET = "1e5000000123456789abcdef"


@pytest.mark.parametrize(
    "written",
    ['"{{ env.SHOP_SECRET }}"', "\"{{ env('SHOP_SECRET') }}\"", "{env: SHOP_SECRET}", "{file: secret.txt}"],
)
def test_secrets_are_read_when_they_are_needed(
    project: Project, monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    monkeypatch.setenv("SHOP_BUCKET", "shop-lake")
    folder = project.write(SECRETS % written, secret__txt=SECRET)

    # Neither the key's id nor the secret is there while definitions are loaded.
    definitions = project.load(folder)

    connection = definitions.resources["lake"].resource_fn(None)  # type: ignore[index]
    assert connection.url == "s3://shop-lake/"
    monkeypatch.setenv("SHOP_KEY_ID", "AKIASHOP")
    monkeypatch.setenv("SHOP_SECRET", SECRET)
    assert read_secret(connection.auth.secret_access_key) == SECRET


def test_a_secret_as_text_is_shown_nowhere(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_BUCKET", "shop-lake")
    folder = project.write(SECRETS % SECRET)
    repository = project.load(folder).get_repository_def()
    shown = [repr(project.load(folder).resources), repr(repository)]
    (folder / "defs.yaml").write_text((folder / "defs.yaml").read_text().replace("parquet", "parket"))

    shown.append(project.refusal(folder))

    assert SECRET not in "".join(shown)
    assert "tables.landing/orders.format" in shown[-1]


def test_translation_changes_every_asset(project: Project) -> None:
    translation = (
        "translation:\n"
        "  key_prefix: [prod]\n"
        '  group_name: "{{ declared.kind }}s"\n'
        '  tags: {connection: "{{ declared.connection }}"}\n'
        '  automation_condition: "{{ dg.AutomationCondition.eager() }}"\n'
    )
    found = assets(project.load(project.write(REGISTRY + translation)))

    assert {name: spec.group_name for name, spec in found.items()} == {
        "prod/landing/orders": "sources",
        "prod/lake/orders": "imports",
        "prod/out": "exports",
    }
    assert [dep.asset_key.to_user_string() for dep in found["prod/out"].deps] == ["prod/lake/orders"]
    assert {spec.tags["connection"] for spec in found.values()} == {"lake"}
    assert found["prod/lake/orders"].automation_condition == dg.AutomationCondition.eager()
    assert "dagster/kind/deltalake" in found["prod/lake/orders"].tags


def test_a_subclass_has_fields_of_its_own_and_changes_specs(project: Project) -> None:
    folder = project.write(f"team: shop\n{REGISTRY}", type_=".lake.Lake", lake__py=SUBCLASS, __init____py="")

    found = assets(project.load(folder))

    assert {tuple(spec.owners) for spec in found.values()} == {("team:shop",)}


def test_post_processing_comes_after(project: Project) -> None:
    folder = project.write(REGISTRY)
    with (folder / "defs.yaml").open("a") as file:
        file.write(
            "\npost_processing:\n  assets:\n"
            "    - target: 'kind:deltalake'\n      attributes: {group_name: late}\n"
        )

    found = assets(project.load(folder))

    assert found["lake/orders"].group_name == "late"
    assert found["landing/orders"].group_name == "lake"


def test_two_components_in_one_file(project: Project) -> None:
    folder = project.write(REGISTRY)
    other = REGISTRY.replace("lake", "pond").replace("  out:", "  out2:").replace("landing", "beach")
    with (folder / "defs.yaml").open("a") as file:
        text = "".join(f"  {line}\n" for line in other.splitlines())
        file.write(f"---\ntype: {TYPE}\nattributes:\n  io_manager_key: second\n{text}")

    definitions = project.load(folder)

    assert {"lake/orders", "pond/orders"} <= {*assets(definitions)}
    assert {*(definitions.resources or {})} == {"io_manager", "lake", "second", "pond"}


def test_scaffolded_beginnings_load(project: Project) -> None:
    inline = project.load(
        project.scaffold(S3AssetsComponent, url="s3://shop-lake/base", endpoint="http://127.0.0.1:1")
    )
    folder = project.scaffold(S3AssetsComponent, registry="lake.yaml")
    (folder / "lake.yaml").write_text(REGISTRY)

    assert {*assets(inline)} == {"landing/orders", "lake/orders"}
    assert {*assets(project.load(folder))} == {"landing/orders", "lake/orders", "out"}


def test_attributes_without_a_file() -> None:
    component = S3AssetsComponent.from_attributes_dict(attributes=yaml.safe_load(REGISTRY))

    assert [*component.registry.imports] == ["orders"]


@cache
def schema() -> jsonschema.Draft202012Validator:
    found = S3AssetsComponent.get_model_cls().model_json_schema()  # type: ignore[union-attr]
    jsonschema.Draft202012Validator.check_schema(found)
    return jsonschema.Draft202012Validator(found)


def test_the_schema_takes_every_registry_of_the_docs() -> None:
    validator = schema()
    pages = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
    texts = [
        text
        for page in pages
        for text in re.findall(r"^```yaml\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    ]
    registries = [
        found for text in texts if isinstance(found := first(text), dict) and "connections" in found
    ]

    wrong = [
        f"{list(error.absolute_path)}: {error.message}"
        for each in registries
        for error in validator.iter_errors(json.loads(json.dumps(each, default=str)))
    ]

    assert len(registries) > 20
    assert wrong == []


def first(text: str) -> object:
    return next(yaml.safe_load_all(text), None)


@pytest.mark.parametrize(
    ("attributes", "place"),
    [
        ("tables: {a: {connection: x, format: delta, path: p, pth: q}}", ["tables", "a"]),
        ("tables: {a: {connection: x, format: dleta, path: p}}", ["tables", "a", "format"]),
        ("imports: {a: {source: 1, target: b}}", ["imports", "a", "source"]),
        ("connections: {a: {url: 's3://b/', transport: {tries: 1}}}", ["connections", "a", "transport"]),
        ("conections: {}", []),
    ],
)
def test_the_schema_tells_where_a_mistake_is(attributes: str, place: list[str]) -> None:
    (error,) = schema().iter_errors(yaml.safe_load(attributes))

    assert list(error.absolute_path) == place


def test_the_schema_has_descriptions_and_examples_that_it_takes() -> None:
    validator = schema()
    properties = validator.schema["properties"]
    examples = {name: each["examples"][0] for name, each in properties.items() if "examples" in each}
    sections = {name: each for name, each in examples.items() if name != "registry"}

    assert {"connections", "tables", "imports", "media", "exports", "translation"} <= {*sections}
    assert [*validator.iter_errors(sections)] == []
    assert all("$ref" in each or each["description"] for each in properties.values())


def test_the_schema_takes_templates_variables_and_short_forms() -> None:
    attributes = yaml.safe_load(
        "connections: {lake: {url: 's3://{{ env.BUCKET }}/', region: {env: REGION, default: eu-central-1}}}\n"
        "tables: '{{ my_tables() }}'\n"
        "watch: {every_seconds: '{{ env.SECONDS }}'}\n"
    )
    shares = yaml.safe_load(
        "tables: {a: {connection: lake, format: delta, path: a, checks: {row_count: {change: 50%}}}}"
    )

    assert [*schema().iter_errors(attributes), *schema().iter_errors(shares)] == []
