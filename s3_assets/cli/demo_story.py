"""How the demo tells what it does: numbered steps, what was found, and checks that hold or do not."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from s3_assets.cli.console import standard_output

_LEFT = 5
_COMMAND = 34


class Story:
    """Prints the demo's steps; remembers which checks failed."""

    def __init__(self) -> None:
        self.console = standard_output()
        self.failed: list[str] = []
        self._number = 0
        self._begin = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since the story began."""
        return time.monotonic() - self._begin

    def title(self, text: str, subtitle: str) -> None:
        """Open the story."""
        self.console.print(Panel(Text(subtitle), title=Text(text, style="bold"), title_align="left"))

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Print a step's title, and how long its body took."""
        self._number += 1
        heading = Text.assemble((f"{self._number:>3}  ", "bold cyan"), (title, "bold"))
        begin = time.monotonic()
        self.console.print()
        self.console.print(heading)
        if self.console.is_terminal:
            with self.console.status("", spinner="dots"):
                yield
        else:
            yield
        self.say(f"{time.monotonic() - begin:.1f} s", style="dim")

    def say(self, text: str, style: str = "") -> None:
        """Print a line of the present step."""
        self.console.print(_indented(Text(text, style=style)))

    def check(self, text: str, *, holds: bool) -> None:
        """Print a check and whether it holds."""
        mark = ("✓ ", "green") if holds else ("✗ ", "bold red")
        self.console.print(_indented(Text.assemble(mark, text)))
        if not holds:
            self.failed.append(text)

    def table(self, titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Print rows of the present step; all columns but the first are numbers."""
        table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
        for index, title in enumerate(titles):
            table.add_column(title, justify="right" if index else "left")
        for row in rows:
            table.add_row(*[Text(cell) for cell in row])
        grid = Table.grid()
        grid.add_column(width=_LEFT)
        grid.add_column()
        grid.add_row("", table)
        self.console.print(grid)

    def rule(self, title: str) -> None:
        """Print a line across, with a title."""
        self.console.print()
        self.console.print(Rule(Text(title, style="bold"), align="left", style="dim"))

    def commands(self, *lines: tuple[str, str]) -> None:
        """Print commands to go on with, and what each does; no line is ever broken."""
        for command, meaning in lines:
            gap = " " * (_COMMAND - len(command)) if len(command) < _COMMAND else f"\n  {' ' * _COMMAND}"
            self.console.print(Text.assemble("  ", (command, "bold"), gap, meaning), soft_wrap=True)


def _indented(text: Text) -> Table:
    grid = Table.grid()
    grid.add_column(width=_LEFT)
    grid.add_column(overflow="fold")
    grid.add_row("", text)
    return grid
