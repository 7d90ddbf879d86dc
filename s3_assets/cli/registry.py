"""`s3-assets validate` and `s3-assets tables`: the registry, without touching the network."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from s3_assets.cli.console import print_json, standard_output
from s3_assets.cli.options import Options, Output, OutputAs, options, short

if TYPE_CHECKING:
    from collections.abc import Sized

    from s3_assets.registry.models import Registry


def validate(
    context: typer.Context,
    registry: Annotated[
        Path | None, typer.Argument(help="The file; left out: s3_assets.yaml here or above.")
    ] = None,
    output: OutputAs = Output.TABLE,
) -> None:
    """Check a registry, and list every problem with its line; nothing is asked of the network.

    Example: [bold]s3-assets validate s3_assets.yaml[/bold]
    """
    given = options(context)
    chosen = Options(registry or given.registry, debug=given.debug)
    found = chosen.load()
    if output is Output.JSON:
        sections = ("connections", "tables", "imports", "exports", "media")
        counted = {each: len(getattr(found, each)) for each in sections}
        print_json({"registry": str(short(chosen.path())), **counted})
        return
    more: dict[str, Sized] = {
        "media set": found.media,
        "export": found.exports,
        "discovered place": found.discovery,
    }
    counts = (
        _count(len(found.connections), "connection"),
        _count(len(found.tables), "table"),
        _count(len(found.imports), "import"),
        *(_count(len(each), noun) for noun, each in more.items() if each),
    )
    standard_output().print(
        f"{short(chosen.path())} is sound: {', '.join(counts)}", markup=False, soft_wrap=True
    )


def list_tables(
    context: typer.Context,
    output: OutputAs = Output.TABLE,
) -> None:
    """List what the registry declares; nothing is asked of the network.

    Example: [bold]s3-assets tables --output json[/bold]
    """
    from rich.table import Table
    from rich.text import Text

    registry = options(context).load()
    rows = [_describe(registry, name) for name in registry.tables]
    console = standard_output()
    if output is Output.JSON:
        print_json(rows)
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in ("table", "format", "place", "partitions", "import"):
        table.add_column(title, overflow="fold")
    for row in rows:
        parts = f"{row['partition_column']} by {row['partition_every']}" if row["partition_column"] else "-"
        role = [f"{row['written_by']}: writes it"] if row["written_by"] else []
        role += [f"{name}: reads it" for name in row["read_by"]]
        cells = (row["name"], row["format"], row["place"], parts, "\n".join(role) or "-")
        table.add_row(*[Text(cell) for cell in cells])
    console.print(table)


def _describe(registry: "Registry", name: str) -> dict[str, Any]:
    settings = registry.tables[name]
    connection = registry.connections[settings.connection]
    partitions = settings.partitions
    written = [each for each, one in registry.imports.items() if one.target == name]
    return {
        "name": name,
        "format": settings.format,
        "connection": settings.connection,
        "place": connection.location.folder(settings.path).url,
        "partition_column": partitions.column if partitions else None,
        "partition_every": str(partitions.every) if partitions else None,
        "written_by": written[0] if written else None,
        "read_by": [
            each
            for section in (registry.imports, registry.exports)
            for each, one in section.items()
            if one.source == name
        ],
        "description": settings.description,
    }


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
