"""Moving a cursor: say what it means, ask, and commit it."""

import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

from s3_assets.cli.console import facts, print_json, standard_error, standard_output
from s3_assets.cli.cursor_told import Reader, reading
from s3_assets.cli.options import Output, options
from s3_assets.cli.streams import open_of, stream_of
from s3_assets.errors import SettingError, TableMissingError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.table import Table as Grid

    from s3_assets.exports.streams import ExportStream
    from s3_assets.incremental.cursor_edit import Moved, OpenStream, StreamState
    from s3_assets.movement.imports import Import
    from s3_assets.tables.positions import Position
    from s3_assets.tables.table import Table

_REFUSED = 2


class Asked(NamedTuple):
    """What a person asked for: the act is `set` or `reset`."""

    name: str
    source: str | None
    act: str
    yes: bool
    output: Output


def move(
    context: typer.Context,
    asked: Asked,
    choose: "Callable[[Table[Any], StreamState], Position | None]",
) -> None:
    """Move a cursor to the position that is chosen, after a yes.

    Raises `TableMissingError` if there is no target, `StreamMovedError` if a run was faster than the answer.
    Ends with code 1 after a no, and with 2 if there is nobody to ask.
    """
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
        opened = open_of(registry, stream)
    except TableMissingError as error:
        raise TableMissingError(
            f"nothing was read into '{stream.target}' yet, and a cursor is kept in the table itself: "
            f"{error.found}",
            remedy=_remedy(asked, job),
            table=stream.target,
            connection=error.connection,
            location=error.location,
        ) from None
    source = registry.table(stream.table)
    position = choose(source, opened)
    if job is not None:
        _require_kind(job, position)
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


def _remedy(asked: Asked, job: "Import | None") -> str:
    first = f"Run `s3-assets import {job.name}` once" if job is not None else "Run what writes it once"
    if asked.act == "reset":
        return f"{first}: it reads from the beginning as it is."
    return f"{first}, or create the table with the columns of its rows and none of them; set the cursor then."


def _require_kind(job: "Import", position: "Position | None") -> None:
    """Raise `SettingError` for a position that no run of the import could have left."""
    from s3_assets.movement.imports import ImportMode
    from s3_assets.tables.positions import StatePosition

    if job.mode is ImportMode.REPLACE:
        raise SettingError(
            f"the import '{job.name}' replaces what is there with each run, and has no cursor",
            remedy="Run it; or choose mode: replace_on_new_data.",
        )
    if job.mode is ImportMode.MIRROR and position is not None:
        raise SettingError(
            f"the import '{job.name}' is a mirror: after any move of its cursor a run writes all rows anew",
            remedy="Reset the cursor, if that is meant.",
        )
    state = position is None or isinstance(position, StatePosition)
    if job.mode is ImportMode.REPLACE_ON_NEW_DATA and not state:
        raise SettingError(
            f"the cursor of the import '{job.name}' holds a state of the whole source",
            remedy="Set it back with --number, or reset it.",
        )


def _stands_there(opened: "OpenStream | ExportStream", position: "Position | None") -> bool:
    """Tell whether nothing would change; of positions with files it is not asked."""
    from s3_assets.tables.positions import PathPosition, VersionPosition

    if opened.damage is not None:
        return False
    current = opened.current.position if opened.current is not None else None
    if position is None or isinstance(position, PathPosition | VersionPosition):
        return current == position
    return False


def _consequences(reader: Reader, opened: "OpenStream | ExportStream", position: "Position | None") -> "Grid":
    from s3_assets.incremental.run_notes import position_words
    from s3_assets.movement.next_run import start_of

    current = opened.current.position if opened.current is not None else None
    start = current if reader.job is None else start_of(reader.job, opened.current)
    now = opened.damage or reader.next_read(start)
    then = reader.next_read(position)
    return facts(
        ("from", str(opened.damage) if opened.damage else position_words(current)),
        ("to", position_words(position)),
        ("now", f"the next run {reading(now)}"),
        ("then", f"the next run {reading(then)}"),
        ("means", reader.consequence(now, then)),
    )


def _tell(asked: Asked, opened: "OpenStream | ExportStream", moved: "Moved") -> None:
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
        print_json(told)
        return
    rows = [("number", str(after.number)), ("position", told["told"]), ("version", told["version"])]
    if after.previous is not None and opened.damage is None:
        back = f"s3-assets cursor set {asked.name} --number {after.previous}"
        rows.append(("back", f"{back} (as long as no run has committed)"))
    standard_output().print(facts(*rows))


def _require_yes(asked: Asked) -> None:
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
