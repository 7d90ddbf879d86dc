"""The text of `docs/commands.md`."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from s3_assets.cli.exits import MEANINGS

_MARKUP = re.compile(r"\[/?bold\]")
_EXAMPLE = "Example: "
_ESCAPED = str.maketrans({"|": r"\|", "<": r"\<", "*": r"\*"})

_HEAD = """\
# Commands

Every command of `s3-assets`, as it says of itself with `--help`. This page is written by `make commands`.

Results go to standard output; messages, progress and errors to standard error. `--output json` prints the
result for programs. Colours are used on a terminal only, with `FORCE_COLOR` also elsewhere, with `NO_COLOR`
never. A status or progress bar is shown on terminals.

On TAB the shell completes commands, options, and the names that the registry's file has; nothing is asked of
a network. `s3-assets --install-completion` sets it up for bash, zsh, fish or PowerShell.

## Exit codes

| code | meaning |
|---|---|
"""
_INTERRUPTED = """
Ctrl-C and SIGTERM end a command in order: uploads that are open are aborted, temporary files and servers that
the command started are gone, and what was committed stays. A second one, a second later, ends it at once.
Where a server does not answer, a command that only reads ends after a second, and any other after ten: what
it leaves then is what a crash leaves, and the next run clears it up.
"""


def page(nodes: Sequence[Any]) -> str:
    """Return the page, of the application and all its commands."""
    codes = "".join(f"| {code} | {_cell(told)} |\n" for code, told in MEANINGS.items())
    program, *others = nodes
    parts = [
        f"{_HEAD}{codes}{_INTERRUPTED}",
        f"## Options of all commands\n\nThey stand in front of the command.\n\n{_options(program)}",
        *("\n".join(_section(node)) for node in others),
    ]
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def examples(node: Any) -> list[str]:  # noqa: ANN401 - commands of Typer have no types of their own
    """Return the command lines that the help of a command shows."""
    told = _paragraphs(node)
    return [each.removeprefix(_EXAMPLE) for each in told if each.startswith(_EXAMPLE)]


def _section(node: Any) -> Iterator[str]:  # noqa: ANN401 - as above
    yield f"## {node.name}\n"
    first, *others = [each for each in _paragraphs(node) if not each.startswith(_EXAMPLE)]
    yield f"{first}\n"
    yield from (f"{each}\n" for each in others)
    if node.inside:
        return
    usage = " ".join(node.command.get_usage(node.context).split()).removeprefix("Usage: ")
    yield f"```text\n{usage}\n```\n"
    arguments = [each for each in node.command.params if each.param_type_name == "argument"]
    if arguments:
        yield "| argument | |\n|---|---|"
        yield from (f"| `{each.name}` | {_cell(each.help)}{_needed(each)} |" for each in arguments)
        yield ""
    yield _options(node)
    for each in examples(node):
        yield f"```console\n{each}\n```\n"
    if node.command.epilog:
        yield f"{_MARKUP.sub('', node.command.epilog)}\n"


def _options(node: Any) -> str:  # noqa: ANN401 - as above
    found = [
        each
        for each in node.command.get_params(node.context)
        if each.param_type_name == "option" and not each.hidden and each.name != "help"
    ]
    if not found:
        return ""
    rows = [f"| {_names(each, node)} | {_default(each)} | {_cell(each.help)} |" for each in found]
    return "\n".join(["| option | default | |\n|---|---|---|", *rows, ""])


def _names(option: Any, node: Any) -> str:  # noqa: ANN401 - as above
    names = ", ".join(f"`{each}`" for each in (*option.opts, *option.secondary_opts))
    return names if option.is_flag else f"{names} {_cell(option.display_type(node.context))}"


def _default(option: Any) -> str:  # noqa: ANN401 - as above
    value = option.default
    if value is None or value is False or callable(value):
        return ""
    if value is True:
        return f"`{option.opts[0]}`"
    return f"`{getattr(value, 'value', value)}`"


def _needed(argument: Any) -> str:  # noqa: ANN401 - as above
    return "" if argument.required else " May be left out."


def _paragraphs(node: Any) -> list[str]:  # noqa: ANN401 - as above
    return _MARKUP.sub("", node.command.help or "").split("\n\n")


def _cell(text: str | None) -> str:
    return (text or "").translate(_ESCAPED)
