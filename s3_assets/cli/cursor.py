"""`s3-assets cursor`: how far a stream has come, and moving it; nothing moves without a yes."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from s3_assets.cli.console import facts, print_json, standard_output
from s3_assets.cli.cursor_move import Asked, move
from s3_assets.cli.cursor_told import describe
from s3_assets.cli.names import names_of
from s3_assets.cli.options import Output, OutputAs, options
from s3_assets.cli.streams import state_of, streams_of
from s3_assets.errors import SettingError, TableMissingError

if TYPE_CHECKING:
    from s3_assets.incremental.cursor_edit import StreamState
    from s3_assets.tables.positions import Position
    from s3_assets.tables.table import Table

Name = Annotated[
    str,
    typer.Argument(
        help="The import's name, or the table or export that is written.",
        autocompletion=names_of("imports", "media", "tables", "exports"),
    ),
]
Source = Annotated[
    str | None,
    typer.Option(
        help="Of a table that several sources are read into: the source's name.",
        autocompletion=names_of("tables"),
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def show(context: typer.Context, name: Name, source: Source = None, output: OutputAs = Output.TABLE) -> None:
    """Show how far a stream has come: position, number, when it was committed, and what came before.

    Example: [bold]s3-assets cursor show orders[/bold]
    """
    registry = options(context).load()
    found: list[dict[str, Any]] = []
    for stream in streams_of(registry, name, source):
        try:
            told = describe(state_of(registry, stream))
        except TableMissingError:
            told = {"stream": stream.id, "number": None}
        found.append({"source": stream.source, "target": stream.target, **told})
    console = standard_output()
    if output is Output.JSON:
        print_json(found)
        return
    if not found:
        console.print(f"{name}: nothing is read into it with a cursor", markup=False, soft_wrap=True)
    for told in found:
        title = f"{told['source']} -> {told['target']}"
        console.print(title, style="bold", markup=False, soft_wrap=True)
        console.print(facts(*_rows(told)))


def set_cursor(
    context: typer.Context,
    name: Name,
    version: Annotated[
        int | None, typer.Option(help="Of a Delta or Iceberg source: the version or snapshot that was read.")
    ] = None,
    last_path: Annotated[
        str | None,
        typer.Option(help="Of a folder: the last file that was read, by its path below the folder."),
    ] = None,
    modified: Annotated[
        str | None,
        typer.Option(
            help="Of a folder: files were read that were written up to this time, UTC if no zone is given."
        ),
    ] = None,
    number: Annotated[
        int | None, typer.Option(help="Back to an earlier cursor: its number, as `cursor show` has it.")
    ] = None,
    source: Source = None,
    *,
    yes: Yes = False,
    output: OutputAs = Output.TABLE,
) -> None:
    """Set a stream's cursor: the next run reads what comes behind the position, and nothing else.

    It is a commit of the target, table or export, without rows. A run under way that has read the old cursor
    begins again.

    Example: [bold]s3-assets cursor set orders --version 120[/bold]
    """
    given = [each for each in (version, last_path, modified, number) if each is not None]
    if len(given) != 1:
        raise SettingError(
            "one position has to be named",
            remedy="Give one of --version, --last-path, --modified and --number.",
        )

    def choose(table: "Table[Any]", opened: "StreamState") -> "Position | None":
        from s3_assets.incremental import cursor_positions

        if version is not None:
            return cursor_positions.at_version(table, version)
        if last_path is not None:
            return cursor_positions.at_path(table, last_path)
        if modified is not None:
            return cursor_positions.at_time(table, _moment(modified))
        return opened.position_of(number or 0)

    move(context, Asked(name, source, "set", yes, output), choose)


def reset(
    context: typer.Context,
    name: Name,
    source: Source = None,
    *,
    yes: Yes = False,
    output: OutputAs = Output.TABLE,
) -> None:
    """Have a stream begin anew: the next run reads the whole source.

    Rows that the target has already are appended a second time: empty it before, or use mode replace.

    Example: [bold]s3-assets cursor reset orders[/bold]
    """
    move(context, Asked(name, source, "reset", yes, output), lambda _table, _opened: None)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise SettingError(f"'{text}' is no time", remedy="Write one such as 2026-01-05T12:00:00Z.") from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _rows(told: dict[str, Any]) -> list[tuple[str, str]]:
    if told["number"] is None:
        return [("position", "none: nothing was committed yet; the next run reads from the beginning")]
    if told["committed_at"]:
        when = f"{_moment_text(told['committed_at'])} as version {told['version']}"
    else:
        when = f"by a run that began {_moment_text(told['begun_at'])}"
    rows = [("position", told["told"]), ("number", str(told["number"])), ("committed", when)]
    if told["ledger_segments"]:
        rows.append(("ledger", f"files: {told['ledger_files']:,}, in segments: {told['ledger_segments']}"))
    rows.append(("previous", str(told["previous"]) if told["previous"] is not None else "none"))
    if told["earlier"]:
        kept = ", ".join(map(str, told["earlier"]))
        rows.append(("kept", f"{kept}: can be set back to"))
    return rows


def _moment_text(moment: str) -> str:
    return f"{datetime.fromisoformat(moment).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
