"""Loading the registry's YAML, with line and column of what is wrong in it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from s3_assets.collector import paused
from s3_assets.errors import RegistryError
from s3_assets.registry.finding import FILE_NAME, VARIABLE, find_registry
from s3_assets.registry.models import Registry
from s3_assets.registry.paths import with_paths_from
from s3_assets.registry.places import Places
from s3_assets.registry.problems import Problem, UnplacedRegistryError, discreet, dotted
from s3_assets.registry.yaml_depth import Loader, require_shallow
from s3_assets.registry.yaml_reader import YamlReader

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["FILE_NAME", "VARIABLE", "Loader", "find_registry", "load_registry", "parse_registry"]

_PLACED = ("tables", "imports", "media", "exports")


def load_registry(
    path: Path | str | None = None, *, environment: Mapping[str, str] | None = None
) -> Registry:
    """Read and check a registry file; raises `RegistryError` that lists all problems with line and column."""
    file = Path(path) if path is not None else find_registry()
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise RegistryError(
            f"{file} cannot be read ({error.strerror})", remedy="Check its path and permissions."
        ) from error
    except UnicodeDecodeError as error:
        # Not chained: the error holds the file's bytes.
        raise RegistryError(
            f"{file} is not UTF-8: byte {error.start} cannot be read", remedy="Save it as UTF-8."
        ) from None
    return parse_registry(text, file, os.environ if environment is None else environment)


@paused()
def parse_registry(text: str, file: Path, environment: Mapping[str, str]) -> Registry:
    """Check the text of a registry file; its paths are resolved against the file's folder."""
    return read_registry(_compose(text, file), file, YamlReader(environment))


def read_registry(node: yaml.Node | None, file: Path, reader: YamlReader) -> Registry:
    """Check what a node of YAML says; its paths are resolved against the file's folder."""
    data = reader.read(node, ()) if node is not None else {}
    try:
        registry = Registry(**_sections(data, file, reader.problems))
    except UnplacedRegistryError as error:
        problems = error.found_problems
    else:
        lines = {
            (section, name): line
            for section in _PLACED
            for name in getattr(registry, section)
            if (line := reader.line((section, name))) is not None
        }
        return with_paths_from(registry, file.parent.absolute()).placed(Places(file.absolute(), lines))
    # Not chained, and without what stands where a secret belongs: Dagster shows whole chains.
    raise RegistryError(
        f"{file} is wrong:",
        problems=[
            f"{reader.place(path, file)}: {discreet(f'{dotted(path)}: {text}', reader.secrets)}"
            for path, text in problems
        ],
    ) from None


def _compose(text: str, file: Path) -> Any:  # noqa: ANN401 - a YAML node, or None for an empty file
    try:
        require_shallow(text)
        return yaml.compose(text, Loader=Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{file}:{mark.line + 1}:{mark.column + 1}" if mark else str(file)
        # Names of aliases and tags are cut off: an unquoted secret may begin like one.
        problem = str(error.problem).partition(" '")[0].partition(' "')[0]
    except yaml.YAMLError as error:
        place, problem = str(file), f"{type(error).__name__}: it has characters that no YAML may have"
    raise RegistryError(
        f"{place}: this is not YAML: {problem}",
        remedy="Mend the line; text that begins with * & ! % @ or ` must stand in quotes.",
    )


def _sections(data: object, file: Path, problems: Sequence[Problem]) -> dict[str, Any]:
    """Return the file's sections, without empty ones, and with paths that no longer depend on its place."""
    if not isinstance(data, dict):
        raise UnplacedRegistryError(
            [*problems, Problem((), "the file must hold the keys connections, tables, imports")]
        )
    if problems:
        raise UnplacedRegistryError(problems)
    sections = {name: value for name, value in data.items() if value is not None}
    code = sections.get("code")
    if isinstance(code, list) and all(isinstance(each, str) for each in code):
        paths = [file.parent / each for each in code]
        missing = [
            Problem(("code", index), f"there is no file '{code[index]}' beside {file.name}; check its path")
            for index, path in enumerate(paths)
            if not path.is_file()
        ]
        if missing:
            raise UnplacedRegistryError(missing)
        sections["code"] = paths
    return sections
