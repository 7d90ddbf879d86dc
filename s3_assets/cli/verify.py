"""`s3-assets verify`: the checks of tables, without Dagster."""

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table as Grid
from rich.text import Text

from s3_assets.cli.console import print_json, standard_error, standard_output
from s3_assets.cli.names import names_of
from s3_assets.cli.options import FirstPartition, LastPartition, Output, OutputAs, Partition, options
from s3_assets.cli.windows import table_window

if TYPE_CHECKING:
    from collections.abc import Iterable

    from s3_assets.checks.outcome import CheckOutcome


def verify(
    context: typer.Context,
    tables: Annotated[
        list[str] | None,
        typer.Argument(help="Tables; left out: all that declare checks.", autocompletion=names_of("tables")),
    ] = None,
    *,
    check: Annotated[
        list[str] | None,
        typer.Option("--check", "-c", help="Only the check of that name; repeatable."),
    ] = None,
    window: Partition = None,
    first: FirstPartition = None,
    last: LastPartition = None,
    output: OutputAs = Output.TABLE,
) -> None:
    """Run the checks that the registry declares for a table; the exit code is 1 if one fails as an error.

    What the table's metadata tells is not read. Nothing is written. Failures of severity warn are shown.

    Example: [bold]s3-assets verify orders --partition 2026-01-05[/bold]
    """
    from s3_assets.checks.evaluation import check_table
    from s3_assets.checks.outcome import failures
    from s3_assets.errors import SettingError

    registry = options(context).load()
    asked = tables or [name for name, each in registry.tables.items() if each.checks is not None]
    if not asked:
        raise SettingError("no table declares checks", remedy="Add 'checks' to a table: see docs/checks.md.")
    opened = [registry.table(name) for name in asked]
    _require_declared([(each.name, each.settings.checks) for each in opened], check)
    found: dict[str, list[CheckOutcome]] = {}
    for table in opened:
        part = table_window(table.name, table.settings.partitions, window, first, last)
        with standard_error().status(f"checking {table.name}"):
            found[table.name] = check_table(table, part=part, only=check)
    if output is Output.JSON:
        print_json([{"table": name, **each.described()} for name, told in found.items() for each in told])
    else:
        standard_output().print(_grid(found))
    if failures(each for told in found.values() for each in told):
        raise typer.Exit(1)


def _require_declared(asked: "Iterable[tuple[str, Any]]", names: list[str] | None) -> None:
    """Raise `SettingError` for a table without checks, and for a check that none of the tables has."""
    from s3_assets.checks.rules import rules
    from s3_assets.errors import SettingError
    from s3_assets.registry.problems import did_you_mean

    known: list[str] = []
    for table, settings in asked:
        if settings is None:
            raise SettingError(
                "the table declares no checks",
                remedy="Add 'checks' to it: see docs/checks.md.",
                table=table,
            )
        known += [rule.name for rule in rules(settings)]
    for name in names or ():
        if name not in known:
            raise SettingError(
                f"there is no check '{name}'{did_you_mean(name, known)}", remedy="Name one that is declared."
            )


def _grid(found: "dict[str, list[CheckOutcome]]") -> Grid:
    grid = Grid(box=None, header_style="bold", pad_edge=False)
    for title in ("", "table", "check", "found", "by"):
        grid.add_column(title, overflow="fold")
    for name, told in found.items():
        for each in told:
            word, style = ("ok", "green") if each.passed else ("fails", "bold red")
            if not each.passed and not each.stops:
                word, style = "warns", "yellow"
            said = each.sentence.removeprefix(f"{each.name}: ")
            grid.add_row(Text(word, style=style), *map(Text, (name, each.name, said, each.by)))
    return grid
