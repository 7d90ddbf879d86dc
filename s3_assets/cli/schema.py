"""`s3-assets schema`: the columns of a table, as a read has them."""

from typing import TYPE_CHECKING, Any

import typer
from rich.table import Table as Grid
from rich.text import Text

from s3_assets.cli.console import print_json, standard_error, standard_output
from s3_assets.cli.options import Output, OutputAs, options
from s3_assets.cli.places import Reach, TableOrUrl, open_place, reaching

if TYPE_CHECKING:
    from s3_assets.explore.looks import Columns

_SHOWN_FILES = 3


@reaching
def schema(
    context: typer.Context,
    place: TableOrUrl,
    *,
    reach: Reach,
    output: OutputAs = Output.TABLE,
) -> None:
    """Show a table's columns: name, type, whether they may be null, and which files told it.

    Example: [bold]s3-assets schema landing/orders[/bold]
    """
    from s3_assets.explore.looks import columns_of

    with standard_error().status("looking at the files"):
        table, guess = open_place(options(context), place, reach)
        found = columns_of(table, bounded=guess is not None, known=guess.first if guess else ())
    rows = _rows(found)
    console = standard_output()
    if output is Output.JSON:
        told = {"table": place, "url": table.location.url, "columns": rows, "told_by": list(found.files)}
        print_json(told)
        return
    console.print(Text.assemble((place, "bold"), "" if guess else f"  {table.location.url}"), soft_wrap=True)
    grid = Grid(box=None, header_style="bold", pad_edge=False)
    for title in ("column", "type", "null", "partition"):
        grid.add_column(title, overflow="fold")
    for row in rows:
        null = {None: "-", True: "yes", False: "never"}[row["nullable"]]
        grid.add_row(Text(row["name"]), Text(row["type"]), null, "yes" if row["partition"] else "-")
    console.print(grid)
    if found.files:
        console.print(_told_by(found.files), style="dim", markup=False, soft_wrap=True)


def _rows(found: "Columns") -> list[dict[str, Any]]:
    from s3_assets.explore.types import type_name

    return [
        {
            "name": name,
            "type": type_name(dtype),
            "nullable": found.nullable.get(name),
            "partition": name in found.partitions,
        }
        for name, dtype in found.schema.items()
    ]


def _told_by(files: tuple[str, ...]) -> str:
    shown = ", ".join(files[:_SHOWN_FILES])
    more = f" and {len(files) - _SHOWN_FILES:,} more" if len(files) > _SHOWN_FILES else ""
    return f"told by {shown}{more}"
