"""Groups, owners and tags of assets, held against Dagster's rules where settings are read.

So a mistake is told with its line, together with all others, and not when Dagster makes its definitions.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

# https://docs.dagster.io/guides/build/assets/metadata-and-tags: names, owners, tags.
_GROUP = re.compile(r"[A-Za-z0-9_]+(?:/[A-Za-z0-9_]+)*")
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,7}")
_TEAM = re.compile(r"team:.+", re.DOTALL)
_TAG_KEY = re.compile(r"(?:(?:[A-Za-z0-9_.-]{1,63}|dagster/kind)/)?[A-Za-z0-9_.-]{1,63}")
_TAG_VALUE = re.compile(r"[A-Za-z0-9_.-]{0,63}")


def _group(name: str) -> str:
    if _GROUP.fullmatch(name) is None:
        raise ValueError("a group is written with letters, digits and _, and with / between two of them")
    return name


def _owner(name: str) -> str:
    if _EMAIL.fullmatch(name) is None and _TEAM.fullmatch(name) is None:
        raise ValueError("an owner is an email address, or a team: write team:NAME")
    return name


def _tags(tags: dict[str, str]) -> dict[str, str]:
    for key, value in tags.items():
        wrong = "key" if _TAG_KEY.fullmatch(key) is None else "value"
        if wrong == "key" or _TAG_VALUE.fullmatch(value) is None:
            raise ValueError(
                f"the {wrong} of the tag '{key}' is to be of letters, digits, '_', '-' and '.', 63 at most"
                + (", with one / if there is a namespace before it" if wrong == "key" else "")
            )
    return tags


Group = Annotated[str, AfterValidator(_group)]
"""The name of an asset group."""

Owners = tuple[Annotated[str, AfterValidator(_owner)], ...]
"""Owners of an asset: people by email, and teams."""

Tags = Annotated[dict[str, str], AfterValidator(_tags)]
"""Tags of an asset."""
