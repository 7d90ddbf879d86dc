"""The program's way in: help, and what a shell asks on TAB, are answered before any command is loaded.

Typer, Rich and the commands take some ten times as long to load as Python itself takes to start.
"""

import os
import sys

from s3_assets.cli import exits

NAME = "s3-assets"
COMPLETE = "_S3_ASSETS_COMPLETE"
"""The variable by which a shell asks what may follow; Typer's scripts for the shells set it."""
_HELP = ("-h", "--help")
_ALLOCATED = 50_000
"""So many objects more than were freed have Python look for circles of them."""
_PLUGINS = "PYDANTIC_DISABLE_PLUGINS"


def run() -> None:
    """Do what the command line says, and end the process with one of the codes of `exits`."""
    sys.exit(answer(sys.argv[1:]))


def answer(arguments: list[str]) -> int:
    """Do what the arguments say, and return the exit code."""
    try:
        if COMPLETE in os.environ:
            from s3_assets.cli.shells import completions

            found = completions(os.environ)
            if found is not None:
                return _print(found, exits.DONE)
        elif not arguments or arguments[-1] in _HELP or len(arguments) == 1:
            told = _prepared(arguments)
            if told is not None:
                return _print(*told)
        return _whole_way(arguments)
    except KeyboardInterrupt:
        # Before there was a command: nothing was begun.
        sys.stderr.write("interrupted\n")
        return exits.INTERRUPTED


def version() -> str:
    """Return the program's name and version, as `--version` prints them."""
    from importlib.metadata import version as installed

    return f"{NAME} {installed(NAME)}"


def _prepared(arguments: list[str]) -> tuple[str, int] | None:
    if arguments == ["--version"]:
        return f"{version()}\n", exits.DONE
    from s3_assets.cli.prepared import prepared_help

    asked = bool(arguments) and arguments[-1] in _HELP
    text = prepared_help(arguments[:-1] if asked else arguments, bare=not asked)
    return None if text is None else (text, exits.DONE if asked else exits.MISUSED)


def _print(text: str, code: int) -> int:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # What is still in the buffer is written when Python ends: to where nobody complains.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exits.UNREAD
    return code


def _whole_way(arguments: list[str]) -> int:
    import gc

    from s3_assets.cli.commands import COMMANDS
    from s3_assets.cli.interruption import listen, watch

    listen()
    watch()
    first = _first_word(arguments)
    if any(each.reads and each.name.partition(" ")[0] == first for each in COMMANDS):
        # Pydantic would read the metadata of all packages. Commands that do more than read may start other
        # programs, which inherit variables.
        os.environ.setdefault(_PLUGINS, "__all__")
    from s3_assets.cli.main import build

    # A command loads a thousand modules, which stay: to look through all of them again and again takes a
    # tenth of the time of a short one, and to take them apart at the end, one by one, a fifth.
    gc.set_threshold(_ALLOCATED)
    try:
        build(first)(args=arguments, prog_name=NAME)
    finally:
        gc.freeze()
    return exits.DONE


def _first_word(arguments: list[str]) -> str | None:
    """Return what stands where a command does; None if the line ends before."""
    words = iter(arguments)
    for word in words:
        if word in {"-r", "--registry"}:
            next(words, None)
        elif not word.startswith("-"):
            return word
    return None
