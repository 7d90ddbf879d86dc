"""`s3-assets du`: how many objects and bytes lie below a place."""

import json
import time
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table as Grid
from rich.text import Text

from s3_assets.cli.console import standard_error, standard_output
from s3_assets.cli.options import Output, options
from s3_assets.cli.places import (
    Anonymous,
    ConnectionName,
    Endpoint,
    Profile,
    Reach,
    Region,
    find_place,
    registry_for,
)

if TYPE_CHECKING:
    from s3_assets.explore.sizes import Size


def disk_usage(
    context: typer.Context,
    url: Annotated[str, typer.Argument(help="A bucket or a folder: s3://bucket/ or s3://bucket/path/.")],
    connection: ConnectionName = None,
    endpoint: Endpoint = None,
    region: Region = None,
    profile: Profile = None,
    *,
    anonymous: Anonymous = False,
    output: Annotated[Output, typer.Option("--output", "-o", help="How to print it.")] = Output.TABLE,
) -> None:
    """Count the objects and bytes below a folder, and those of each folder directly in it.

    The listing is split into ranges of keys that are listed beside each other.

    Example: [bold]s3-assets du s3://shop/landing/[/bold]
    """
    from s3_assets.explore.sizes import measure
    from s3_assets.objects import Objects

    reach = Reach(connection, endpoint, region, profile, anonymous)
    place = find_place(url if url.endswith("/") else f"{url}/", reach, registry_for(options(context), reach))
    begun = time.monotonic()
    with standard_error().status("counting") as status:
        found = measure(
            Objects(place.connection),
            place.key,
            progress=lambda number: status.update(f"counting: {number:,} objects"),
        )
    seconds = time.monotonic() - begun
    if output is Output.JSON:
        text = json.dumps(_described(found, seconds), indent=2)
        standard_output().print(text, markup=False, soft_wrap=True)
        return
    from s3_assets.explore.findings import count

    _print(found)
    rate = found.objects / seconds if seconds else 0
    told = f"{count(found.requests, 'request')}, {seconds:.1f} s, {rate:,.0f} keys per second"
    standard_error().print(told, style="dim", markup=False, soft_wrap=True)


def _print(found: "Size") -> None:
    from s3_assets.progress import readable_bytes

    grid = Grid(box=None, header_style="bold", pad_edge=False)
    grid.add_column("size", justify="right")
    grid.add_column("objects", justify="right")
    grid.add_column("folder", overflow="fold")
    folders = sorted(found.folders.items(), key=lambda each: (-each[1].bytes, each[0]))
    for name, each in folders:
        grid.add_row(readable_bytes(each.bytes), f"{each.objects:,}", Text(f"{name}/"))
    grid.add_row(readable_bytes(found.bytes), f"{found.objects:,}", Text("all", style="bold"))
    standard_output().print(grid)


def _described(found: "Size", seconds: float) -> dict[str, object]:
    return {
        "prefix": found.prefix,
        "objects": found.objects,
        "bytes": found.bytes,
        "folders": [
            {"name": name, "objects": each.objects, "bytes": each.bytes}
            for name, each in sorted(found.folders.items())
        ],
        "requests": found.requests,
        "seconds": round(seconds, 3),
    }
