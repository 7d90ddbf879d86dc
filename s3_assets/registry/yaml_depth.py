"""How deep a text of YAML is nested: told before anything that calls itself for each level reads it."""

from __future__ import annotations

import yaml

Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Makes nodes; none of YAML's loaders that make objects of tags is used anywhere."""

DEEPEST = 100
"""Levels; a registry has eight."""

# LibYAML's composer calls itself for each level, and runs out of stack at some 50,000 of them: that ends the
# process. Fewer than these brackets and columns cannot make so many.
_HARMLESS = 10_000


def require_shallow(text: str) -> None:
    """Raise `yaml.MarkedYAMLError` for a text that is nested deeper than anybody means."""
    brackets = text.count("[") + text.count("{")
    if brackets + max(map(len, text.splitlines()), default=0) < _HARMLESS:
        return
    depth = 0
    for event in yaml.parse(text, Loader=Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEEPEST:
                found = f"it is nested more than {DEEPEST} levels deep"
                raise yaml.MarkedYAMLError(problem=found, problem_mark=event.start_mark)  # type: ignore[arg-type]  # LibYAML's mark
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
