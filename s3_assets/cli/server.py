"""`s3-assets server`: the embedded S3 server by itself."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from s3_assets.cli.console import facts, print_json, standard_error, standard_output
from s3_assets.cli.exits import NOT_RUNNING
from s3_assets.cli.options import Output, OutputAs

if TYPE_CHECKING:
    from s3_assets.embedded.server import EmbeddedServer

FOLDER = Path(".demo")
PORT = 9445

Folder = Annotated[Path, typer.Option(help="Its data, log and process number.")]


def start(
    folder: Folder = FOLDER,
    port: Annotated[int, typer.Option(help="0 takes any that is free.", min=0, max=65535)] = PORT,
    *,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse keys that no user of the server has.")
    ] = False,
    output: OutputAs = Output.TABLE,
) -> None:
    """Start it and leave it running.

    Example: [bold]s3-assets server start --folder .demo[/bold]
    """
    from s3_assets.embedded.server import EmbeddedServer

    with standard_error().status("starting"):
        server = EmbeddedServer(folder, port=port, require_known_keys=strict, keep=True).start()
    _show(server, output)


def stop(folder: Folder = FOLDER, output: OutputAs = Output.TABLE) -> None:
    """Stop the one of this folder, whoever started it; its data stays.

    Example: [bold]s3-assets server stop[/bold]
    """
    from s3_assets.embedded.server import EmbeddedServer

    server = EmbeddedServer(folder)
    ran = server.running()
    server.stop()
    if output is Output.JSON:
        print_json({"running": False, "stopped": ran, "folder": str(folder)})
        return
    standard_output().print(
        f"the server of {folder} {'has stopped' if ran else 'did not run'}", markup=False, soft_wrap=True
    )


def status(folder: Folder = FOLDER, output: OutputAs = Output.TABLE) -> None:
    """Tell whether one runs on the folder; the exit code is 3 if not.

    Example: [bold]s3-assets server status[/bold]
    """
    from s3_assets.embedded.server import EmbeddedServer

    server = EmbeddedServer(folder)
    if server.running():
        _show(server, output)
        return
    if output is Output.JSON:
        print_json({"running": False, "folder": str(folder)})
    else:
        standard_output().print(f"no server runs on {folder}", markup=False, soft_wrap=True)
    raise typer.Exit(NOT_RUNNING)


def _show(server: "EmbeddedServer", output: Output) -> None:
    from s3_assets.embedded.server import ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY

    if output is Output.JSON:
        told = {"running": True, "endpoint": server.endpoint_url, "region": REGION}
        print_json({**told, "folder": str(server.folder), "process": server.pid})
        return
    console = standard_output()
    console.print("the embedded S3 server runs", style="bold")
    console.print(
        facts(
            ("endpoint", server.endpoint_url),
            ("keys", f"{ACCESS_KEY_ID} / {SECRET_ACCESS_KEY}, region {REGION}"),
            ("folder", str(server.folder)),
            ("process", str(server.pid)),
        )
    )
