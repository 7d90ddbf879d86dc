"""`s3-assets preview`: the first rows of a table, read in place."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from s3_assets.cli.console import standard_output
from s3_assets.cli.options import Output, options

if TYPE_CHECKING:
    import polars as pl

_MOST_COLUMNS = 12


def preview(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The table's name in the registry.")],
    rows: Annotated[int, typer.Option("--rows", "-n", min=0, max=10_000, help="How many rows.")] = 10,
    output: Annotated[Output, typer.Option("--output", "-o", help="How to print them.")] = Output.TABLE,
) -> None:
    """Show a table's columns and its first rows, without copying it.

    Example: [bold]s3-assets preview landing/orders --rows 5[/bold]
    """
    import polars as pl

    from s3_assets.connection.diagnosis import diagnosed

    table = options(context).load().table(name)
    frame = table.scan()
    with diagnosed(table.connection, table.location.url, OSError, pl.exceptions.ComputeError):
        found = frame.head(rows).collect(engine="streaming")
    console = standard_output()
    if output is Output.JSON:
        console.print(found.write_json(), markup=False, soft_wrap=True)
        return
    console.print(f"{name}  {table.location.url}", style="bold", markup=False, soft_wrap=True)
    console.print(_grid(found))
    hidden = found.columns[_MOST_COLUMNS:]
    if hidden:
        console.print(f"and {len(hidden)} more columns: {', '.join(hidden)}", style="dim", markup=False)


def _grid(frame: "pl.DataFrame") -> Table:
    grid = Table(box=None, header_style="bold", pad_edge=False)
    shown = frame.columns[:_MOST_COLUMNS]
    for column in shown:
        dtype = frame.schema[column]
        title = Text.assemble(column, "\n", (_short(str(dtype)), "dim"))
        grid.add_column(title, justify="right" if dtype.is_numeric() else "left", overflow="fold")
    for row in frame.select(shown).iter_rows():
        grid.add_row(*[Text("null", style="dim") if value is None else Text(str(value)) for value in row])
    return grid


def _short(dtype: str) -> str:
    return dtype if len(dtype) <= 24 else f"{dtype[:23]}…"
