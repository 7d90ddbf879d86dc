"""The registry's JSON schema as a `defs.yaml` has it: any value may be a template, or stand in a variable."""

from __future__ import annotations

from copy import deepcopy
from functools import lru_cache
from typing import Any

from s3_assets.registry.models import Registry

Schema = dict[str, Any]

_BRACES = r"\{\{|\{%"
_TEMPLATE: Schema = {"type": "string", "pattern": _BRACES, "description": "A template of Jinja."}
_VARIABLE: Schema = {
    "description": "The value of an environment variable.",
    "type": "object",
    "properties": {"env": {"type": "string"}, "default": True},
    "required": ["env"],
    "additionalProperties": False,
}
_SHARED: dict[str, Schema] = {"Template": _TEMPLATE, "FromEnvironment": _VARIABLE}
_OTHERWISE: list[Schema] = [{"$ref": f"#/$defs/{name}"} for name in _SHARED]
# What the models read in a shorter form, and fill in themselves: pydantic's schema knows neither.
_SHORT: dict[str, Schema] = {
    "AddTime": {"type": "string"},
    "AutomationSettings": {"type": "string"},
    "Cast": {"type": "string"},
    "Constant": {"type": ["string", "number", "boolean", "array", "null"]},
    "Digest": {"type": "string"},
    "JsonField": {"type": "string"},
    "ScheduleSettings": {"type": "string"},
}
_ALSO: dict[tuple[str, str], Schema] = {
    ("S3Connection", "assume_role"): {"$ref": "#/$defs/AssumeRole"},
    ("Filters", "digest"): {"type": "array", "items": {"type": "string"}},
}
_EXAMPLES: dict[str, Schema] = {
    "connections": {"lake": {"url": "s3://my-bucket/base/"}},
    "tables": {"lake/orders": {"connection": "lake", "format": "delta", "path": "lake/orders"}},
    "imports": {"orders": {"source": "landing/orders", "target": "lake/orders", "mode": "append"}},
    "media": {"photos": {"connection": "lake", "path": "photos", "target": "lake/photos"}},
    "exports": {
        "out": {"source": "lake/orders", "connection": "lake", "path_prefix": "out", "format": "csv"}
    },
}
_FILLED_IN = {"S3Connection": "name", "IcebergSettings": "path"}
_ABOUT = ("title", "description", "default", "examples", "deprecated")


def with_registry(own: Schema) -> Schema:
    """Return the schema of a component's own fields with the registry's sections before them."""
    registry = _registry()
    properties = {**registry["properties"], **own.get("properties", {})}
    found = {
        **own,
        "properties": properties,
        "$defs": {**_SHARED, **registry["$defs"], **own.get("$defs", {})},
        "additionalProperties": False,
    }
    if "ui:order" in found:
        found["ui:order"] = [*properties]
    return found


@lru_cache(maxsize=1)
def _registry() -> Schema:
    plain = Registry.model_json_schema()
    definitions = {name: _definition(name, each) for name, each in plain["$defs"].items()}
    properties = {
        name: _value(each) | ({"examples": [_EXAMPLES[name]]} if name in _EXAMPLES else {})
        for name, each in plain["properties"].items()
    }
    return {"properties": properties, "$defs": definitions}


def _definition(name: str, schema: Schema) -> Schema:
    found = deepcopy(schema)
    for (owner, field), also in _ALSO.items():
        if owner == name and field in found["properties"]:
            found["properties"][field] = {"anyOf": [found["properties"][field], also]}
    if name in _FILLED_IN:
        found["required"] = [each for each in found.get("required", []) if each != _FILLED_IN[name]]
    found = _value(found) if "properties" in found else found
    return {"anyOf": [found, _SHORT[name]]} if name in _SHORT else found


def _value(schema: Schema) -> Schema:
    """Return the schema of a value that may be a template as well.

    Mappings and lists stay what they are and may be text besides, so that a mistake inside of one is told of
    where it stands; "not one of these" would be told of the whole.
    """
    if schema.get("type") in ("object", "array"):
        return _container(schema)
    if "discriminator" in schema:
        return _chosen(schema)
    if "$ref" in schema or "const" in schema:
        return schema
    about = {key: schema[key] for key in _ABOUT if key in schema}
    choices = schema.get("anyOf", schema.get("oneOf"))
    if choices is None:
        plain = {key: each for key, each in schema.items() if key not in about}
        return {**about, "anyOf": [plain, *_OTHERWISE]}
    # Empty values are left out, and mappings may be empty: what is optional is no other thing.
    some = [_value(each) for each in choices if each.get("type") != "null"]
    return {**about, **some[0]} if len(some) == 1 else {**about, "anyOf": some}


def _container(schema: Schema) -> Schema:
    inside = {
        key: _value(schema[key])
        for key in ("items", "additionalProperties")
        if isinstance(schema.get(key), dict)
    }
    if "properties" in schema:
        inside["properties"] = {name: _value(each) for name, each in schema["properties"].items()}
    return {**schema, **_wider(schema["type"]), **inside}


def _wider(kind: str) -> Schema:
    return {"type": [kind, "string", "null"], "pattern": _BRACES}


def _chosen(schema: Schema) -> Schema:
    """Return a choice by one field as conditions: the mistakes of the chosen one are told, and no others."""
    told = schema["discriminator"]
    field, mapping = told["propertyName"], told["mapping"]
    about = {key: schema[key] for key in _ABOUT if key in schema}
    return {
        **about,
        **_wider("object"),
        "properties": {field: {"enum": [*mapping]}},
        "required": [field],
        "allOf": [
            {"if": {"properties": {field: {"const": name}}, "required": [field]}, "then": {"$ref": place}}
            for name, place in mapping.items()
        ],
    }
