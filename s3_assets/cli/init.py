"""`s3-assets init`: a registry and a Dagster project for a bucket that somebody was given."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from s3_assets.cli.console import facts, note, print_json, standard_error, standard_output
from s3_assets.cli.options import Output, OutputAs, short
from s3_assets.cli.places import FolderUrl, Reach, folder_url, reaching

if TYPE_CHECKING:
    from s3_assets.cli.init_project import Project
    from s3_assets.cli.init_steps import Step

_FILE_NAME = "s3_assets.yaml"
_SHOWN = 10


@reaching
def init(
    url: FolderUrl,
    folder: Annotated[
        Path,
        typer.Argument(
            help="The project's folder, made if it is not there; left out: this one.", show_default=False
        ),
    ] = Path(),
    into: Annotated[
        str | None,
        typer.Option(help="Import each table into a Delta table below this URL, such as s3://bucket/lake/."),
    ] = None,
    keys_from: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Take the keys from the variables NAME_ACCESS_KEY_ID and NAME_SECRET_ACCESS_KEY; left out: "
            "as the AWS chain has them.",
        ),
    ] = None,
    most_requests: Annotated[
        int, typer.Option(min=1, help="Stop looking after so many requests, and say what is left.")
    ] = 10_000,
    *,
    reach: Reach,
    output: OutputAs = Output.TABLE,
) -> None:
    """Make a Dagster project of a bucket: look through it, write the registry, and say how to go on.

    What `discover` finds becomes the registry's entries, each with its evidence. With --into, each table also
    gets an import into a Delta table: an asset that can be run at once. No file is overwritten; in a folder
    that has a registry, what is new is added to it. If the bucket cannot be read, nothing is written.

    Example: [bold]s3-assets init s3://shop/ my_project --into s3://shop/lake/[/bold]
    """
    from s3_assets.cli.init_files import check_folder
    from s3_assets.cli.init_project import Asked, make_project
    from s3_assets.cli.init_steps import next_steps

    check_folder(folder)
    asked = Asked(folder_url(url), replace(reach, keys_from=keys_from), into, most_requests)
    with standard_error().status("looking through the folders") as status:
        made = make_project(short((folder / _FILE_NAME).absolute()), asked, status.update)
    steps = next_steps(made, folder, folder_url(url), anonymous=reach.anonymous)
    if output is Output.JSON:
        print_json(_described(made, folder, steps))
    else:
        _print(made, folder, steps)
    _print_notes(made)


def _print(made: "Project", folder: Path, steps: "list[Step]") -> None:
    console = standard_output()
    console.print(f"{_told(made)}, with {made.discovery.requests:,} requests", style="bold", markup=False)
    files = {"written": made.written, "added to": made.extended, "kept": made.kept}
    if not made.written and not made.extended:
        files["written"] = ["nothing"]
    told = [(what, ", ".join(names)) for what, names in files.items() if names]
    console.print(facts(("folder", str(folder.absolute())), *told))
    console.print("next", style="bold")
    for each in steps:
        console.print(f"  {each.command}", markup=False, soft_wrap=True)
        if each.does:
            console.print(f"      {each.does}", style="dim", markup=False, soft_wrap=True)


def _told(made: "Project") -> str:
    """Say what is new."""
    from s3_assets.progress import count

    kinds = [each.kind for each in made.added.found]
    numbers = {
        "table": kinds.count("table"),
        "media set": kinds.count("media"),
        "import": len(made.imports),
    }
    told = [count(number, noun) for noun, number in numbers.items() if number]
    known = f"; {len(made.discovery.known):,} known already" if made.discovery.known else ""
    return f"{', '.join(told) or 'nothing'} new{known}"


def _print_notes(made: "Project") -> None:
    for remark in made.discovery.remarks:
        note(remark)
    for name in made.added.crowded:
        note(f"the media set '{name}' was not added: its inventory would lie inside of another table")
    if made.discovery.unlooked:
        shown = ", ".join(made.discovery.unlooked[:_SHOWN])
        more = len(made.discovery.unlooked) - _SHOWN
        note(
            f"the requests are spent; not looked at: {shown}{f' and {more:,} more' if more > 0 else ''}. "
            "Allow more: --most-requests, or name a folder.",
            kind="warning",
        )


def _described(made: "Project", folder: Path, steps: "list[Step]") -> dict[str, Any]:
    return {
        "folder": str(folder.absolute()),
        "connection": made.place.connection.name,
        "written": made.written,
        "added_to": made.extended,
        "kept": made.kept,
        "found": [
            {"name": each.name, "kind": each.kind, "url": each.url, "evidence": each.evidence}
            for each in made.added.found
        ],
        "known": [{"name": name, "url": url} for name, url in made.discovery.known],
        "imports": made.imports,
        "notes": list(made.discovery.remarks),
        "requests": made.discovery.requests,
        "complete": not made.discovery.unlooked,
        "not_looked_at": list(made.discovery.unlooked),
        "next": [each._asdict() for each in steps],
    }
