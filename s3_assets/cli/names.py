"""The names in a registry's file, for completion: nothing is checked, resolved or asked of a network."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

FILE_NAME = "s3_assets.yaml"
VARIABLE = "S3_ASSETS_REGISTRY"
SECTIONS_OF: dict[object, tuple[str, ...]] = {}
"""Of each function that `names_of` has made: the sections that it reads."""


def names_of(*sections: str) -> Callable[[Any], list[str]]:
    """Return what an option's or argument's `autocompletion` is: the names in these sections."""

    def complete(ctx: Any) -> list[str]:  # noqa: ANN401 - Typer tells its context from the name
        registry = ctx.find_root().params.get("registry_file")
        return names(sections, None if registry is None else str(registry))

    SECTIONS_OF[complete] = sections
    return complete


def names(sections: Sequence[str], registry: str | None = None) -> list[str]:
    """Return the names in these sections of the file, each once; none if it cannot be read as YAML."""
    import yaml

    from s3_assets.registry.yaml_depth import Loader, require_shallow

    file = registry or os.environ.get(VARIABLE) or _nearest()
    try:
        text = Path(file).read_text(encoding="utf-8")
        require_shallow(text)
        node = yaml.compose(text, Loader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return []
    tops = dict(_entries(node))
    return list(dict.fromkeys(name for each in sections for name, _ in _entries(tops.get(each))))


def _entries(node: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - a YAML node
    if getattr(node, "id", None) == "mapping":
        for key, value in node.value:
            if isinstance(key.value, str):
                yield key.value, value


def _nearest() -> Path:
    here = Path.cwd()
    found = (each / FILE_NAME for each in (here, *here.parents))
    return next(filter(Path.is_file, found), here / FILE_NAME)
