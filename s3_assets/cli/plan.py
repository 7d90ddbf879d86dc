"""`s3-assets plan`: what the next run of an import or export would read; nothing is written."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from s3_assets.cli.console import facts, print_json, standard_error, standard_output
from s3_assets.cli.names import names_of
from s3_assets.cli.options import FirstPartition, LastPartition, Output, OutputAs, Partition, options
from s3_assets.cli.streams import import_of, is_export
from s3_assets.cli.windows import export_windows, window_of
from s3_assets.errors import SettingError
from s3_assets.progress import readable_bytes

if TYPE_CHECKING:
    from s3_assets.exports.export import Export
    from s3_assets.movement.imports import Import
    from s3_assets.movement.next_run import NextRun
    from s3_assets.windows import Window


def plan(
    context: typer.Context,
    name: Annotated[
        str,
        typer.Argument(
            help="The import's name, its table's, or an export's.",
            autocompletion=names_of("imports", "exports"),
        ),
    ],
    window: Partition = None,
    first: FirstPartition = None,
    last: LastPartition = None,
    *,
    output: OutputAs = Output.TABLE,
) -> None:
    """Show what the next run would read: files and bytes against all there are, rows, notes.

    Nothing is written and nothing is created. What would stop the run, stops here with the same message.

    Example: [bold]s3-assets plan orders[/bold]
    """
    from s3_assets.movement.next_run import next_run

    registry = options(context).load()
    if is_export(registry, name):
        _plan_export(registry.export(name), (window, first, last), output)
        return
    if name in registry.media or name in {each.target for each in registry.media.values()}:
        raise SettingError(
            f"'{name}' is of a media set, and plans are of imports and exports",
            remedy="Run it with `s3-assets media`: it looks at what is new or changed alone.",
        )
    job = registry.import_(import_of(registry, name))
    span = window_of(job, window, first, last)
    with standard_error().status("looking at the source"):
        found = next_run(job, window=span)
        told = _described(job, found, span)
    console = standard_output()
    if output is Output.JSON:
        print_json(told)
        return
    title = f"plan of {job.name}: {job.source.name} -> {job.target.name}"
    console.print(title, style="bold", markup=False, soft_wrap=True)
    console.print(facts(*_rows(told)))


def _plan_export(export: "Export", named: tuple[str | None, str | None, str | None], output: Output) -> None:
    from s3_assets.cli.export_plan import describe_next, rows_of

    windows = export_windows(export, *named)
    with standard_error().status("looking at the source"):
        told = describe_next(export, windows)
    console = standard_output()
    if output is Output.JSON:
        print_json(told)
        return
    title = f"plan of {export.name}: {told['source']} -> {told['destination']}"
    console.print(title, style="bold", markup=False, soft_wrap=True)
    console.print(facts(*rows_of(told)))


def _described(job: "Import", found: "NextRun", span: "Window | None") -> dict[str, Any]:
    from s3_assets.incremental.run_notes import position_words

    plan = found.plan
    current = found.stream.current if found.stream is not None else None
    return {
        "import": job.name,
        "source": job.source.name,
        "target": job.target.name,
        "target_missing": found.creates,
        "mode": str(job.mode),
        "read_mode": str(plan.mode),
        "window": str(span) if span is not None else None,
        "cursor": None if current is None else position_words(current.position),
        "cursor_number": current.number if current is not None else None,
        "nothing_new": plan.empty,
        "files": plan.files,
        "bytes": plan.bytes,
        "total_files": plan.total_files,
        "total_bytes": plan.total_bytes,
        "rows": found.rows,
        "requests_at_least": plan.files,
        "partitions": [[start.isoformat(), end.isoformat()] for start, end in found.spans],
        "until": None if plan.empty else position_words(plan.until),
        "notes": list(plan.remarks),
    }


def _rows(told: dict[str, Any]) -> list[tuple[str, str]]:
    rows = [("mode", f"{told['mode']}, which reads {told['read_mode']}")]
    if told["window"]:
        rows.append(("partitions", told["window"]))
    if told["target_missing"]:
        rows.append(("target", "is not there yet: the run creates it"))
    if told["cursor"] is not None:
        rows.append(("cursor", f"{told['cursor']} (number {told['cursor_number']})"))
    if told["nothing_new"]:
        rows.append(("read", "nothing: there is nothing new"))
    else:
        of_files = f" of {told['total_files']:,}" if told["total_files"] is not None else ""
        of_bytes = f" of {readable_bytes(told['total_bytes'])}" if told["total_bytes"] is not None else ""
        rows.append(("read", f"{told['files']:,}{of_files} files, {readable_bytes(told['bytes'])}{of_bytes}"))
        rows.append(
            ("rows", f"{told['rows']:,}" if told["rows"] is not None else "not known without reading")
        )
        rows.append(("requests", f"at least {told['requests_at_least']:,}: one for each file"))
    rows.extend(("changed", f"{start} to {end}") for start, end in told["partitions"])
    rows.extend(("note", note) for note in told["notes"])
    return rows
