"""Path patterns of OpenMetadata: `*` and `?` inside one folder, `**` through any number of them.

The rules are those of `ingestion/src/metadata/utils/path_pattern.py` of OpenMetadata.
"""

from __future__ import annotations

import re
from functools import lru_cache

_PARTS = re.compile(r"(/\*\*/|^\*\*/|/\*\*$|\*\*|\*|\?)")
_SPELLED = {"/**/": "/(?:.+/)?", "**/": "(?:.+/)?", "/**": "(?:/.+)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
_PLAIN_NAME = re.compile(r"\*(?:\.[A-Za-z0-9.]+)?")


def is_glob(path: str) -> bool:
    """Tell whether the path is a pattern."""
    return "*" in path or "?" in path


@lru_cache(maxsize=256)
def expression(pattern: str) -> re.Pattern[str]:
    """Return the expression that whole keys match."""
    parts = _PARTS.split(pattern)
    return re.compile("".join(_SPELLED.get(part, re.escape(part)) for part in parts), re.DOTALL)


def matches(pattern: str, key: str) -> bool:
    """Tell whether a key is one that the pattern means."""
    return expression(pattern).fullmatch(key) is not None


def static_prefix(pattern: str) -> str:
    """Return the folders, with their slash, that come before the first wildcard."""
    kept = []
    for segment in pattern.split("/")[:-1]:
        if is_glob(segment):
            break
        kept.append(segment)
    return "".join(f"{segment}/" for segment in kept)


def names_wanted(pattern: str) -> str | None:
    """Return the expression that paths below the table match, where their ending alone does not tell them."""
    name = pattern.rpartition("/")[2]
    if _PLAIN_NAME.fullmatch(name) or name == "**":
        return None
    return f"(?:.*/)?{expression(name).pattern}$"
