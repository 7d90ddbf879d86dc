"""`s3-assets metadata show`: what a table tells of itself."""

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table as Grid
from rich.text import Text

from s3_assets.cli.console import facts, note, print_json, standard_error, standard_output
from s3_assets.cli.options import Options, Output, OutputAs, options
from s3_assets.cli.places import Reach, TableOrUrl, is_url, open_place, reaching
from s3_assets.progress import count, readable_bytes

if TYPE_CHECKING:
    from s3_assets.explore.knowledge import Knowledge
    from s3_assets.tables.history import PastCommit
    from s3_assets.tables.table import Table


@reaching
def show(
    context: typer.Context,
    place: TableOrUrl,
    commits: Annotated[
        int, typer.Option("--commits", "-n", min=0, max=1000, help="How many of the last.")
    ] = 3,
    *,
    reach: Reach,
    output: OutputAs = Output.TABLE,
) -> None:
    """Show what is known of a table: place, version, size, columns, partitions, properties, last commits.

    No row is read: of a Delta or Iceberg table its log or metadata is asked, of a folder its listing and the
    footers that tell its columns. A URL is looked at as `s3-assets guess` finds it.

    Example: [bold]s3-assets metadata show lake/orders[/bold]
    """
    from s3_assets.explore.knowledge import known_of

    given = options(context)
    with standard_error().status("looking at the table"):
        table, _ = open_place(given, place, reach)
        found = known_of(table, commits)
    told = {**_described(table, found), **({} if is_url(place) else _uses(given, place))}
    if output is Output.JSON:
        print_json(told)
        return
    _print(place, told, found)


def _uses(given: Options, name: str) -> dict[str, Any]:
    """Return who writes and reads a table of the registry."""
    registry = given.load()
    sections = (registry.imports, registry.media)
    written = [each for section in sections for each, one in section.items() if one.target == name]
    readers = (registry.imports, registry.exports)
    read = [each for section in readers for each, one in section.items() if one.source == name]
    return {"written_by": written, "read_by": read}


def _described(table: "Table[Any]", found: "Knowledge") -> dict[str, Any]:
    settings, state = table.settings, found.state
    declared = settings.partitions
    partitions: dict[str, Any] | None = None
    if declared is not None:
        partitions = {"column": declared.column, "every": str(declared.every), "timezone": declared.timezone}
        if found.partitions is not None:
            start, end = found.partitions.start, found.partitions.end
            partitions |= {
                "start": start.isoformat() if start else None,
                "end": end.isoformat() if end else None,
                "number": found.partitions.partitions,
                "untold": list(found.partitions.untold),
            }
    statistics = state.statistics if state is not None else None
    return {
        "name": table.name,
        "url": table.location.url,
        "format": settings.format,
        "description": settings.description,
        "exists": state is not None,
        "version": state.version.token if state is not None else None,
        "rows": statistics.rows if statistics is not None else None,
        "files": statistics.files if statistics is not None else None,
        "bytes": statistics.bytes if statistics is not None else None,
        "partitions": partitions,
        "columns": _columns(found),
        "properties": found.properties,
        "commits": [_commit(each) for each in found.commits],
    }


def _columns(found: "Knowledge") -> list[dict[str, Any]]:
    from s3_assets.explore.types import type_name
    from s3_assets.tables.described import ColumnNote

    if found.columns is None:
        return []
    notes = found.columns.notes
    rows = []
    for name, dtype in found.columns.columns.items():
        told = notes.get(name, ColumnNote())
        rows.append(
            {
                "name": name,
                "type": type_name(dtype),
                "nullable": told.nullable,
                "description": told.description,
                "demands": list(told.demands),
            }
        )
    return rows


def _commit(each: "PastCommit") -> dict[str, Any]:
    return {
        "version": each.version.token,
        "time": each.time.isoformat() if each.time else None,
        "operation": each.operation,
        "rows": each.rows,
        "files": each.files,
        "bytes": each.bytes,
        "ours": each.is_ours,
    }


def _print(place: str, told: dict[str, Any], found: "Knowledge") -> None:
    console = standard_output()
    console.print(Text.assemble((place, "bold"), "" if is_url(place) else f"  {told['url']}"), soft_wrap=True)
    console.print(facts(*_facts(told)))
    if not told["exists"]:
        console.print("  there is nothing yet: its first write makes it", style="dim")
        return
    grid = Grid(box=None, header_style="bold", pad_edge=False)
    for title in ("column", "type", "null", "told of it"):
        grid.add_column(title, overflow="fold")
    for row in told["columns"]:
        words = "; ".join(each for each in (row["description"], *row["demands"]) if each)
        grid.add_row(Text(row["name"]), Text(row["type"]), "yes" if row["nullable"] else "never", Text(words))
    console.print(grid)
    for each in told["commits"]:
        console.print(_commit_words(each), style="dim", markup=False, soft_wrap=True)
    for untold in found.partitions.untold if found.partitions is not None else ():
        note(untold)


def _facts(told: dict[str, Any]) -> list[tuple[str, str]]:
    rows = [("format", str(told["format"]))]
    if told["exists"]:
        number = f"{told['rows']:,} rows in " if told["rows"] is not None else ""
        size = readable_bytes(told["bytes"])
        rows += [("version", told["version"]), ("size", f"{number}{count(told['files'], 'file')}, {size}")]
    partitions = told["partitions"]
    if partitions is not None:
        rows.append(("partitions", f"{partitions['column']} by {partitions['every']}{_span(partitions)}"))
    rows += [("description", told["description"])] if told["description"] else []
    rows += [
        (label.replace("_", " "), ", ".join(told[label]))
        for label in ("written_by", "read_by")
        if told.get(label)
    ]
    rows += [("property", f"{name} = {value}") for name, value in (told["properties"] or {}).items()]
    return rows


def _span(partitions: dict[str, Any]) -> str:
    if not partitions.get("start"):
        return ""
    first, last = (partitions[end][:16].replace("T", " ") for end in ("start", "end"))
    return f": {count(partitions['number'], 'span')} between {first} and {last} (UTC)"


def _commit_words(each: dict[str, Any]) -> str:
    when = each["time"][:19].replace("T", " ") + "Z" if each["time"] else "-"
    rows = f", {each['rows']:,} rows" if each["rows"] is not None else ""
    by = " by s3-assets" if each["ours"] else ""
    return f"version {each['version']}: {each['operation']}{by}, {when}{rows}"
