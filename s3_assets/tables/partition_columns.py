"""How a table says which columns hold Dagster's partition keys."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema


def _by_dimension(columns: object) -> object:
    names = [columns] if isinstance(columns, str) else columns
    return dict(zip(names, names, strict=True)) if isinstance(names, list | tuple) else names


PartitionColumns = Annotated[
    dict[str, str],
    BeforeValidator(_by_dimension),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                {"type": "array", "items": {"type": "string"}},
                {"type": "object", "additionalProperties": {"type": "string"}},
            ]
        }
    ),
]
"""Dimension to column; one name, or a list of names, where dimensions are called as their columns."""
