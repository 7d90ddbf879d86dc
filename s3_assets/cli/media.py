"""`s3-assets media`: one run of a media set, without Dagster."""

from typing import TYPE_CHECKING, Annotated

import typer

from s3_assets.cli.console import facts, print_json, standard_output
from s3_assets.cli.imports import shown
from s3_assets.cli.names import names_of
from s3_assets.cli.options import Output, OutputAs, options
from s3_assets.cli.outcomes import of_media
from s3_assets.progress import Progress, count, readable_bytes

if TYPE_CHECKING:
    from s3_assets.incremental.cursor import Cursor
    from s3_assets.media.outcome import MediaOutcome
    from s3_assets.registry.models import Registry

_SECONDS_BETWEEN_LOOKS = 0.1


def run_media(
    context: typer.Context,
    name: Annotated[
        str,
        typer.Argument(
            help="The media set's name, or the table that it writes.", autocompletion=names_of("media")
        ),
    ],
    *,
    look_again: Annotated[
        bool, typer.Option("--look-again", help="Look at every object, not only at new and changed ones.")
    ] = False,
    output: OutputAs = Output.TABLE,
) -> None:
    """Bring a media set's inventory, and its copies, up to date: here and without Dagster.

    Example: [bold]s3-assets media photos[/bold]
    """
    registry = options(context).load()
    name = _name(registry, name)
    media = registry.media_set(name)
    with shown(f"media {name}: listing") as show:
        progress = Progress(f"media {name}", show, _SECONDS_BETWEEN_LOOKS)
        outcome = media.run(look_again=look_again, notes={"by": "s3-assets media"}, progress=progress)
    if output is Output.JSON:
        print_json(of_media(media, outcome))
        return
    console = standard_output()
    console.print(
        f"media {name}: {media.source.location.url} -> {media.target.name}", style="bold", markup=False
    )
    console.print(facts(*summary(outcome)))


def summary(found: "MediaOutcome") -> list[tuple[str, str]]:
    """Return what a run did, as names and values for people."""
    counts, outcome = found.counts, found.outcome
    rows = [("there", f"{count(found.objects, 'object')}, {readable_bytes(found.bytes)}")]
    became = {
        name: getattr(counts, name)
        for name in ("new", "changed", "deleted", "left_out", "vanished", "archived")
    }
    told = [f"{number:,} {name.replace('_', ' ')}" for name, number in became.items() if number]
    rows.append(("found", ", ".join(told) or "nothing new"))
    if counts.copied or counts.already_copied or counts.copies_deleted:
        copies = f"{counts.copied:,} made, {readable_bytes(counts.copied_bytes)}"
        if counts.already_copied:
            copies += f"; {counts.already_copied:,} were there"
        if counts.copies_deleted:
            copies += f"; {counts.copies_deleted:,} deleted"
        rows.append(("copies", copies))
    if outcome.written is not None:
        commit = outcome.written.commit
        rows.append(("written", f"{count(commit.rows, 'row')}, {readable_bytes(commit.bytes)}"))
        rows.append(("version", commit.version.token))
        rows.append(("cursor", f"{_cursor(outcome.since)} -> {_cursor(outcome.until)}"))
    rows.extend(("note", note) for note in outcome.notes)
    return [*rows, ("time", f"{outcome.seconds:.1f} s")]


def _cursor(cursor: "Cursor | None") -> str:
    files = sum(segment.files for segment in cursor.segments) if cursor is not None else 0
    return count(files, "object")


def _name(registry: "Registry", given: str) -> str:
    if given in registry.media:
        return given
    return next((name for name, each in registry.media.items() if each.target == given), given)
