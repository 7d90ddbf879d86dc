"""YAML read by node: plain values, references to the environment, and where each value stands."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import yaml

from s3_assets.registry.fields import names_a_secret
from s3_assets.registry.problems import Problem
from s3_assets.registry.yaml_depth import DEEPEST

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

Render = Callable[[str], Any]
"""Evaluates text with a template in it; raises `ValueError` that says what is wrong."""

_TEMPLATE = re.compile(r"\{\{|\{%")
# The same variable, asked for in a way that reads it now.
_OF_ENVIRONMENT = re.compile(r"""^\{\{\s*env(?:\.(\w+)|\(\s*(?:"(\w+)"|'(\w+)')\s*\))\s*\}\}$""")
_VARIABLE = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")
# A few hundred bytes of anchors inside of anchors stand for more values than any memory holds.
_MOST_REPEATED = 100_000
# YAML's own rules for a value of a tag that is not one raise whatever comes first.
_NO_VALUE = (ValueError, KeyError, IndexError, AttributeError, TypeError, OverflowError)


class YamlReader:
    """Makes plain values of YAML's nodes and remembers where each one stands."""

    def __init__(self, environment: Mapping[str, str], render: Render | None = None) -> None:
        self._environment = environment
        self._render = render
        self._marks: dict[tuple[str | int, ...], tuple[int, int]] = {}
        self._open: set[int] = set()
        self._seen: set[int] = set()
        self._repeated = 0
        self.problems: list[Problem] = []
        self.secrets: set[str] = set()
        """What stands where a secret belongs: no message may repeat it."""
        # Builds scalars by YAML's own rules (numbers, dates, booleans).
        self._constructor = yaml.constructor.SafeConstructor()

    def read(self, node: yaml.Node, path: tuple[str | int, ...]) -> Any:  # noqa: ANN401 - any YAML value
        """Return the node's value; what is wrong with it is added to `problems`."""
        self._marks.setdefault(path, _mark(node))
        if id(node) in self._open:
            self.problems.append(Problem(path, "this refers to itself"))
            return None
        if self._endless(node, path):
            return None
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, path)
            if isinstance(node, yaml.SequenceNode):
                return [self.read(each, (*path, index)) for index, each in enumerate(node.value)]
            return self._scalar(node, path)
        finally:
            self._open.remove(id(node))

    def _endless(self, node: yaml.Node, path: tuple[str | int, ...]) -> bool:
        """Tell whether the text says more than is read of it, and note that once."""
        if len(path) > DEEPEST:
            self.problems.append(Problem(path[:DEEPEST], f"this is nested more than {DEEPEST} levels deep"))
            return True
        if id(node) in self._seen:
            self._repeated += 1
            if self._repeated == _MOST_REPEATED:
                text = f"anchors are repeated more than {_MOST_REPEATED:,} times; write out what is meant"
                self.problems.append(Problem(path, text))
        self._seen.add(id(node))
        return self._repeated >= _MOST_REPEATED

    def line(self, path: tuple[str | int, ...]) -> int | None:
        """Return the line on which a path stands, if it does."""
        mark = self._marks.get(path)
        return mark[0] if mark is not None else None

    def place(self, path: Sequence[str | int], file: Path) -> str:
        """Return file, line and column of a path, or of the nearest part of it that the file has."""
        for length in range(len(path), -1, -1):
            mark = self._marks.get(tuple(path[:length]))
            if mark is not None:
                return f"{file}:{mark[0]}:{mark[1]}"
        return str(file)

    def _scalar(self, node: yaml.Node, path: tuple[str | int, ...]) -> Any:  # noqa: ANN401 - any YAML value
        if self._render is not None and _TEMPLATE.search(str(node.value)):
            return self._rendered(str(node.value), path, self._render)
        if names_a_secret(path):
            # A secret is text, even if it reads like a number or a date.
            self.secrets.add(str(node.value))
            return None if node.tag == "tag:yaml.org,2002:null" else str(node.value)
        try:
            return self._constructor.construct_object(node)
        except yaml.constructor.ConstructorError:
            text = (
                "this is a tag that a registry does not know; put the value into quotes, or write it without"
            )
        except _NO_VALUE as error:
            why = str(error) if isinstance(error, ValueError) else type(error).__name__
            text = f"this is no value that YAML knows ({why}); correct it, or put it into quotes"
        self.problems.append(Problem(path, text))
        return None

    def _rendered(self, text: str, path: tuple[str | int, ...], render: Render) -> Any:  # noqa: ANN401 - any value
        secret = names_a_secret(path)
        variable = _OF_ENVIRONMENT.match(text.strip())
        if secret and variable is not None:
            # Read when a request needs it; a template would read it now, and 1e3 would come out as a number.
            return {"env": next(filter(None, variable.groups()))}
        try:
            value = render(text)
        except ValueError as error:
            self.problems.append(Problem(path, str(error)))
            return None
        if secret and value is not None:
            self.secrets.add(str(value))
            return str(value)
        return value

    def _mapping(self, node: yaml.MappingNode, path: tuple[str | int, ...]) -> Any:  # noqa: ANN401 - any YAML value
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._marks[*path, "?"] = _mark(key_node)
                self.problems.append(Problem((*path, "?"), "a key is one word, not a list or a mapping"))
                continue
            # As it is written: `on` and `2026` are names here, not a boolean and a number.
            key = str(key_node.value)
            here = (*path, key)
            self._marks[here] = _mark(key_node)
            if key in values:
                self.problems.append(Problem(here, "this key stands here twice; remove one of them"))
            values[key] = self.read(value_node, here)
        if values.keys() not in ({"env"}, {"env", "default"}):
            return values
        name = str(values["env"])
        if not _VARIABLE.match(name):
            # Not quoted: it may well be the secret itself.
            self.secrets.add(name)
            self.problems.append(
                Problem(
                    (*path, "env"),
                    "this is not the name of an environment variable; write the name, never the value",
                )
            )
            return None
        if names_a_secret(path):
            # The reference stays: a secret is read when a request needs it, never before.
            return values
        return self._from_environment(name, values, path)

    def _from_environment(self, name: str, values: dict[str, Any], path: tuple[str | int, ...]) -> Any:  # noqa: ANN401 - any YAML value
        found = self._environment.get(name)
        if found:
            return found
        if "default" not in values:
            self.problems.append(
                Problem(path, f"the environment variable {name} is not set; set it, or add a default")
            )
        return values.get("default")


def _mark(node: yaml.Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1
