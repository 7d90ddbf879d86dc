"""`s3-assets discover`: every table and media set below a place, as entries of a registry."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table as Grid
from rich.text import Text

from s3_assets.cli.console import print_json, standard_error, standard_output
from s3_assets.cli.options import Options, Output, OutputAs, WriteTo, options, short
from s3_assets.cli.places import FolderUrl, Place, Reach, find_place, folder_url, reaching, registry_for

if TYPE_CHECKING:
    from s3_assets.explore.discover import Discovery, Found
    from s3_assets.registry.models import Registry

_SHOWN = 10


@reaching
def discover(
    context: typer.Context,
    url: FolderUrl,
    write: WriteTo = None,
    most_requests: Annotated[
        int, typer.Option(min=1, help="Stop looking after so many requests, and say what is left.")
    ] = 10_000,
    *,
    reach: Reach,
    output: OutputAs = Output.TABLE,
) -> None:
    """Find the tables and media sets of a bucket, name them, and write the entries that read them.

    Delta and Iceberg tables, folders of files with partitions or without, media, and what openmetadata.json
    in the bucket's root says: each once. What the registry has already, by its place, is not found again.

    Example: [bold]s3-assets discover s3://shop/ --write s3_assets.yaml[/bold]
    """
    given = options(context)
    if write is not None:
        given = Options(write, debug=given.debug)
    registry = registry_for(given, reach)
    place = find_place(folder_url(url), reach, registry)
    with standard_error().status("looking through the folders") as status:
        found = look_through(place, registry, most_requests, status.update)
    if write is not None and found.found:
        from s3_assets.cli.discovered_file import add_found

        for name in add_found(write, place, found.found):
            told = (
                f"note: the media set '{name}' was not added: its inventory would lie inside of another table"
            )
            standard_error().print(told, markup=False, soft_wrap=True)
    if output is Output.JSON:
        print_json(_described(place, found))
    else:
        _print(found)
    _print_notes(found, write)


def look_through(
    place: Place, registry: "Registry | None", most: int, say: Callable[[str], None]
) -> "Discovery":
    """Return what lies at a place and is not in the registry yet; nothing is written."""
    from s3_assets.explore.discover import discover as look
    from s3_assets.registry.known import known_of, names_of

    known = known_of(registry, place.connection) if registry is not None else []
    taken = names_of(registry) if registry is not None else set[str]()
    return look(place.connection, place.key, known=known, taken=taken, most_requests=most, progress=say)


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
    from s3_assets.progress import count

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
