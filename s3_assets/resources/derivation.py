"""Dagster's configuration made of the connection's models, so that the two cannot differ.

Dagster knows neither tuples, paths nor enumerations by value, and an `EnvVar` stands for text alone. So text
stands for all of these here, and the connection's models check it once the variables are read. A secret has
two fields: `x` for an `EnvVar`, and `x_from` for the place where it is kept.
"""

from enum import Enum
from functools import lru_cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import dagster as dg
from pydantic import BaseModel, ConfigDict, Field, create_model, model_serializer
from pydantic.fields import FieldInfo

from s3_assets.connection.secrets import SecretReference, is_secret
from s3_assets.errors import SettingError

FROM = "_from"
_HOME = "s3_assets.resources.parts"


class ConnectionConfig(dg.Config):
    """What all parts have in common: unknown fields are refused, and secrets are shown to nobody."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    @model_serializer
    def _without_secrets(self) -> dict[str, object]:
        return discreet_values(self)


class NothingConfig(ConnectionConfig):
    """What stands for a part that is left out, where Dagster wants one of several: it knows no other way."""

    type: Literal["none"] = "none"


@lru_cache(maxsize=64)
def config_class(model: type[BaseModel]) -> type[dg.Config]:
    """Return the configuration class of a model, and always the same one."""
    fields: dict[str, Any] = config_fields(model)
    made: type[dg.Config] = create_model(
        f"{model.__name__}Config",
        __base__=ConnectionConfig,
        __doc__=model.__doc__,
        __module__=_HOME,
        **fields,
    )
    return made


def config_fields(model: type[BaseModel]) -> dict[str, tuple[Any, FieldInfo]]:
    """Return the fields of a model as `create_model` takes them."""
    fields: dict[str, tuple[Any, FieldInfo]] = {}
    for name, field in model.model_fields.items():
        if is_secret(field.annotation):
            hint = f"{field.description or 'A secret.'} Give a dg.EnvVar, or {name}{FROM}."
            # Dagster's own mark: its UI and its scaffolding leave the value out.
            marked = {"repr": False, "json_schema_extra": {"dagster__is_secret": True}}
            kept = {"description": f"Where {name} is kept."}
            fields[name] = (str | None, _field({"default": None, "description": hint, **marked}))
            fields[f"{name}{FROM}"] = (
                config_class(SecretReference) | None,
                _field({"default": None, **kept}),
            )
        elif (choice := _optional_choice(field.annotation)) is not None:
            kind, discriminator = choice
            told = {"description": field.description, "discriminator": discriminator}
            fields[name] = (kind | NothingConfig, _field({**told, "default_factory": NothingConfig}))
        else:
            fields[name] = (_kind(field.annotation), _settings(field))
    return fields


def plain_values(config: dg.Config) -> dict[str, object]:
    """Return what the connection's model takes: variables read, secrets in one field, the unset left out.

    Raises `SettingError` for a variable that is not set, and for a secret that is given twice.
    """
    kinds = type(config).model_fields
    values = {name: _plain(getattr(config, name)) for name in kinds}
    for name in [name for name in kinds if f"{name}{FROM}" in kinds]:
        place = values.pop(f"{name}{FROM}")
        if place is not None:
            if values[name] is not None:
                raise SettingError(
                    f"{name} and {name}{FROM} are both given",
                    remedy="Give one of them, the other is left out.",
                )
            values[name] = place
    return {name: value for name, value in values.items() if value is not None}


def discreet_values(config: dg.Config) -> dict[str, object]:
    """Return the fields for a dump, with secrets blanked out."""
    kinds = type(config).model_fields
    return {
        name: "***"
        if f"{name}{FROM}" in kinds and getattr(config, name) is not None
        else getattr(config, name)
        for name in kinds
    }


def bare_secrets(value: object, path: str = "") -> list[str]:
    """Return the paths of secrets that stand as text in the configuration objects of a Python file."""
    if isinstance(value, list | tuple):
        return [found for index, each in enumerate(value) for found in bare_secrets(each, f"{path}[{index}]")]
    if not isinstance(value, dg.Config):
        return []
    found: list[str] = []
    kinds = type(value).model_fields
    for name in kinds:
        each = getattr(value, name)
        here = f"{path}.{name}".lstrip(".")
        if f"{name}{FROM}" in kinds and isinstance(each, str) and not isinstance(each, dg.EnvVar):
            found.append(here)
        found.extend(bare_secrets(each, here))
    return found


def _plain(value: object) -> object:
    if isinstance(value, NothingConfig):
        return None
    if isinstance(value, dg.Config):
        return plain_values(value)
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if not isinstance(value, dg.EnvVar) and not hasattr(value, "get_value"):
        return value
    # Outside of a run, Dagster reads no variables.
    found: object = value.get_value()
    if found is None:
        name = getattr(value, "env_var_name", value)
        raise SettingError(f"the environment variable {name} is not set", remedy="Set it and start again.")
    return found


def _kind(annotation: Any) -> Any:  # noqa: ANN401 - types are values here
    """Return the annotation that Dagster understands in place of one of ours."""
    origin = get_origin(annotation)
    arguments = get_args(annotation)
    if origin is Annotated:
        return _kind(arguments[0])
    if origin in {Union, UnionType}:
        return Union[tuple(_kind(each) for each in arguments)]  # noqa: UP007 - made when the program runs
    if origin is tuple:
        return list[_kind(arguments[0])]  # type: ignore[misc]
    if origin is Literal:
        # One value tells the members of a union apart; several are a choice, and an EnvVar may make it.
        return annotation if len(arguments) == 1 else str
    if isinstance(annotation, type):
        return _class(annotation)
    return annotation


def _optional_choice(annotation: Any) -> tuple[Any, str] | None:  # noqa: ANN401 - types are values here
    """Return the models among which one may be chosen, and the field that tells them apart, if it is so."""
    if get_origin(annotation) not in {Union, UnionType}:
        return None
    members = [each for each in get_args(annotation) if each is not NoneType]
    if len(members) != 1 or len(get_args(annotation)) == 1 or get_origin(members[0]) is not Annotated:
        return None
    choice, told = get_args(members[0])
    return _kind(choice), told.discriminator


def _class(kind: type) -> type:
    if issubclass(kind, BaseModel):
        return config_class(kind)
    return str if issubclass(kind, Enum | Path) else kind


def _settings(field: FieldInfo) -> FieldInfo:
    discriminator = field.discriminator if isinstance(field.discriminator, str) else None
    told: dict[str, Any] = {"description": field.description, "discriminator": discriminator}
    if field.is_required():
        return _field(told)
    default = field.get_default(call_default_factory=True)
    if isinstance(default, BaseModel):
        return _field({**told, "default_factory": config_class(type(default))})
    if isinstance(default, tuple):
        return _field({**told, "default": [*default]})
    return _field({**told, "default": default.value if isinstance(default, Enum) else default})


def _field(told: dict[str, Any]) -> FieldInfo:
    found: FieldInfo = Field(**told)
    return found
