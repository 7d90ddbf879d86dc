"""docs/connection.md: its tables are compared with the models, its three spellings with each other."""

import os
import re
import tomllib
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from s3_assets import errors
from s3_assets.connection import (
    auth,
    catalogs,
    network_symptoms,
    secret_stores,
    secrets,
    settings,
    symptoms,
    transport,
)
from s3_assets.connection.settings import S3Connection
from s3_assets.connection.symptom import Symptom
from s3_assets.registry.loading import parse_registry
from s3_assets.resources import S3ConnectionResource

PAGE = (Path(__file__).parent.parent / "docs" / "connection.md").read_text(encoding="utf-8")
SECTIONS: dict[str, dict[str, type[BaseModel]]] = {
    "Fields": {"": S3Connection},
    "Roles on top": {"": auth.AssumeRole},
    "Secrets": {
        "": secrets.SecretReference,
        "secrets_manager.": secret_stores.SecretsManagerSecret,
        "ssm.": secret_stores.ParameterSecret,
    },
    "Transport": {"": transport.Transport},
    "Proxy": {"": transport.Proxy},
    "TLS": {"": transport.Tls},
    "Encryption": {"": transport.Encryption, "client_side.": transport.ClientSideEncryption},
    "Other services": {"": settings.ServiceEndpoints},
}


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def rows(title: str) -> list[list[str]]:
    """The cells of a section's tables, without the titles and the line below them."""
    found = [line.strip("| ").split("|") for line in section(title).splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in row] for row in found]


def told(model: type[BaseModel], name: str) -> str:
    """How the page tells the default of a field."""
    field = model.model_fields[name]
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True)
    if isinstance(default, BaseModel):
        return "below"
    if default is None or default == ():
        return "-"
    plain = default.value if isinstance(default, Enum) else default
    return f"`{str(plain).lower() if isinstance(plain, bool) else plain}`"


@pytest.mark.parametrize("title", SECTIONS)
def test_every_field_is_there_with_its_default(title: str) -> None:
    expected = {
        f"`{prefix}{name}`": told(model, name)
        for prefix, model in SECTIONS[title].items()
        for name in model.model_fields
    }

    found = {row[0]: row[1] for row in rows(title) if row[0].startswith("`")}

    assert found == expected


def test_every_way_to_authenticate_is_there() -> None:
    expected = []
    for kind in get_args(get_args(auth.Auth)[0]):
        way = kind.model_fields["type"].default
        fields = [name for name in kind.model_fields if name != "type"]
        expected += [(f"`{way}`", f"`{name}`", told(kind, name)) for name in fields]
        expected += [] if fields else [(f"`{way}`", "", "")]

    found = [(row[0], row[1], row[2]) for row in rows("Authentication") if row[0].startswith("`")]

    assert found[1:] == expected


def test_every_catalog_is_there() -> None:
    expected: list[tuple[str, ...]] = [
        (f"`{kind.model_fields['type'].default}`", f"`{name}`", told(kind, name))
        for kind in get_args(get_args(catalogs.Catalog)[0])
        for name in kind.model_fields
        if name != "type"
    ]
    expected += [(f"`{name}`", told(catalogs.OAuth2, name)) for name in catalogs.OAuth2.model_fields]

    found = [tuple(row[:-1]) for row in rows("Iceberg catalogs") if row[0] not in {"`type`", "field"}]

    assert found == expected


def test_every_symptom_is_there() -> None:
    expected = {
        (each.found, f"`{each.error.__name__}`", each.remedy)
        for module in (symptoms, network_symptoms)
        for each in vars(module).values()
        if isinstance(each, Symptom)
    }

    found = [(row[0], row[1], row[2]) for row in rows("Errors")[1:]]

    assert len(found) == len(set(found))
    assert set(found) == expected
    assert all(issubclass(getattr(errors, each[1].strip("`")), errors.S3AssetsError) for each in found)


def test_the_three_spellings_are_equal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LAKE_KEY", "LAKE_EXTERNAL_ID", "PROXY_PASSWORD", "CATALOG_CLIENT"):
        monkeypatch.setenv(name, f"the value of {name}")
    (yaml,) = examples("yaml", "Three spellings")
    python, resource = [executed(each)["lake"] for each in examples("python", "Three spellings")]

    assert isinstance(python, S3Connection)
    assert isinstance(resource, S3ConnectionResource)
    expected = plain(parse_registry(yaml, Path("s3_assets.yaml"), {}).connections["lake"])
    assert plain(python) == expected
    assert plain(resource.connection()) == expected


def test_the_spellings_show_every_part() -> None:
    (yaml,) = examples("yaml", "Three spellings")
    connection = parse_registry(yaml, Path("s3_assets.yaml"), {}).connections["lake"]

    left_out = {"match_subfolder_exactly"}
    assert {*S3Connection.model_fields} - connection.model_fields_set == left_out


def examples(language: str, title: str) -> Iterator[str]:
    return iter(re.findall(rf"^```{language}\n(.*?)^```$", section(title), re.MULTILINE | re.DOTALL))


def executed(text: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(text, "example", "exec"), names)  # noqa: S102 - the page's own lines
    return names


def plain(value: object) -> object:
    """Everything that is set, with the secrets of variables read: a resource has no reference for those."""
    if isinstance(value, secrets.SecretReference) and value.env is not None:
        return os.environ[value.env]
    if isinstance(value, BaseModel):
        return {name: plain(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, tuple):
        return [plain(each) for each in value]
    return value


def test_every_extra_is_there() -> None:
    project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())["project"]

    found = [row[0] for row in rows("Extras")[1:]]

    assert sorted(found[1:]) == sorted(f"`s3-assets[{name}]`" for name in project["optional-dependencies"])
