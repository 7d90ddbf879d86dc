"""Where a field of the registry stands, read off the models: for hints, for places, and for secrets."""

from __future__ import annotations

from functools import lru_cache
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from s3_assets.connection.secrets import is_secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Path = tuple[str | int, ...]


def located(location: Sequence[str | int], model: type[BaseModel]) -> tuple[Path, list[str]]:
    """Return an error's path as the file says it, and the fields that the place of its last part knows.

    Pydantic's path also names the member of each union that it tried, which no file says.
    """
    path: list[str | int] = []
    here: list[Any] = [model]
    around = here
    for part in location:
        choices = [member for each in here for member in _members(each)]
        if len(choices) > 1 and path:
            here = [each for each in choices if _is_called(each, str(part))]
            continue
        around = choices
        here = [inner for each in choices for inner in _inside(each, part)]
        path.append(part)
    known = {
        field.alias or name for each in around if _is_model(each) for name, field in each.model_fields.items()
    }
    return tuple(path), sorted(known)


def names_a_secret(path: Path) -> bool:
    """Tell whether a secret belongs there, or its field stands there by mistake."""
    from s3_assets.registry.models import Registry

    if not path or path[-1] not in secret_names():
        return False
    here: list[Any] = [Registry]
    for part in path[:-1]:
        here = [inner for each in here for member in _members(each) for inner in _inside(member, part)]
    # A column, a tag or a table may well be called like one.
    return not any(get_origin(member) is dict for each in here for member in _members(each))


@lru_cache(maxsize=1)
def secret_names() -> frozenset[str]:
    """Return the names of all fields that hold secrets."""
    from s3_assets.registry.models import Registry

    return frozenset(
        name
        for model in _models(Registry, set())
        for name, field in model.model_fields.items()
        if is_secret(field.annotation)
    )


def _models(annotation: Any, seen: set[type[BaseModel]]) -> Iterator[type[BaseModel]]:  # noqa: ANN401 - types are values here
    """Yield every model that an annotation is made of, and those inside, once."""
    if _is_model(annotation):
        if annotation not in seen:
            seen.add(annotation)
            yield annotation
            for field in annotation.model_fields.values():
                yield from _models(field.annotation, seen)
        return
    for each in get_args(annotation):
        yield from _models(each, seen)


def _members(annotation: Any) -> list[Any]:  # noqa: ANN401 - types are values here
    """Return the members of a union but None, or the annotation itself."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _members(get_args(annotation)[0])
    if origin in {Union, UnionType}:
        return [member for each in get_args(annotation) if each is not NoneType for member in _members(each)]
    return [annotation]


def _inside(annotation: Any, part: str | int) -> list[Any]:  # noqa: ANN401 - types are values here
    """Return what stands in a value of that type under a field's name, a key, or an index."""
    if _is_model(annotation):
        return [
            field.annotation for name, field in annotation.model_fields.items() if part in {name, field.alias}
        ]
    arguments = get_args(annotation)
    if get_origin(annotation) is dict:
        return [arguments[1]]
    if get_origin(annotation) in {tuple, list}:
        return [arguments[0]]
    return []


def _is_called(member: Any, tag: str) -> bool:  # noqa: ANN401 - types are values here
    """Tell whether pydantic calls a member of a union so: by its distinguishing value, or by its name."""
    if not _is_model(member):
        return False
    # A model with checks of its own is called function-after[check(), Model].
    if tag == member.__name__ or tag.endswith((f" {member.__name__}]", f",{member.__name__}]")):
        return True
    literals = [field.annotation for field in member.model_fields.values()]
    return any(get_origin(each) is Literal and tag in get_args(each) for each in literals)


def _is_model(annotation: Any) -> bool:  # noqa: ANN401 - types are values here
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
