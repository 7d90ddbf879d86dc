"""Groups, owners and tags: what Dagster would refuse later is refused with its line, and nothing else."""

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from s3_assets.errors import RegistryError
from s3_assets.registry import Registry, load_registry

LONG = "x" * 63


def registry(**words: Any) -> Registry:
    return Registry.model_validate(
        {
            "connections": {"lake": {"url": "s3://some-lake/"}},
            "tables": {"orders": {"connection": "lake", "path": "orders", "format": "delta", **words}},
        }
    )


def asset(**words: Any) -> dg.AssetsDefinition:
    def orders() -> None:
        """An asset of Dagster's own."""

    made: dg.AssetsDefinition = dg.asset(**words)(orders)
    return made


def refused(make: Callable[[], object], *errors: type[Exception]) -> bool:
    try:
        make()
    except errors:
        return True
    return False


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("group", ["shop", "shop/raw", "a b", "shop-raw", "shop//raw", "/shop", "größe", "9_"]),
        ("owners", ["team:shop", "team:", "team:the shop", "shop", "me@shop.com", "me@shop", "a b@c.de", ""]),
        ("tags", ["a:b", "a/b:c", "a:", "a b:c", "a:b c", f"{LONG}:{LONG}", f"{LONG}x:a", f"a:{LONG}x"]),
        ("tags", ["a/b/c:"]),
    ],
)  # fmt: skip
def test_what_dagster_refuses_is_refused(field: str, words: list[str]) -> None:
    for word in words:
        key, _, value = word.partition(":")
        given: Any = {"group": word, "owners": [word], "tags": {key: value}}[field]
        named = {"group_name" if field == "group" else field: given}

        by_dagster = refused(partial(asset, **named), dg.DagsterInvalidDefinitionError)

        assert refused(partial(registry, **{field: given}), ValueError) == by_dagster, word


def test_the_place_is_told(tmp_path: Path) -> None:
    file = tmp_path / "s3_assets.yaml"
    file.write_text(
        """\
connections: { lake: { url: s3://some-lake/ } }
tables:
  orders:
    connection: lake
    path: orders
    format: delta
    owners: [team:shop, nobody]
    tags: { "two words": a }
"""
    )

    with pytest.raises(RegistryError) as caught:
        load_registry(file)

    assert ":7:25: tables.orders.owners.1: an owner is an email address, or a team" in str(caught.value)
    assert re.search(r":8:\d+: tables\.orders\.tags: the key of the tag 'two words'", str(caught.value))
