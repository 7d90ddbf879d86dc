"""Where the entries of a registry stand: in which file, on which lines."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Place(NamedTuple):
    """A line of a file, the first one is 1."""

    file: Path
    line: int


@dataclass(frozen=True, eq=False)
class Places:
    """Lines by section and name; a registry that was made in Python has none.

    All are equal: what a registry says does not depend on where it says it.
    """

    file: Path | None = None
    lines: Mapping[tuple[str, str], int] = field(default_factory=dict)

    def __eq__(self, other: object) -> bool:
        """Tell whether the other is a `Places` as well."""
        return isinstance(other, Places)

    def __hash__(self) -> int:
        """Return the same for all."""
        return hash(Places)

    def of(self, section: str, name: str) -> Place | None:
        """Return where an entry stands, if it does in a file."""
        line = self.lines.get((section, name))
        return Place(self.file, line) if self.file is not None and line is not None else None
