"""The application: which commands there are, under which heading of its help, and their own exit codes."""

from pathlib import Path
from typing import Annotated

import typer

from s3_assets.cli import (
    check,
    cursor,
    demo,
    dev,
    discover,
    du,
    export,
    guess,
    head,
    history,
    imports,
    init,
    ls,
    media,
    metadata,
    metadata_written,
    plan,
    policy,
    preview,
    registry,
    schema,
    server,
    tree,
)
from s3_assets.cli.application import HELP_NAMES, Group, Program, add
from s3_assets.cli.entry import run, version
from s3_assets.cli.exits import CODES
from s3_assets.cli.options import Options

application = typer.Typer(
    cls=Program,
    name="s3-assets",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings=HELP_NAMES,
    epilog=CODES,
)
cursors = typer.Typer(cls=Group, no_args_is_help=True, rich_markup_mode="rich")
metadatas = typer.Typer(cls=Group, no_args_is_help=True, rich_markup_mode="rich")
servers = typer.Typer(cls=Group, no_args_is_help=True, rich_markup_mode="rich")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(version())
        raise typer.Exit


@application.callback()
def main(
    context: typer.Context,
    registry_file: Annotated[
        Path | None,
        typer.Option("--registry", "-r", help="The registry; left out: s3_assets.yaml here or above."),
    ] = None,
    *,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    show_version: Annotated[
        bool,
        typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_show_version),
    ] = False,
) -> None:
    """Dagster assets from tables and files on S3, moved exactly once."""
    del show_version
    context.obj = Options(registry_file, debug=debug)


START, LOOK = "Start", "Look at a bucket"
REGISTRY, MOVE = "The registry", "Move data, and see what was moved"

add(application, "init", init.init, panel=START)
add(application, "demo", demo.run_demo, panel=START, codes={1: "a check of the demo does not hold"})
add(application, "dev", dev.run_dev, panel=START, codes={0: "also after Ctrl-C, which is how it ends"})
application.add_typer(
    servers, name="server", help="The embedded S3 server, on loopback only.", rich_help_panel=START
)
add(servers, "start", server.start)
add(servers, "stop", server.stop)
add(servers, "status", server.status, codes={3: "no server runs on the folder"})

add(application, "ls", ls.list_place, panel=LOOK, reads=True)
add(application, "tree", tree.show_tree, panel=LOOK, reads=True)
add(application, "du", du.disk_usage, panel=LOOK, reads=True)
add(application, "head", head.head, panel=LOOK, reads=True)
add(application, "discover", discover.discover, panel=LOOK, reads=True)
add(application, "guess", guess.guess, panel=LOOK, reads=True)
add(application, "schema", schema.schema, panel=LOOK, reads=True)
add(application, "preview", preview.preview, panel=LOOK, reads=True)
application.add_typer(
    metadatas,
    name="metadata",
    help="What is known of a table, and the registry as OpenMetadata has it.",
    rich_help_panel=LOOK,
)
add(metadatas, "show", metadata.show)
add(metadatas, "openmetadata", metadata_written.openmetadata)

add(application, "validate", registry.validate, panel=REGISTRY, reads=True)
add(application, "tables", registry.list_tables, panel=REGISTRY, reads=True)
add(
    application,
    "check",
    check.check,
    panel=REGISTRY,
    codes={1: "a permission is missing or could not be tested, or the clock is too far off"},
)
add(application, "policy", policy.print_policy, panel=REGISTRY, reads=True)

add(application, "plan", plan.plan, panel=MOVE, reads=True)
add(application, "import", imports.run_import, panel=MOVE)
add(application, "export", export.run_export, panel=MOVE)
add(application, "media", media.run_media, panel=MOVE)
add(application, "history", history.history, panel=MOVE, reads=True)
application.add_typer(
    cursors,
    name="cursor",
    help="Look at the cursor of an import, an export or an asset, or move it.",
    rich_help_panel=MOVE,
)
moved = {1: "the answer was no; also an error", 2: "there is nobody to ask, and no --yes; also wrong usage"}
add(cursors, "show", cursor.show, reads=True)
add(cursors, "set", cursor.set_cursor, codes=moved)
add(cursors, "reset", cursor.reset, codes=moved)

if __name__ == "__main__":
    run()
