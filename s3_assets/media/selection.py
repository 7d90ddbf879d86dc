"""Which objects below a folder belong to a media set, told by their paths alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

_OURS = "_s3_assets"


@dataclass(frozen=True)
class MediaSelection:
    """A choice among the objects below a folder; paths are those below it.

    `patterns` and `exclude` are globs: `*` and `?` stay inside one folder, `**/` is any number of folders. A
    pattern without a slash is matched against the name alone. `extensions` are compared in lower case. Folder
    markers, and what s3-assets keeps for itself, never belong to it.
    """

    patterns: tuple[str, ...] = ()
    extensions: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def takes(self, path: str) -> bool:
        """Tell whether the object belongs to the media set."""
        if not path or path.endswith("/") or _OURS in path.split("/"):
            return False
        name = path.rpartition("/")[2]
        if self.extensions and not name.lower().endswith(self._endings):
            return False
        if self.patterns and not any(each.fullmatch(path) for each in self._wanted):
            return False
        return not any(each.fullmatch(path) for each in self._unwanted)

    @cached_property
    def _endings(self) -> tuple[str, ...]:
        return tuple(f".{each.lower().lstrip('.')}" for each in self.extensions)

    @cached_property
    def _wanted(self) -> list[re.Pattern[str]]:
        return [_compiled(each) for each in self.patterns]

    @cached_property
    def _unwanted(self) -> list[re.Pattern[str]]:
        return [_compiled(each) for each in self.exclude]


def _compiled(pattern: str) -> re.Pattern[str]:
    glob = pattern if "/" in pattern else f"**/{pattern}"
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", glob)
    spelled = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(spelled.get(part, re.escape(part)) for part in parts), re.DOTALL)
