"""Where a column of written rows comes from."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Origin:
    """The columns of the source that a column is made of, and what is done to them, in order, for people."""

    columns: tuple[str, ...] = ()
    how: tuple[str, ...] = ()

    def then(self, how: str) -> Origin:
        """Return the origin of what is made of it."""
        return replace(self, how=(*self.how, how))
