"""What `commands.json` says of the commands: their help as it was rendered, and what may follow on a line.

It is written from the commands by `make commands`, and a test compares the two. Python's own modules alone
are imported, and few of them: this is loaded before anything else.
"""

import json
import os
import sys
from functools import cache

WIDTH = 100
FILE = f"{__file__.removesuffix('prepared.py')}commands.json"
_ESCAPE = "\x1b["


@cache
def commands() -> dict[str, dict[str, object]]:
    """Return the commands by their names, such as "ls" or "server start"; "" is the application itself."""
    with open(FILE, encoding="utf-8") as file:  # noqa: PTH123 - pathlib takes longer to load than all of this
        found: dict[str, dict[str, object]] = json.load(file)
    return found


def prepared_help(path: list[str], *, bare: bool) -> str | None:
    """Return the help of a command as it is printed now; None if it was not prepared for this terminal.

    `bare` says that nobody asked: groups alone answer a line without a command by their help.
    """
    if any(" " in each for each in path) or not _fits():
        return None
    command = commands().get(" ".join(path))
    if command is None or (bare and "commands" not in command):
        return None
    lines = command["help"]
    text = "".join(f"{line}\n" for line in lines) if isinstance(lines, list) else ""
    return text if _coloured() else plain(text)


def plain(text: str) -> str:
    """Return a text without its colours."""
    first, *others = text.split(_ESCAPE)
    return first + "".join(each.partition("m")[2] for each in others)


def _fits() -> bool:
    """Tell whether standard output takes lines of the prepared width, and their characters."""
    if sys.stdout is None or "utf" not in (sys.stdout.encoding or "").lower():
        return False
    if os.environ.get("TERMINAL_WIDTH"):
        return False
    told = os.environ.get("COLUMNS", "")
    if told.isdigit() and int(told):
        return int(told) >= WIDTH
    try:
        return not sys.stdout.isatty() or os.get_terminal_size(sys.stdout.fileno()).columns >= WIDTH
    except OSError:
        return False


def _coloured() -> bool:
    """Tell whether to use colours: on a terminal that has them or by FORCE_COLOR, never against NO_COLOR."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM", "").lower() in {"dumb", "unknown"}:
        return False
    forced = os.environ.get("FORCE_COLOR")
    return bool(forced) if forced is not None else sys.stdout.isatty()
