"""The files of `deploy/`, parsed."""

import re
from pathlib import Path
from typing import Any

import yaml

CLONE = Path(__file__).parents[2]
DEPLOY = CLONE / "deploy"


def parsed(name: str) -> Any:
    return yaml.safe_load((DEPLOY / name).read_text())


def variables(value: Any) -> set[str]:
    """The environment variables that a file of Dagster asks for."""
    if isinstance(value, dict):
        if set(value) == {"env"}:
            return {value["env"]}
        return set().union(*map(variables, value.values()))
    if isinstance(value, list):
        return set().union(*map(variables, value))
    return set()


def example() -> dict[str, str]:
    """The variables of the example, those that are commented out, too."""
    lines = (DEPLOY / "environment.example").read_text().splitlines()
    return dict(re.findall(r"^#?([A-Z0-9_]+)=(.*)$", "\n".join(lines), re.MULTILINE))


class _Template(yaml.SafeLoader):
    """CloudFormation's short forms, as its long ones."""


def _long(loader: _Template, suffix: str, node: yaml.Node) -> Any:
    name = suffix if suffix == "Ref" else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        return {name: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    raise TypeError(node)


_Template.add_multi_constructor("!", _long)


def template() -> Any:
    """The stack of ECS."""
    return yaml.load((DEPLOY / "ecs" / "stack.yaml").read_text(), _Template)  # noqa: S506 - a safe one, see above
