"""`s3-assets export`: one export, without Dagster."""

from typing import TYPE_CHECKING, Annotated

import typer

from s3_assets.cli.console import facts, print_json, standard_output
from s3_assets.cli.imports import shown
from s3_assets.cli.names import names_of
from s3_assets.cli.options import FirstPartition, LastPartition, Output, OutputAs, Partition, options
from s3_assets.cli.outcomes import cursor_words, of_export
from s3_assets.cli.windows import export_windows
from s3_assets.progress import Progress, count, readable_bytes

if TYPE_CHECKING:
    from s3_assets.exports.export import Export
    from s3_assets.exports.outcome import ExportOutcome

_SECONDS_BETWEEN_LOOKS = 0.1
_FILES_SHOWN = 3


def run_export(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The export's name.", autocompletion=names_of("exports"))],
    window: Partition = None,
    first: FirstPartition = None,
    last: LastPartition = None,
    *,
    output: OutputAs = Output.TABLE,
) -> None:
    """Run one export, here and without Dagster: the files are the same, and so is the cursor.

    Each partition is a commit of its own; those that are done stay if a later one fails.

    Example: [bold]s3-assets export partners/orders --partition 2026-01-05[/bold]
    """
    from datetime import UTC, datetime
    from uuid import uuid4

    from s3_assets.exports.outcome import ExportOutcome

    export = options(context).load().export(name)
    windows = export_windows(export, window, first, last)
    moment, run = datetime.now(UTC), str(uuid4())
    found: ExportOutcome | None = None
    with shown(f"export {name}: planning") as show:
        progress = Progress(f"export {name}", show, _SECONDS_BETWEEN_LOOKS)
        for each in windows:
            outcome = export.run(
                window=each, moment=moment, run=run, notes={"by": "s3-assets export"}, progress=progress
            )
            found = outcome if found is None else found.then(outcome)
    if found is None:
        # Windows are never none: without one, it is a run of all.
        found = ExportOutcome(name)
    if output is Output.JSON:
        print_json(of_export(export, found))
        return
    console = standard_output()
    title = f"export {name}: {export.read_source.name} -> {export.destination.location.url}"
    console.print(title, style="bold", markup=False, soft_wrap=True)
    console.print(facts(*summary(found, export)))


def summary(outcome: "ExportOutcome", export: "Export") -> list[tuple[str, str]]:
    """Return what an export did, as names and values for people."""
    rows = []
    if outcome.nothing_new:
        rows.append(("written", "nothing: there is nothing new"))
    else:
        units = f", {len(outcome.manifests):,} commits" if len(outcome.manifests) > 1 else ""
        files = f"{count(len(outcome.files), 'file')}, {readable_bytes(outcome.bytes)}{units}"
        rows.append(("written", f"{count(outcome.rows, 'row')} in {files}"))
        rows += [("file", file.url) for file in outcome.files[:_FILES_SHOWN]]
        more = len(outcome.files) - _FILES_SHOWN
        if more > 0:
            rows.append(("", f"and {more:,} more"))
        rows.append(("manifest", export.destination.objects.url(outcome.manifests[-1].key)))
    if outcome.removed_files:
        rows.append(("removed", f"{count(outcome.removed_files, 'file')}, replaced by these"))
    if outcome.until is not None:
        rows.append(("cursor", f"{cursor_words(outcome.since)} -> {cursor_words(outcome.until)}"))
    rows.extend(("note", note) for note in outcome.remarks)
    return [*rows, ("time", f"{outcome.seconds:.1f} s")]
