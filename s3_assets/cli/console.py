"""What the commands print to: sober, at most 100 columns, with colours on a terminal only.

Results go to standard output, all else to standard error. FORCE_COLOR has colours where there is no terminal,
and NO_COLOR none anywhere, nor any other style.
"""

import json
import os
import sys
from typing import NoReturn

from rich.console import Console
from rich.table import Table
from rich.text import Text

from s3_assets.cli import exits
from s3_assets.cli.visible import Visible
from s3_assets.errors import S3AssetsError

WIDTH = 100
_INDENT = "  "


def standard_output() -> Console:
    """Return a console on standard output; what is piped on has the full width, whatever the terminal."""
    return _console(error=False)


def standard_error() -> Console:
    """Return a console on standard error."""
    return _console(error=True)


def print_json(value: object) -> None:
    """Print a result for programs; what JSON has no words for, such as dates, is written as text."""
    standard_output().out(json.dumps(value, indent=2, default=str), highlight=False)


def note(text: str, *, kind: str = "note") -> None:
    """Say on standard error, in one line, what a person should know besides the result."""
    style = "yellow" if kind == "warning" else None
    standard_error().print(f"{kind}: {text}", style=style, markup=False, soft_wrap=True)


def print_error(error: S3AssetsError) -> None:
    """Print what is wrong, where, and what to do about it, as lines that may be copied."""
    console = standard_error()
    console.print(Text.assemble(("error: ", "bold red"), error.found), soft_wrap=True)
    places = [
        f"table '{error.table}'" if error.table else "",
        f"connection '{error.connection}'" if error.connection else "",
        error.location or "",
    ]
    where = ", ".join(place for place in places if place)
    if where:
        console.print(Text.assemble((f"{_INDENT}where   ", "dim"), where), soft_wrap=True)
    if error.remedy:
        console.print(Text.assemble((f"{_INDENT}remedy  ", "dim"), error.remedy), soft_wrap=True)


def facts(*rows: tuple[str, str]) -> Table:
    """Return a small table without lines: what, and its value."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(f"{_INDENT}{name}", Text(value))
    return table


class _Console(Console):
    """A console that ends the program in silence when nobody reads on, as programs do that a pipe ends."""

    def on_broken_pipe(self) -> NoReturn:
        """End the program; what is still in the buffer goes to where nobody complains."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(exits.UNREAD)


def _console(*, error: bool) -> Console:
    stream = sys.stderr if error else sys.stdout
    console = _Console(
        file=stream,
        highlight=False,
        emoji=False,
        color_system=None if os.environ.get("NO_COLOR") else "auto",
    )
    console.push_render_hook(Visible())
    if not console.is_terminal:
        width = os.environ.get("COLUMNS", "")
        console.width = min(int(width), WIDTH) if width.isdigit() and int(width) else WIDTH
    elif console.width > WIDTH:
        console.width = WIDTH
    return console
