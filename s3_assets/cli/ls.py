"""`s3-assets ls`: what lies directly in a folder, or all that lies below it; without a URL, all buckets."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from s3_assets.cli.console import note, print_json, standard_error
from s3_assets.cli.listed import Listed, described, print_buckets, print_grid, print_lines, print_many_as_json
from s3_assets.cli.options import Output, OutputAs, options
from s3_assets.cli.places import (
    FolderUrlOrNone,
    Reach,
    find_account,
    find_folder,
    folder_url,
    reaching,
)

if TYPE_CHECKING:
    from s3_assets.objects import Objects

# So many are printed as one table, more as they come.
_PAGE = 1_000


@reaching
def list_place(
    context: typer.Context,
    url: FolderUrlOrNone = None,
    most: Annotated[int, typer.Option("--most", "-n", min=1, help="Stop after so many.")] = _PAGE,
    *,
    everything: Annotated[
        bool, typer.Option("--all", "-a", help="Never stop; printed as they come.")
    ] = False,
    recursive: Annotated[
        bool, typer.Option("--recursive", "-R", help="The objects of all folders inside.")
    ] = False,
    reach: Reach,
    output: OutputAs = Output.TABLE,
) -> None:
    """List the folders and objects of a folder: size, moment of the last change, and name.

    Without a URL, the buckets are listed that the credentials see.

    Example: [bold]s3-assets ls s3://shop/landing/[/bold]
    """
    from s3_assets.objects import Objects

    if url is None:
        from s3_assets.explore.containers import list_buckets

        print_buckets(list_buckets(find_account(reach, options(context))), output)
        return
    place = find_folder(url, reach, options(context))
    at_once = everything or most > _PAGE
    listed = _listed(Objects(place.connection), place.key, deep=recursive, at_once=at_once)
    if at_once:
        _print_many(listed, place.key, None if everything else most, output)
        return
    with standard_error().status("listing"):
        found = list(islice(listed, most + 1))
    shown, more = found[:most], len(found) > most
    if output is Output.JSON:
        print_json({"prefix": place.key, "entries": [*map(described, shown)], "more": more})
        return
    if not shown:
        note(f"there is nothing below {folder_url(url)}")
        return
    print_grid(shown)
    if more:
        _note_more(most)


def _print_many(listed: Iterator[Listed], prefix: str, most: int | None, output: Output) -> None:
    shown: Iterable[Listed] = islice(listed, most)
    if output is Output.JSON:
        print_many_as_json(prefix, shown, lambda: next(listed, None) is not None)
        return
    print_lines(shown)
    if most is not None and next(listed, None) is not None:
        _note_more(most)


def _note_more(most: int) -> None:
    note(f"there are more than {most:,}; allow more with --most, or all with --all")


def _listed(objects: "Objects", prefix: str, *, deep: bool, at_once: bool) -> Iterator[Listed]:
    """Yield what lies in the folder, in the order of its names, page by page."""
    if deep and at_once:
        from s3_assets.explore.deep_listing import deep_listing

        for page in deep_listing(objects, prefix):
            for each in page:
                if each.key != prefix:
                    yield each.key[len(prefix) :], each
        return
    after, more = None, True
    while more:
        folder = objects.folder_page(prefix, after, deep=deep)
        found: list[Listed] = [(each, None) for each in folder.folders]
        found += [(each.key, each) for each in folder.objects if each.key != prefix]
        found.sort(key=lambda each: each[0].encode())
        for key, one in found:
            yield key.removeprefix(prefix), one
        more = folder.more and bool(folder.folders or folder.objects)
        if more:
            last = max([*folder.folders, *(each.key for each in folder.objects)])
            # Behind a folder: behind all that it holds.
            after = f"{last}\U0010ffff" if last in folder.folders else last
