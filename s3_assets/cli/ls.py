"""`s3-assets ls`: what lies directly in a folder."""

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table as Grid
from rich.text import Text

from s3_assets.cli.console import print_json, standard_error, standard_output
from s3_assets.cli.options import Output, OutputAs, options
from s3_assets.cli.places import FolderUrl, Reach, find_folder, reaching

if TYPE_CHECKING:
    from s3_assets.objects import ObjectInfo, Objects

Listed = tuple[str, "ObjectInfo | None"]
"""A name, and the object; None: a folder."""


@reaching
def list_place(
    context: typer.Context,
    url: FolderUrl,
    most: Annotated[int, typer.Option("--most", "-n", min=1, help="Stop after so many.")] = 1_000,
    *,
    recursive: Annotated[
        bool, typer.Option("--recursive", "-R", help="The objects of all folders inside.")
    ] = False,
    reach: Reach,
    output: OutputAs = Output.TABLE,
) -> None:
    """List the folders and objects of a folder: size, moment of the last change, and name.

    Example: [bold]s3-assets ls s3://shop/landing/[/bold]
    """
    from s3_assets.objects import Objects

    place = find_folder(url, reach, options(context))
    listed = _listed(Objects(place.connection), place.key, deep=recursive)
    with standard_error().status("listing"):
        found = list(islice(listed, most + 1))
    shown, more = found[:most], len(found) > most
    if output is Output.JSON:
        print_json({"prefix": place.key, "entries": [*map(_described, shown)], "more": more})
        return
    _print(shown)
    if more:
        told = f"note: there are more than {most:,}; allow more with --most"
        standard_error().print(told, markup=False, soft_wrap=True)


def _listed(objects: "Objects", prefix: str, *, deep: bool) -> Iterator[Listed]:
    """Yield what lies in the folder, in the order of its names, page by page."""
    after, more = None, True
    while more:
        page = objects.folder_page(prefix, after, deep=deep)
        found: list[Listed] = [(each, None) for each in page.folders]
        found += [(each.key, each) for each in page.objects if each.key != prefix]
        found.sort(key=lambda each: each[0].encode())
        for key, each in found:
            yield key.removeprefix(prefix), each
        more = page.more and bool(found)
        if more:
            key, each = found[-1]
            # Behind a folder: behind all that it holds.
            after = key if each is not None else f"{key}\U0010ffff"


def _print(found: list[Listed]) -> None:
    from s3_assets.progress import readable_bytes

    grid = Grid(box=None, header_style="bold", pad_edge=False)
    grid.add_column("size", justify="right")
    grid.add_column("changed")
    grid.add_column("name", overflow="fold")
    for name, each in found:
        if each is None:
            grid.add_row("-", "-", Text(name, style="bold"))
        else:
            grid.add_row(readable_bytes(each.size), f"{each.modified:%Y-%m-%d %H:%M:%S}Z", Text(name))
    standard_output().print(grid)


def _described(listed: Listed) -> dict[str, Any]:
    name, each = listed
    if each is None:
        return {"name": name, "kind": "folder"}
    changed = each.modified.isoformat()
    return {"name": name, "kind": "object", "size": each.size, "changed": changed, "etag": each.etag}
