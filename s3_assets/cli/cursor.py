"""`s3-assets cursor`: how far a stream has come, and moving it; nothing moves without a yes."""

import json
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from s3_assets.cli.console import facts, standard_error, standard_output
from s3_assets.cli.cursor_told import Reader, describe, reading
from s3_assets.cli.options import Output, options
from s3_assets.cli.streams import stream_of, streams_of
from s3_assets.errors import SettingError, TableMissingError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.table import Table as Grid

    from s3_assets.incremental.cursor_edit import Moved, OpenStream
    from s3_assets.tables.positions import Position
    from s3_assets.tables.table import Table

application = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")

_REFUSED = 2

Name = Annotated[str, typer.Argument(help="The import's name, or the table that is written.")]
Source = Annotated[
    str | None, typer.Option(help="Of a table that several sources are read into: the source's name.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Format = Annotated[Output, typer.Option("--output", "-o", help="How to print it.")]


@application.callback()
def cursor() -> None:
    """Look at the cursor of an import or an asset, or move it."""


@application.command()
def show(context: typer.Context, name: Name, source: Source = None, output: Format = Output.TABLE) -> None:
    """Show how far a stream has come: position, number, when it was committed, and what came before.

    Example: [bold]s3-assets cursor show orders[/bold]
    """
    from s3_assets.incremental.cursor_edit import look_at

    registry = options(context).load()
    found: list[dict[str, Any]] = []
    for stream in streams_of(registry, name, source):
        try:
            told = describe(look_at(registry.table(stream.target), stream.id))
        except TableMissingError:
            told = {"stream": stream.id, "number": None}
        found.append({"source": stream.source, "target": stream.target, **told})
    console = standard_output()
    if output is Output.JSON:
        console.print(json.dumps(found, indent=2), markup=False, soft_wrap=True)
        return
    if not found:
        console.print(f"{name}: nothing is read into it with a cursor", markup=False, soft_wrap=True)
    for told in found:
        title = f"{told['source']} -> {told['target']}"
        console.print(title, style="bold", markup=False, soft_wrap=True)
        console.print(facts(*_rows(told)))


@application.command("set")
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
    output: Format = Output.TABLE,
) -> None:
    """Set a stream's cursor: the next run reads what comes behind the position, and nothing else.

    It is a commit of the target without rows. A run under way that has read the old cursor begins again.

    Example: [bold]s3-assets cursor set orders --version 120[/bold]
    """
    given = [each for each in (version, last_path, modified, number) if each is not None]
    if len(given) != 1:
        raise SettingError(
            "one position has to be named",
            remedy="Give one of --version, --last-path, --modified and --number.",
        )

    def choose(table: "Table[Any]", opened: "OpenStream") -> "Position | None":
        from s3_assets.incremental import cursor_positions

        if version is not None:
            return cursor_positions.at_version(table, version)
        if last_path is not None:
            return cursor_positions.at_path(table, last_path)
        if modified is not None:
            return cursor_positions.at_time(table, _moment(modified))
        return opened.position_of(number or 0)

    _move(context, _Asked(name, source, "set", yes, output), choose)


@application.command()
def reset(
    context: typer.Context,
    name: Name,
    source: Source = None,
    *,
    yes: Yes = False,
    output: Format = Output.TABLE,
) -> None:
    """Have a stream begin anew: the next run reads the whole source.

    Rows that the target has already are appended a second time: empty it before, or use mode replace.

    Example: [bold]s3-assets cursor reset orders[/bold]
    """
    _move(context, _Asked(name, source, "reset", yes, output), lambda _table, _opened: None)


class _Asked(NamedTuple):
    name: str
    source: str | None
    act: str
    yes: bool
    output: Output


def _move(
    context: typer.Context,
    asked: _Asked,
    choose: "Callable[[Table[Any], OpenStream], Position | None]",
) -> None:
    from s3_assets.incremental.cursor_edit import open_stream

    registry = options(context).load()
    stream = stream_of(registry, asked.name, asked.source)
    job = next(
        (
            registry.import_(name)
            for name, each in registry.imports.items()
            if (each.source, each.target) == stream
        ),
        None,
    )
    try:
        opened = open_stream(registry.table(stream.target), stream.id)
    except TableMissingError as error:
        error.remedy = (
            "Nothing was read yet: run the import once, or create the table, and move its cursor then."
        )
        raise error.at() from None
    source = registry.table(stream.table)
    position = choose(source, opened)
    if _stands_there(opened, position):
        standard_error().print(f"{stream.id}: it stands there already", markup=False, soft_wrap=True)
        return
    with standard_error().status("looking at what the next run would read"):
        told = _consequences(Reader(job, source, stream.window), opened, position)
    title = f"{asked.act} the cursor of {stream.source} -> {stream.target}"
    standard_error().print(title, style="bold", markup=False, soft_wrap=True)
    standard_error().print(told)
    _require_yes(asked)
    moved = opened.move(position, notes={"by": f"s3-assets cursor {asked.act}"})
    _tell(asked, opened, moved)


def _stands_there(opened: "OpenStream", position: "Position | None") -> bool:
    """Tell whether nothing would change; of positions with files it is not asked."""
    from s3_assets.tables.positions import PathPosition, VersionPosition

    if opened.damage is not None:
        return False
    current = opened.current.position if opened.current is not None else None
    if position is None or isinstance(position, PathPosition | VersionPosition):
        return current == position
    return False


def _consequences(reader: Reader, opened: "OpenStream", position: "Position | None") -> "Grid":
    from s3_assets.incremental.run_notes import position_words

    current = opened.current.position if opened.current is not None else None
    now = opened.damage or reader.next_read(current)
    then = reader.next_read(position)
    return facts(
        ("from", str(opened.damage) if opened.damage else position_words(current)),
        ("to", position_words(position)),
        ("now", f"the next run {reading(now)}"),
        ("then", f"the next run {reading(then)}"),
        ("means", reader.consequence(now, then)),
    )


def _tell(asked: _Asked, opened: "OpenStream", moved: "Moved") -> None:
    from s3_assets.incremental.run_notes import position_words

    after = moved.after
    told: dict[str, Any] = {
        "stream": opened.name,
        "number": after.number,
        "previous": after.previous,
        "told": position_words(after.position),
        "version": moved.commit.version.token,
    }
    if asked.output is Output.JSON:
        standard_output().print(json.dumps(told, indent=2), markup=False, soft_wrap=True)
        return
    rows = [("number", str(after.number)), ("position", told["told"]), ("version", told["version"])]
    if after.previous is not None and opened.damage is None:
        back = f"s3-assets cursor set {asked.name} --number {after.previous}"
        rows.append(("back", f"{back} (as long as no run has committed)"))
    standard_output().print(facts(*rows))


def _require_yes(asked: _Asked) -> None:
    if asked.yes:
        return
    if not sys.stdin.isatty():
        standard_error().print(
            "nothing was changed: there is nobody to ask; give --yes",
            style="red",
            markup=False,
            soft_wrap=True,
        )
        raise typer.Exit(_REFUSED)
    answer = typer.prompt("Type yes to go on", default="no", err=True)
    if answer.strip().lower() != "yes":
        standard_error().print("nothing was changed", markup=False)
        raise typer.Exit(1)


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
