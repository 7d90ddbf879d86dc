"""Write down what the commands say of themselves: `s3_assets/cli/commands.json` and `docs/commands.md`.

The first is what `s3-assets --help` and completion read instead of loading the commands, the second a page to
read. `make commands` writes both; a test fails while they are not what the commands say.
"""

import inspect
import io
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts.commands_page import page  # noqa: E402 - the line above makes it importable

DATA = ROOT / "s3_assets" / "cli" / "commands.json"
PAGE = ROOT / "docs" / "commands.md"
# Colours, at the prepared width, whatever terminal this is.
_TERMINAL = {"FORCE_COLOR": "1", "COLUMNS": "100", "TERM": "xterm", "NO_COLOR": "", "TERMINAL_WIDTH": ""}


class Node(NamedTuple):
    """A command or a group of commands, as Typer has it, in its place below the application."""

    path: tuple[str, ...]
    command: Any
    context: Any

    @property
    def name(self) -> str:
        """What stands behind `s3-assets`."""
        return " ".join(self.path)

    @property
    def inside(self) -> dict[str, Any]:
        """The commands of a group."""
        return {name: each for name, each in getattr(self.command, "commands", {}).items() if not each.hidden}


def nodes() -> list[Node]:
    """Return the application and all that it has, in the order of its help."""
    from typer.main import get_command

    from s3_assets.cli.main import application

    command: Any = get_command(application)
    context = command.make_context("s3-assets", [], resilient_parsing=True)
    return list(_below(Node((), command, context)))


def data(found: list[Node]) -> str:
    """Return the text of `commands.json`."""
    return json.dumps({each.name: _described(each) for each in found}, indent=1, ensure_ascii=False) + "\n"


def _below(node: Node) -> Iterator[Node]:
    yield node
    for name, command in node.inside.items():
        context = command.make_context(name, [], parent=node.context, resilient_parsing=True)
        yield from _below(Node((*node.path, name), command, context))


def _described(node: Node) -> dict[str, Any]:
    parameters = [each for each in node.command.get_params(node.context) if not each.hidden]
    told: dict[str, Any] = {
        "help": _help(node),
        "options": [
            {
                "names": _names(each),
                "help": each.help or "",
                "takes": _takes(node, each),
                "repeatable": each.multiple,
            }
            for each in parameters
            if each.param_type_name == "option"
        ],
    }
    if node.inside:
        told["commands"] = {name: each.get_short_help_str() for name, each in node.inside.items()}
    else:
        told["arguments"] = [
            {"takes": _takes(node, each)} for each in parameters if each.param_type_name == "argument"
        ]
    return told


def _names(option: Any) -> list[str]:  # noqa: ANN401 - Typer's parameters have no type
    names = [*option.opts, *option.secondary_opts]
    # Typer keeps those of the help in a set, whose order changes from one process to the next.
    return sorted(names, key=len, reverse=True) if option.name == "help" else names


def _takes(node: Node, parameter: Any) -> str | list[str]:  # noqa: ANN401 - Typer's parameters have no type
    """Say what completes a parameter: nothing, one of these words, names of the registry, or any text."""
    from s3_assets.cli.names import SECTIONS_OF

    if getattr(parameter, "is_flag", False):
        return "nothing"
    completer = _completer(node, parameter.name)
    if completer is None:
        # Without a registry at hand these are the words of an enumeration alone.
        words = [each.value for each in parameter.shell_complete(node.context, "") if each.value]
        return words or "text"
    return f"names: {' '.join(SECTIONS_OF[completer])}"


def _completer(node: Node, name: str) -> object:
    """Return the `autocompletion` of the annotation that a parameter was made of."""
    callback = node.command.callback
    found = inspect.signature(callback).parameters.get(name) if callback is not None else None
    told = getattr(found.annotation, "__metadata__", ()) if found is not None else ()
    return next((each.autocompletion for each in told if each.autocompletion), None)


def _help(node: Node) -> list[str]:
    with _terminal(), redirect_stdout(io.StringIO()) as shown:
        node.command.format_help(node.context, node.context.make_formatter())
    return shown.getvalue().removesuffix("\n").split("\n")


@contextmanager
def _terminal() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in _TERMINAL}
    os.environ.update(_TERMINAL)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def main() -> None:
    """Write both files."""
    found = nodes()
    for file, text in ((DATA, data(found)), (PAGE, page(found))):
        file.write_text(text, encoding="utf-8")
        print(f"  {file.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
