"""Problems of a registry: each with the path of the field that it is about."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NamedTuple

from s3_assets.errors import RegistryError
from s3_assets.registry.fields import located

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from pydantic import BaseModel, ValidationError


_FIELD = re.compile(r"^[a-z][a-z_]{0,40}$")
_UNSHOWN = "***"
_NO_TEXT = "this should be a valid string"
# Three shapes of secrets, wherever they stand: a user in a URL, an AWS key id, an AWS secret key.
_SECRET_SHAPES = re.compile(
    r"(?<=://)[^/@\s']+(?=@)"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|(?<![A-Za-z0-9/+=])(?=[A-Za-z0-9/+]*[a-z])(?=[A-Za-z0-9/+]*[A-Z])(?=[A-Za-z0-9/+]*[0-9])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])"
)


class Problem(NamedTuple):
    """What is wrong, and the path of keys that leads to it."""

    path: tuple[str | int, ...]
    text: str


class UnplacedRegistryError(RegistryError):
    """Problems that are still without the file's lines and columns."""

    def __init__(self, found: Iterable[Problem]) -> None:
        self.found_problems = tuple(found)
        super().__init__(
            "the registry is wrong:",
            problems=[discreet(f"{dotted(each.path)}: {each.text}") for each in self.found_problems],
        )


def raise_problems(found: Sequence[Problem]) -> None:
    """Raise all of them at once, if there are any."""
    if found:
        raise UnplacedRegistryError(found)


def from_validation(error: ValidationError, model: type[BaseModel]) -> list[Problem]:
    """Read pydantic's errors of a model, without the values that they quote, which may be secrets."""
    problems: list[Problem] = []
    for each in error.errors(include_input=False, include_url=False):
        cause = each.get("ctx", {}).get("error")
        if isinstance(cause, UnplacedRegistryError):
            problems.extend(cause.found_problems)
            continue
        path, known = located(each["loc"], model)
        problems.append(_problem(path, known, each))
    # Where a text or a mapping may stand, a wrong mapping is no text either.
    return [each for each in problems if not (each.text == _NO_TEXT and _is_mapping(each.path, problems))]


def _is_mapping(path: Sequence[str | int], problems: Sequence[Problem]) -> bool:
    return any(len(each.path) > len(path) and each.path[: len(path)] == path for each in problems)


def dotted(path: Sequence[str | int]) -> str:
    """Write a path as people do: `tables.lake/orders.path`.

    A field that no model could have is not shown: it may be a secret that lost the space before it.
    """
    shown = [str(part) for part in path]
    for index, part in enumerate(path):
        if index != 1 and isinstance(part, str) and not _FIELD.match(part):
            shown[index] = _UNSHOWN
    return ".".join(shown) or "the registry"


def discreet(text: str, secrets: Collection[str] = ()) -> str:
    """Blank out the given secrets, and what has the shape of one."""
    for secret in sorted(secrets, key=len, reverse=True):
        # Shorter ones would blank out parts of ordinary words, and are no secrets.
        if len(secret) >= 6:
            text = text.replace(secret, _UNSHOWN)
    return _SECRET_SHAPES.sub(_UNSHOWN, text)


def did_you_mean(name: str, known: Collection[str]) -> str:
    """Return a hint at what may have been meant, or at what there is."""
    close = get_close_matches(name, known, n=1)
    if close:
        return f"; did you mean '{close[0]}'?"
    return f"; there are {', '.join(sorted(known)[:20])}" if known else "; none is declared"


def _problem(path: tuple[str | int, ...], known: Collection[str], each: Any) -> Problem:  # noqa: ANN401 - pydantic's error details
    context = each.get("ctx", {})
    if each["type"] == "extra_forbidden":
        return Problem(path, f"there is no such field{did_you_mean(str(path[-1]), known)}")
    if each["type"] == "missing":
        return Problem(path, "this field is missing; add it")
    if each["type"] == "union_tag_invalid":
        field = context["discriminator"].strip("'")
        expected = context["expected_tags"]
        hint = did_you_mean(context["tag"], [tag.strip("'") for tag in expected.split(", ")])
        hint = hint if "did you mean" in hint else ""
        return Problem((*path, field), f"this must be one of {expected}{hint}")
    if each["type"] == "union_tag_not_found":
        field = context["discriminator"].strip("'")
        return Problem((*path, field), "this field is missing; add it")
    text = str(each["msg"]).removeprefix("Value error, ")
    return Problem(path, _PLAINER.get(text, text.replace("Input should be", "this should be")))


_PLAINER = {
    "Input should be a valid dictionary": "this should be a mapping, with lines of 'name: value' below it",
    "Input should be a valid dictionary or instance of S3Connection": (
        "this should be a mapping, with lines such as 'url: s3://bucket/' below it"
    ),
    "Input should be a valid dictionary or object to extract fields from": (
        "this should be a mapping, with lines of 'field: value' below it"
    ),
}
