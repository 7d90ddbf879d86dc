"""Places of discovery as a registry declares them: what becomes of them, and what is refused."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from s3_assets.builder import build_definitions
from s3_assets.errors import RegistryError
from s3_assets.permissions.folders import folders_of
from s3_assets.registry import Registry
from s3_assets.registry.loading import load_registry

CONNECTIONS = {"shop": {"url": "s3://shop/", "endpoint": "http://nobody.invalid", "region": "us-east-1"}}


def test_a_sensor_for_each_place_and_what_it_may_do(tmp_path: Path) -> None:
    """Nothing is asked of the network: nobody is there."""
    place = {"connection": "shop", "path": "landing", "write_to": "s3_assets.yaml"}
    file = tmp_path / "s3_assets.yaml"
    file.write_text(yaml.safe_dump({"connections": CONNECTIONS, "discovery": {"raw/landing": place}}))

    registry = load_registry(file)
    definitions = build_definitions(registry)

    assert registry.discovery["raw/landing"].write_to == file
    assert [each.name for each in definitions.sensors or ()] == ["raw_landing_discovery"]
    assert [each.location.key for each in folders_of(registry, "shop")] == ["landing/"]


@pytest.mark.parametrize(
    ("places", "told"),
    [
        ({"a": {"connection": "shpo"}}, "a.connection: there is no connection 'shpo'; did you mean 'shop'"),
        ({"a": {"connection": "shop", "path": "/a"}}, "a.path: the path '/a' starts with a slash"),
        ({"a": {"connection": "shop", "exclude": ["/a"]}}, "a.exclude: '/a' fits nothing"),
        ({"a": {"connection": "shop", "excludes": ["a"]}}, "a.excludes: there is no such field"),
        (
            {"a_b": {"connection": "shop"}, "a/b": {"connection": "shop"}},
            "a/b: its sensor would be called like that of 'a_b'",
        ),
    ],
    ids=["connection", "path", "glob", "field", "name"],
)
def test_refused(places: dict[str, Any], told: str) -> None:
    sections: dict[str, Any] = {"connections": CONNECTIONS, "discovery": places}

    with pytest.raises(RegistryError) as error:
        Registry(**sections)
    assert f"discovery.{told}" in str(error.value)
