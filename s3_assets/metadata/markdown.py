"""Markdown that shows text as it is, whatever it holds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# What begins markup, HTML, a link, or the next cell of a table; a character reference is none of them
# (CommonMark 0.31, "Entity and numeric character references"). Underscores inside of words are no markup.
_MARKUP = re.compile(r"[&<>|\\`*~\[\]]|(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])")


def plain(text: str, longest: int | None = None) -> str:
    """Return the text for one line of Markdown: without markup, line ends and invisible characters."""
    shown = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    if longest is not None and len(shown) > longest:
        shown = f"{shown[: longest - 1]}…"
    return _MARKUP.sub(lambda found: f"&#{ord(found[0])};", shown)


def table(titles: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[bool] = ()) -> str:
    """Return a table of cells that are Markdown already; `right` says which columns hold numbers."""
    aligned = [*right, *[False] * (len(titles) - len(right))]
    lines = [titles, ["---:" if each else "---" for each in aligned], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
