"""Problems of a registry: each with the path of the field that it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from s3_assets.errors import RegistryError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import ValidationError


# How pydantic calls the members of our unions in the path of an error.
_TAGS = frozenset(
    {
        "delta",
        "parquet",
        "default",
        "access_key",
        "profile",
        "anonymous",
        "str",
        "SecretReference",
        "date",
        "datetime",
    }
)


class Problem(NamedTuple):
    """What is wrong, and the path of keys that leads to it."""

    path: tuple[str | int, ...]
    text: str


class RegistryProblems(RegistryError):
    """Problems that are still without the file's lines and columns."""

    def __init__(self, found: Sequence[Problem]) -> None:
        self.found_problems = tuple(found)
        super().__init__(
            "the registry is wrong:", problems=[f"{dotted(each.path)}: {each.text}" for each in found]
        )


def raise_problems(found: Sequence[Problem]) -> None:
    """Raise all of them at once, if there are any."""
    if found:
        raise RegistryProblems(found)


def from_validation(error: ValidationError) -> list[Problem]:
    """Read pydantic's errors, without the values that they quote, which may be secrets."""
    problems = []
    for each in error.errors(include_input=False, include_url=False):
        # Names of tables come second; a table may well be called like a member of a union.
        path = (*each["loc"][:2], *(part for part in each["loc"][2:] if not _is_tag(part)))
        problems.append(Problem(path, _text(each)))
    return problems


def dotted(path: Sequence[str | int]) -> str:
    """Write a path as people do: `tables.lake/orders.path`."""
    return ".".join(str(part) for part in path) or "the registry"


def _text(each: Any) -> str:  # noqa: ANN401 - pydantic's error details
    if each["type"] == "extra_forbidden":
        return "there is no such field; check its spelling against the documentation"
    if each["type"] == "missing":
        return "this field is missing"
    return str(each["msg"]).removeprefix("Value error, ")


def _is_tag(part: str | int) -> bool:
    """Tell whether the part names a member of a union, which the file does not say."""
    return part in _TAGS or (isinstance(part, str) and part.startswith("function-"))
