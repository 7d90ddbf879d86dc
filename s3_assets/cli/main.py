"""The application: the options in front of every command, and the commands themselves, all or one of them."""

from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from s3_assets.cli.application import HELP_NAMES, Command, Group, Program, Reader
from s3_assets.cli.commands import COMMANDS, GROUPS, Listed
from s3_assets.cli.entry import NAME, run, version
from s3_assets.cli.exits import CODES
from s3_assets.cli.options import Options


def build(only: str | None = None) -> typer.Typer:
    """Return the application; with the first word of a command, that command or group alone is loaded."""
    program = typer.Typer(
        cls=Program,
        name=NAME,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
        context_settings=HELP_NAMES,
        epilog=CODES,
    )
    program.callback()(main)
    wanted = [each for each in COMMANDS if each.name.partition(" ")[0] == only]
    groups: dict[str, typer.Typer] = {}
    for each in wanted or COMMANDS:
        first, _, second = each.name.partition(" ")
        if second and first not in groups:
            groups[first] = typer.Typer(cls=Group, no_args_is_help=True, rich_markup_mode="rich")
            told = GROUPS[first]
            program.add_typer(groups[first], name=first, help=told.help, rich_help_panel=told.panel)
        _add(groups[first] if second else program, second or first, each)
    return program


def _add(group: typer.Typer, name: str, command: Listed) -> None:
    module, _, function = command.home.partition(":")
    codes = "; ".join(f"{code}: {meaning}" for code, meaning in command.codes.items())
    group.command(
        name,
        cls=Reader if command.reads else Command,
        epilog=f"Exit code {codes}." if codes else None,
        rich_help_panel=command.panel,
    )(getattr(import_module(f"s3_assets.cli.{module}"), function))


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(version())
        raise typer.Exit


def main(
    context: typer.Context,
    registry_file: Annotated[
        Path | None,
        typer.Option("--registry", "-r", help="The registry; left out: s3_assets.yaml here or above."),
    ] = None,
    *,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    show_version: Annotated[
        bool,
        typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_show_version),
    ] = False,
) -> None:
    """Dagster assets from tables and files on S3, moved exactly once."""
    del show_version
    context.obj = Options(registry_file, debug=debug)


def __getattr__(name: str) -> typer.Typer:
    """`application`: all of it, made when somebody asks."""
    if name != "application":
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    found = globals()[name] = build()
    return found


if __name__ == "__main__":
    run()
