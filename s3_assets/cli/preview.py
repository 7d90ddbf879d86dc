"""`s3-assets preview`: the first rows of a table, read in place."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from s3_assets.cli.console import standard_error, standard_output
from s3_assets.cli.names import names_of
from s3_assets.cli.options import Options, Output, OutputAs, options
from s3_assets.cli.places import Reach, is_url, open_place, reaching

if TYPE_CHECKING:
    import polars as pl

    from s3_assets.movement.imports import Import

_WIDEST, _GAP = 32, 2


@reaching
def preview(
    context: typer.Context,
    place: Annotated[
        str,
        typer.Argument(
            help="A table's or an import's name in the registry, or s3://bucket/path/.",
            autocompletion=names_of("tables", "imports"),
        ),
    ],
    rows: Annotated[int, typer.Option("--rows", "-n", min=0, max=10_000, help="How many rows.")] = 10,
    columns: Annotated[
        str | None, typer.Option(help="Which columns, with commas between; left out: all.")
    ] = None,
    *,
    reach: Reach,
    output: OutputAs = Output.TABLE,
) -> None:
    """Show a table's columns and its first rows as they would be read, without copying it.

    Of a folder of files the first ten are looked at. A URL is read as `s3-assets guess` finds it. Of an
    import these are rows of its source as it would write them now, filtered and with their partition.

    Example: [bold]s3-assets preview landing/orders --rows 5 --columns id,date[/bold]
    """
    from s3_assets.explore.looks import first_rows

    chosen = [each.strip() for each in columns.split(",")] if columns is not None else None
    with standard_error().status("reading"):
        job = _import(options(context), place)
        table, guess = (job.source, None) if job else open_place(options(context), place, reach)
        transform = job.shaped if job else None
        found, notes = first_rows(
            table, rows, chosen, transform=transform, known=guess.first if guess else ()
        )
    console = standard_output()
    for note in notes:
        standard_error().print(f"note: {note}", markup=False, soft_wrap=True)
    if output is Output.JSON:
        console.print(found.write_json(), markup=False, soft_wrap=True)
        return
    title = place if guess else f"{place}  {table.location.url}"
    console.print(title, style="bold", markup=False, soft_wrap=True)
    if guess is not None:
        console.print(
            f"{guess.settings['format']}, {guess.looked_at}", style="dim", markup=False, soft_wrap=True
        )
    shown = _fitting(found, console.width)
    console.print(_grid(found.select(shown)))
    hidden = found.columns[len(shown) :]
    if hidden:
        told = f"and {len(hidden)} more columns: {', '.join(hidden)}"
        console.print(told, style="dim", markup=False, soft_wrap=True)


def _import(given: Options, place: str) -> "Import | None":
    """Return the import of that name, unless a table has it as well."""
    if is_url(place):
        return None
    registry = given.load()
    return registry.import_(place) if place in registry.imports and place not in registry.tables else None


def _fitting(frame: "pl.DataFrame", width: int) -> list[str]:
    """Return the first columns that stand beside each other without folding all of them."""
    from s3_assets.explore.types import type_name

    shown: list[str] = []
    for column in frame:
        cells = [len(str(value)) for value in column]
        longest = max([len(column.name), len(_short(type_name(column.dtype))), *cells])
        width -= min(longest, _WIDEST) + _GAP
        if shown and width < 0:
            break
        shown.append(column.name)
    return shown


def _grid(frame: "pl.DataFrame") -> Table:
    from s3_assets.explore.types import type_name

    grid = Table(box=None, header_style="bold", pad_edge=False)
    for column in frame:
        title = Text.assemble(column.name, "\n", (_short(type_name(column.dtype)), "dim"))
        grid.add_column(title, justify="right" if column.dtype.is_numeric() else "left", overflow="fold")
    for row in frame.iter_rows():
        grid.add_row(*[Text("null", style="dim") if value is None else Text(str(value)) for value in row])
    return grid


def _short(dtype: str) -> str:
    return dtype if len(dtype) <= 24 else f"{dtype[:23]}…"
