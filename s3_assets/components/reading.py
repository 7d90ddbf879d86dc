"""From a `defs.yaml` to a registry: by the registry's own reader, so that errors name line and column."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from dagster.components.resolved.errors import ResolutionException

from s3_assets.errors import RegistryError
from s3_assets.registry.loading import Loader, load_registry, read_registry
from s3_assets.registry.yaml_reader import YamlReader

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import dagster as dg
    from pydantic import BaseModel

    from s3_assets.registry.models import Registry

_FIELD = "registry"
_ATTRIBUTES = "attributes"
_MAPPING = "tag:yaml.org,2002:map"


def registry_of(context: dg.ResolutionContext, attributes: BaseModel) -> Registry:
    """Return the registry that attributes name, or are; raises `RegistryError` that lists all problems."""
    sections = attributes.model_extra or {}
    if _FIELD in attributes.model_fields_set:
        return _from_file(context, str(getattr(attributes, _FIELD)), sections)
    tree = context.source_position_tree
    if tree is None:
        # Attributes that no file says, such as those of a test.
        node = yaml.compose(yaml.safe_dump(dict(sections)), Loader=Loader)
        return read_registry(node, Path("defs.yaml"), _reader(context))
    file = Path(tree.position.filename)
    own = set(type(attributes).model_fields)
    return read_registry(_sections(file, tree.position.start.line, own), file, _reader(context))


def _from_file(context: dg.ResolutionContext, named: str, sections: Mapping[str, Any]) -> Registry:
    if sections:
        raise RegistryError(
            f"the component names a registry and declares {', '.join(sections)} itself",
            remedy="Move these to the registry's file, or leave registry out.",
        )
    try:
        path = str(_strict(context).resolve_value(named))
    except ResolutionException as error:
        raise RegistryError(
            f"the path of the registry cannot be told: {_reason(error)}", remedy="Correct its template."
        ) from None
    return load_registry(context.resolve_source_relative_path(path))


def _sections(file: Path, line: int, own: Collection[str]) -> yaml.Node:
    """Return the attributes of the component that begins on a line, without the component's own fields."""
    for document in yaml.compose_all(file.read_text(encoding="utf-8"), Loader=Loader):
        if document.start_mark.line + 1 == line:
            attributes = next((value for key, value in document.value if key.value == _ATTRIBUTES), document)
            pairs = [(key, value) for key, value in attributes.value if key.value not in own]
            return yaml.MappingNode(_MAPPING, pairs, attributes.start_mark, attributes.end_mark)
    raise RegistryError(
        f"{file} has no component on line {line}", remedy="Reload the definitions: the file was changed."
    )


def _reader(context: dg.ResolutionContext) -> YamlReader:
    scope = _strict(context)

    def render(text: str) -> Any:  # noqa: ANN401 - whatever the template says
        try:
            return scope.resolve_value(text)
        except ResolutionException as error:
            raise ValueError(_reason(error)) from None

    return YamlReader(os.environ, render)


class _Environment:
    """`env` in templates: as Dagster's, but a variable that is not set is a mistake, and never None."""

    def __call__(self, name: str, *default: Any) -> Any:  # noqa: ANN401 - the user's own
        found = os.environ.get(name)
        if found is not None:
            return found
        if default:
            return default[0]
        raise ValueError(
            f"the environment variable {name} is not set; set it, or write env('{name}', default)"
        )

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - see above
        # Jinja asks for attributes of its own.
        if name.startswith(("jinja", "_")):
            raise AttributeError(name)
        return self(name)


def _strict(context: dg.ResolutionContext) -> dg.ResolutionContext:
    return context.with_scope(env=_Environment())


def _reason(error: ResolutionException) -> str:
    """Return what Dagster says of a template, without the lines of the file that it quotes."""
    said = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = next((line for line in said if line.startswith("UndefinedError: ")), said[-1] if said else "")
    return f"the template cannot be evaluated: {text.partition(': ')[2] or text}"
