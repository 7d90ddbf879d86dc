"""Loading the registry's YAML: references to the environment, and errors with line and column."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import ValidationError

from s3_assets.errors import RegistryError
from s3_assets.registry.models import Registry
from s3_assets.registry.problems import Problem, RegistryProblems, dotted, from_validation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FILE_NAME = "s3_assets.yaml"
VARIABLE = "S3_ASSETS_REGISTRY"
# These keep a reference as it is: a secret is read when a request needs it, and is never part of the registry.
_SECRETS = frozenset({"access_key_id", "secret_access_key", "session_token"})
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def find_registry() -> Path:
    """Return the file that S3_ASSETS_REGISTRY names, or `s3_assets.yaml` here or in a folder above."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named)
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / FILE_NAME).is_file():
            return folder / FILE_NAME
    raise RegistryError(
        f"there is no {FILE_NAME} in {here} or above it",
        remedy=f"Write one, or name it with the environment variable {VARIABLE}.",
    )


def load_registry(
    path: Path | str | None = None, *, environment: Mapping[str, str] | None = None
) -> Registry:
    """Read and check a registry file; raises `RegistryError` that lists every problem with line and column."""
    file = Path(path) if path is not None else find_registry()
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise RegistryError(
            f"{file} cannot be read ({error.strerror})", remedy="Check its path and permissions."
        ) from error
    except UnicodeDecodeError as error:
        raise RegistryError(f"{file} is not UTF-8: {error}", remedy="Save it as UTF-8.") from error
    return parse_registry(text, file, os.environ if environment is None else environment)


def parse_registry(text: str, file: Path, environment: Mapping[str, str]) -> Registry:
    """Check the text of a registry file; `code` is resolved against the file's folder."""
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{file}:{mark.line + 1}:{mark.column + 1}" if mark else str(file)
        raise RegistryError(f"{place}: this is not YAML: {error.problem}", remedy="Mend the line.") from error
    reader = _Reader(environment)
    data = reader.read(node, ()) if node is not None else {}
    try:
        if reader.problems:
            raise RegistryProblems(reader.problems)
        if not isinstance(data, dict):
            raise RegistryProblems([Problem((), "the file must hold the keys connections, tables, imports")])
        data["code"] = [file.parent / each for each in data.get("code") or []]
        return Registry.model_validate(data)
    except ValidationError as error:
        problems = from_validation(error)
    except RegistryProblems as error:
        problems = list(error.found_problems)
    raise RegistryError(
        f"{file} is wrong:",
        problems=[f"{reader.place(each.path, file)}: {dotted(each.path)}: {each.text}" for each in problems],
    )


class _Reader:
    """Makes plain values of YAML's nodes and remembers where each one stands."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._marks: dict[tuple[str | int, ...], tuple[int, int]] = {}
        self.problems: list[Problem] = []
        # Builds scalars by YAML's own rules (numbers, dates, booleans).
        self._constructor = yaml.constructor.SafeConstructor()

    def read(self, node: yaml.Node, path: tuple[str | int, ...]) -> Any:  # noqa: ANN401 - any YAML value
        self._marks.setdefault(path, (node.start_mark.line + 1, node.start_mark.column + 1))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(each, (*path, index)) for index, each in enumerate(node.value)]
        return self._constructor.construct_object(node)

    def place(self, path: Sequence[str | int], file: Path) -> str:
        """Return file, line and column of a path, or of the nearest part of it that the file has."""
        for length in range(len(path), -1, -1):
            mark = self._marks.get(tuple(path[:length]))
            if mark is not None:
                return f"{file}:{mark[0]}:{mark[1]}"
        return str(file)

    def _mapping(self, node: yaml.MappingNode, path: tuple[str | int, ...]) -> Any:  # noqa: ANN401 - any YAML value
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(self._constructor.construct_object(key_node))
            here = (*path, key)
            self._marks[here] = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            if key in values:
                self.problems.append(Problem(here, "this key stands here twice"))
            values[key] = self.read(value_node, here)
        if values.keys() in ({"env"}, {"env", "default"}) and not (path and path[-1] in _SECRETS):
            return self._from_environment(values, path)
        return values

    def _from_environment(self, values: dict[str, Any], path: tuple[str | int, ...]) -> Any:  # noqa: ANN401 - any YAML value
        found = self._environment.get(str(values["env"]))
        if found:
            return found
        if "default" not in values:
            self.problems.append(
                Problem(
                    path, f"the environment variable {values['env']} is not set; set it, or add a default"
                )
            )
        return values.get("default")
