"""`s3-assets discover`: every table and media set below a place, as entries of a registry."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table as Grid
from rich.text import Text

from s3_assets.cli.console import standard_error, standard_output
from s3_assets.cli.options import Options, Output, options, short
from s3_assets.cli.places import (
    Anonymous,
    ConnectionName,
    Endpoint,
    Place,
    Profile,
    Reach,
    Region,
    find_place,
    registry_for,
)

if TYPE_CHECKING:
    from s3_assets.explore.discover import Discovery, Found
    from s3_assets.registry.models import Registry

_SHOWN = 10


def discover(
    context: typer.Context,
    url: Annotated[str, typer.Argument(help="A bucket or a folder: s3://bucket/ or s3://bucket/path/.")],
    write: Annotated[
        Path | None,
        typer.Option("--write", "-w", help="Add what is new to this registry; a new file is made if needed."),
    ] = None,
    most_requests: Annotated[
        int, typer.Option(min=1, help="Stop looking after so many requests, and say what is left.")
    ] = 10_000,
    connection: ConnectionName = None,
    endpoint: Endpoint = None,
    region: Region = None,
    profile: Profile = None,
    *,
    anonymous: Anonymous = False,
    output: Annotated[Output, typer.Option("--output", "-o", help="How to print it.")] = Output.TABLE,
) -> None:
    """Find the tables and media sets of a bucket, name them, and write the entries that read them.

    Delta and Iceberg tables, folders of files with partitions or without, media, and what openmetadata.json
    in the bucket's root says: each once. What the registry has already, by its place, is not found again.

    Example: [bold]s3-assets discover s3://shop/ --write s3_assets.yaml[/bold]
    """
    given = options(context)
    reach = Reach(connection, endpoint, region, profile, anonymous)
    if write is not None:
        given = Options(write, debug=given.debug)
    registry = registry_for(given, reach)
    folder = url if url.endswith("/") else f"{url}/"
    place = find_place(folder, reach, registry)
    with standard_error().status("looking through the folders") as status:
        found = _discover(place, registry, most_requests, status.update)
    if write is not None and found.found:
        from s3_assets.cli.discovered_file import add_found

        for name in add_found(write, place, found.found):
            told = (
                f"note: the media set '{name}' was not added: its inventory would lie inside of another table"
            )
            standard_error().print(told, markup=False, soft_wrap=True)
    if output is Output.JSON:
        text = json.dumps(_described(place, found), indent=2, default=str)
        standard_output().print(text, markup=False, soft_wrap=True)
    else:
        _print(found)
    _print_notes(found, write)


def _discover(
    place: Place, registry: "Registry | None", most: int, say: Callable[[str], None]
) -> "Discovery":
    from s3_assets.explore.discover import discover as look_through
    from s3_assets.explore.discover_known import known_entries

    known, taken = [], set[str]()
    if registry is not None:
        media = {name: (each.connection, each.path) for name, each in registry.media.items()}
        known = known_entries(place.connection, registry.tables, media, registry.connections)
        taken = {*registry.tables, *registry.media}
    return look_through(
        place.connection, place.key, known=known, taken=taken, most_requests=most, progress=say
    )


def _print(found: "Discovery") -> None:
    grid = Grid(box=None, header_style="bold", pad_edge=False)
    for title, wide in (("name", 34), ("what", 8), ("partitions", 14), ("evidence", None)):
        grid.add_column(title, overflow="fold", max_width=wide)
    for each in found.found:
        grid.add_row(Text(each.name), _kind(each), Text(_partitions(each)), Text(each.evidence, style="dim"))
    if found.found:
        standard_output().print(grid)


def _print_notes(found: "Discovery", write: Path | None) -> None:
    """Say on standard error what was found, what was known, and what was not looked at."""
    from s3_assets.explore.findings import count

    console = standard_error()
    told = [f"{len(found.found):,} found with {count(found.requests, 'request')}"]
    if found.known:
        told.append(f"{len(found.known):,} are in the registry already")
    if write is not None and found.found:
        told.append(f"the new ones are in {short(write.absolute())}")
    console.print("; ".join(told), markup=False, soft_wrap=True)
    for remark in found.remarks:
        console.print(f"note: {remark}", markup=False, soft_wrap=True)
    if found.unlooked:
        shown = ", ".join(found.unlooked[:_SHOWN])
        more = f" and {len(found.unlooked) - _SHOWN:,} more" if len(found.unlooked) > _SHOWN else ""
        console.print(
            f"warning: the requests are spent; not looked at: {shown}{more}. Allow more: --most-requests, "
            "or name a folder.",
            style="yellow",
            markup=False,
            soft_wrap=True,
        )


def _kind(found: "Found") -> str:
    return "media" if found.kind == "media" else str(found.guess.settings["format"])


def _partitions(found: "Found") -> str:
    partitions = found.guess.settings.get("partitions")
    return f"{partitions['column']}, {partitions['every']}" if partitions else "-"


def _described(place: Place, found: "Discovery") -> dict[str, Any]:
    from s3_assets.explore.types import type_name

    return {
        "connection": place.connection.name,
        "found": [
            {
                "name": each.name,
                "kind": each.kind,
                "url": each.url,
                "settings": dict(each.guess.settings),
                "columns": [
                    {"name": name, "type": type_name(dtype)} for name, dtype in each.guess.columns.items()
                ],
                "evidence": each.evidence,
                "findings": [
                    {"about": one.about, "evidence": one.evidence, "doubt": one.doubt}
                    for one in each.guess.findings
                ],
                "told_by": each.told_by or None,
            }
            for each in found.found
        ],
        "known": [{"name": name, "url": url} for name, url in found.known],
        "notes": list(found.remarks),
        "requests": found.requests,
        "complete": not found.unlooked,
        "not_looked_at": list(found.unlooked),
    }
