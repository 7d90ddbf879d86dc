"""The site's page of the registry: every field of every model, with type, default and description."""

import datetime as dt
import inspect
from collections.abc import Iterator
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from s3_assets.registry.models import Registry

_ESCAPED = str.maketrans({"|": r"\|", "<": "&lt;", "\n": " "})
_NAMES: dict[Any, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    Path: "path",
    dt.date: "date",
    dt.datetime: "time",
    dt.timedelta: "duration",
    Any: "any value",
    object: "any value",
}
_HEAD = """\
# Settings

Every field that `s3_assets.yaml` may have, and the same in Python. Fields that are missing here are errors
when the registry is loaded, each with its line. Text, numbers and the like can also be `{ env: NAME }`, or
`{ env: NAME, default: ... }`.

"""


def models() -> list[type[BaseModel]]:
    """Return the registry and every model inside of it, each once, in the order in which they are met."""
    found: dict[type[BaseModel], None] = {}
    _collect(Registry, found)
    return list(found)


def page() -> str:
    """Return the page."""
    return _HEAD + "\n".join(_section(each) for each in models())


def anchor(model: type[BaseModel]) -> str:
    """Return the part of the address behind `#` at which a model stands."""
    return model.__name__.lower()


def _collect(annotation: Any, found: dict[type[BaseModel], None]) -> None:  # noqa: ANN401 - types are values here
    if _is_model(annotation):
        if annotation in found:
            return
        found[annotation] = None
        for field in annotation.model_fields.values():
            _collect(field.annotation, found)
        return
    for each in get_args(annotation):
        _collect(each, found)


def _section(model: type[BaseModel]) -> str:
    rows = "".join(
        _row(field.alias or name, field) for name, field in model.model_fields.items() if not field.exclude
    )
    introduction = inspect.getdoc(model) or ""
    return f"## {model.__name__}\n\n{introduction}\n\n| field | type | default | |\n|---|---|---|---|\n{rows}"


def _row(name: str, field: FieldInfo) -> str:
    return (
        f"| `{name}` | {_type(field.annotation)} | {_default(field)} | {told(field).translate(_ESCAPED)} |\n"
    )


def _type(annotation: Any) -> str:  # noqa: ANN401 - types are values here
    return " or ".join(dict.fromkeys(_types(annotation)))


def _types(annotation: Any) -> Iterator[str]:  # noqa: ANN401 - types are values here
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from _types(arguments[0])
    elif origin in {Union, UnionType}:
        for each in arguments:
            if each is not NoneType:
                yield from _types(each)
    elif origin is Literal:
        yield from (f"`{each}`" for each in arguments)
    elif origin in {tuple, list, set, frozenset}:
        yield f"list of {_type(arguments[0])}"
    elif origin is not None and len(arguments) == 2:
        yield f"{_type(arguments[0])} to {_type(arguments[1])}"
    elif _is_model(annotation):
        yield f"[{annotation.__name__}](#{anchor(annotation)})"
    elif hasattr(annotation, "__members__"):
        yield from (f"`{each.value}`" for each in annotation)
    else:
        yield _NAMES.get(annotation, getattr(annotation, "__name__", str(annotation)))


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if field.default_factory is not None or field.default in (None, PydanticUndefined, (), ""):
        return "-"
    value = getattr(field.default, "value", field.default)
    if isinstance(value, BaseModel):
        return "-"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`".translate(_ESCAPED)


def told(field: FieldInfo) -> str:
    """Return what is said of a field: its description, or the first line of its model's docstring."""
    if field.description:
        return field.description
    if get_origin(field.annotation) is Literal and get_args(field.annotation) == (field.default,):
        return "Says which of them it is."
    found: dict[type[BaseModel], None] = {}
    _collect(field.annotation, found)
    return (inspect.getdoc(next(iter(found))) or "").partition("\n")[0] if found else ""


def _is_model(annotation: Any) -> bool:  # noqa: ANN401 - types are values here
    return inspect.isclass(annotation) and issubclass(annotation, BaseModel)
