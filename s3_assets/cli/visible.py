"""Characters that a terminal would obey, shown as what they are: keys and cells are anybody's text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rich.console import RenderHook
from rich.segment import Segment

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderResult

# Controls (ISO/IEC 6429) but line ends and tabs, and what turns the direction of text (Unicode Standard
# Annex 9).
_OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def visible(text: str) -> str:
    r"""Return the text with such characters spelled, as `\x1b`."""
    return _OBEYED.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


class Visible(RenderHook):
    """Makes all that a console prints visible; its own styles and movements stay."""

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        """Wrap what is printed."""
        return [_Shown(each) for each in renderables]


class _Shown:
    def __init__(self, shown: ConsoleRenderable) -> None:
        self._shown = shown

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for segment in console.render(self._shown, options):
            if segment.control or not _OBEYED.search(segment.text):
                yield segment
            else:
                yield Segment(visible(segment.text), segment.style)
