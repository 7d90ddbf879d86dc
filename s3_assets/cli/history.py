"""`s3-assets history`: what past runs did, from the table's own commits."""

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table as Grid
from rich.text import Text

from s3_assets.cli.console import print_json, standard_error, standard_output
from s3_assets.cli.names import names_of
from s3_assets.cli.options import Output, OutputAs, options
from s3_assets.cli.streams import is_export, target_of
from s3_assets.progress import readable_bytes

if TYPE_CHECKING:
    from s3_assets.exports.export import Export
    from s3_assets.tables.history import PastCommit

_RIGHT = ("rows", "files", "bytes", "seconds")
_RUN_SHOWN = 8
_UNKNOWN = "-"


def history(
    context: typer.Context,
    name: Annotated[
        str,
        typer.Argument(
            help="An import's name, a table's, or an export's.",
            autocompletion=names_of("imports", "media", "tables", "exports"),
        ),
    ],
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="How many commits.")] = 20,
    output: OutputAs = Output.TABLE,
) -> None:
    """Show what past runs did, newest first: time, rows, files, bytes, duration, cursor from and to, run id.

    It is read from the commits of the table that is written, as far back as these are kept. A run that found
    nothing new committed nothing. Commits of other writers are shown among them, as foreign. Of an export the
    manifests of what is there now are shown: a unit that was exported again has its newest alone.

    Example: [bold]s3-assets history orders --limit 5[/bold]
    """
    registry = options(context).load()
    if is_export(registry, name):
        _of_export(registry.export(name), limit, output)
        return
    target = registry.table(target_of(registry, name))
    with standard_error().status("reading the commits"):
        rows = [_described(commit) for commit in target.history(limit)]
    console = standard_output()
    if output is Output.JSON:
        print_json(rows)
        return
    console.print(Text.assemble((target.name, "bold"), f"  {target.location.url}"), soft_wrap=True)
    if not rows:
        console.print("no commit was made yet", markup=False)
        return
    _print(("time (UTC)", "version", *_RIGHT, "cursor", "by"), _RIGHT, map(_cells, rows))


def _of_export(export: "Export", limit: int, output: Output) -> None:
    from s3_assets.cli.export_history import RIGHT, TITLES, cells_of, describe_manifests

    with standard_error().status("reading the manifests"):
        rows = describe_manifests(export, limit)
    console = standard_output()
    if output is Output.JSON:
        print_json(rows)
        return
    title = Text.assemble((export.name, "bold"), f"  {export.destination.location.url}")
    console.print(title, soft_wrap=True)
    if not rows:
        console.print("nothing was exported yet", markup=False)
        return
    _print(TITLES, RIGHT, [cells_of(row) for row in rows])


def _print(titles: Sequence[str], right: Collection[str], rows: Iterable[Sequence[str]]) -> None:
    grid = Grid(box=None, header_style="bold", pad_edge=False)
    for title in titles:
        grid.add_column(title, justify="right" if title in right else "left", overflow="fold")
    for row in rows:
        grid.add_row(*map(Text, row))
    standard_output().print(grid)


def _described(commit: "PastCommit") -> dict[str, Any]:
    """Return one commit for programs; None is what its table's log does not tell."""
    from s3_assets.incremental import run_notes

    notes = commit.notes
    seconds = run_notes.seconds_until(notes, commit.time)
    return {
        "version": commit.version.token,
        "number": commit.version.number,
        "time": commit.time.isoformat() if commit.time else None,
        "ours": commit.is_ours,
        "operation": commit.operation,
        "rows": commit.rows,
        "files": commit.files,
        "bytes": commit.bytes,
        "removed_files": commit.removed_files,
        "seconds": seconds if seconds is None else round(seconds, 3),
        "import": notes.get(run_notes.IMPORT),
        "asset": notes.get(run_notes.ASSET),
        "run": notes.get(run_notes.RUN),
        "by": notes.get(run_notes.BY),
        "reads": [
            {
                "name": each.name,
                "from": each.since,
                "to": each.until,
                "files": each.files,
                "bytes": each.bytes,
            }
            for each in run_notes.read_reads(notes)
        ],
        "cursors": dict(commit.streams),
    }


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    cursors = [f"{each['from']} -> {each['to']}" for each in row["reads"] if each["to"] is not None]
    return (
        row["time"][:19].replace("T", " ") if row["time"] else _UNKNOWN,
        row["version"],
        _count(row["rows"]),
        _count(row["files"]),
        readable_bytes(row["bytes"]) if row["bytes"] is not None else _UNKNOWN,
        f"{row['seconds']:.1f}" if row["seconds"] is not None else _UNKNOWN,
        "\n".join(cursors) or _UNKNOWN,
        _by(row),
    )


def _by(row: dict[str, Any]) -> str:
    if not row["ours"]:
        # Columns that are added, and the table itself, are commits as well, whoever makes them.
        changes = row["files"] != 0 or row["removed_files"] != 0
        return f"foreign: {row['operation']}" if changes else row["operation"]
    run = f"run {row['run'][:_RUN_SHOWN]}" if row["run"] else None
    return "\n".join(each for each in (row["by"], run) if each) or "s3-assets"


def _count(number: int | None) -> str:
    return f"{number:,}" if number is not None else _UNKNOWN
