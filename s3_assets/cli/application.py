"""What all commands are made of: how help reads, and how errors, signals and warnings reach a person."""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

import typer
from typer.core import TyperCommand, TyperGroup

from s3_assets.cli import exits
from s3_assets.cli.console import print_error, standard_error, standard_output
from s3_assets.cli.interruption import exit_code, forget, interruption_code, reading
from s3_assets.errors import S3AssetsError

HELP_NAMES = {"help_option_names": ["-h", "--help"]}


class Command(TyperCommand):
    """A command whose help has the width and colours of all that the program prints."""

    def __init__(self, *names: Any, **settings: Any) -> None:  # noqa: ANN401 - as the class above has it
        super().__init__(*names, **settings)
        self.help = flowing(self.help)

    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 - as the class above has it
        """Print the help."""
        with _our_console():
            super().format_help(ctx, formatter)


class Reader(Command):
    """A command that changes nothing, and leaves nothing behind wherever it ends."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - as the class above has it
        """Run the command; a signal ends it soon, even while a server does not answer."""
        with reading(ctx.command_path):
            return super().invoke(ctx)


class Group(TyperGroup):
    """A group of commands, such as `server`."""

    def __init__(self, *names: Any, **settings: Any) -> None:  # noqa: ANN401 - as the class above has it
        super().__init__(*names, **settings)
        self.help = flowing(self.help)

    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 - as the class above has it
        """Print the help."""
        with _our_console():
            super().format_help(ctx, formatter)


class Program(Group):
    """The whole: our errors end it as messages, signals with a line, what nobody foresaw with a traceback."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - as the class above has it
        """Run the command."""
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            forget()
            try:
                return super().invoke(ctx)
            except KeyboardInterrupt as error:
                _tell_interruption()
                raise typer.Exit(exit_code(error)) from None
            except S3AssetsError as error:
                if ctx.params.get("debug"):
                    raise
                code = interruption_code()
                if code is not None:
                    _tell_interruption()
                    raise typer.Exit(code) from None
                print_error(error)
                raise typer.Exit(exits.FAILED) from None


def flowing(text: str | None) -> str | None:
    """Return a docstring whose lines are broken by whoever prints them; paragraphs stay."""
    if text is None:
        return None
    return "\n\n".join(" ".join(each.split()) for each in re.split(r"\n\s*\n", text.strip()))


@contextmanager
def _our_console() -> Iterator[None]:
    """Have Typer's help use what our console does: its width, and colours or none."""
    from typer import rich_utils

    console = standard_output()
    names = ("MAX_WIDTH", "COLOR_SYSTEM", "FORCE_TERMINAL")
    before = {name: getattr(rich_utils, name) for name in names}
    coloured = console.color_system is not None
    ours = (console.width, "standard" if coloured else None, coloured)
    for name, value in zip(names, ours, strict=True):
        setattr(rich_utils, name, value)
    try:
        yield
    except SystemExit:
        # Rich ends the program where nobody reads on.
        raise SystemExit(exits.UNREAD) from None
    finally:
        for name, value in before.items():
            setattr(rich_utils, name, value)


def _tell_interruption() -> None:
    standard_error().print("interrupted", style="yellow", markup=False)


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    del filename, lineno, file, line
    # Warnings of libraries are not the user's business; those of the connection are.
    if category is UserWarning:
        standard_error().print(f"warning: {message}", style="yellow", markup=False, soft_wrap=True)
