"""`s3-assets du`: how many objects and bytes lie below a place."""

import time
from typing import TYPE_CHECKING

import typer
from rich.table import Table as Grid
from rich.text import Text

from s3_assets.cli.console import print_json, standard_error, standard_output
from s3_assets.cli.options import Output, OutputAs, options
from s3_assets.cli.places import FolderUrl, Reach, find_folder, reaching

if TYPE_CHECKING:
    from s3_assets.explore.sizes import Size


@reaching
def disk_usage(
    context: typer.Context,
    url: FolderUrl,
    *,
    reach: Reach,
    output: OutputAs = Output.TABLE,
) -> None:
    """Count the objects and bytes below a folder, and those of each folder directly in it.

    The listing is split into ranges of keys that are listed beside each other.

    Example: [bold]s3-assets du s3://shop/landing/[/bold]
    """
    from s3_assets.explore.sizes import measure
    from s3_assets.objects import Objects

    place = find_folder(url, reach, options(context))
    begun = time.monotonic()
    with standard_error().status("counting") as status:
        found = measure(
            Objects(place.connection),
            place.key,
            progress=lambda number: status.update(f"counting: {number:,} objects"),
        )
    seconds = time.monotonic() - begun
    if output is Output.JSON:
        print_json(_described(found, seconds))
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
