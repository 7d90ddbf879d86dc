"""`s3-assets server`: the embedded S3 server by itself."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from s3_assets.cli.console import facts, standard_output

if TYPE_CHECKING:
    from s3_assets.embedded.server import EmbeddedServer

FOLDER = Path(".demo")
PORT = 9445

Folder = Annotated[Path, typer.Option(help="Its data, log and process number.")]


def start(
    folder: Folder = FOLDER,
    port: Annotated[int, typer.Option(help="0 takes any that is free.", min=0, max=65535)] = PORT,
    *,
    strict: Annotated[bool, typer.Option(help="Refuse keys that no user of the server has.")] = False,
) -> None:
    """Start it and leave it running.

    Example: [bold]s3-assets server start --folder .demo[/bold]
    """
    from s3_assets.embedded.server import EmbeddedServer

    server = EmbeddedServer(folder, port=port, require_known_keys=strict, keep=True).start()
    _show(server, "runs")


def stop(folder: Folder = FOLDER) -> None:
    """Stop the one of this folder, whoever started it; its data stays.

    Example: [bold]s3-assets server stop[/bold]
    """
    from s3_assets.embedded.server import EmbeddedServer

    server = EmbeddedServer(folder)
    ran = server.running()
    server.stop()
    standard_output().print(
        f"the server of {folder} {'has stopped' if ran else 'did not run'}", markup=False, soft_wrap=True
    )


def status(folder: Folder = FOLDER) -> None:
    """Tell whether one runs on the folder; the exit code is 3 if not.

    Example: [bold]s3-assets server status[/bold]
    """
    from s3_assets.embedded.server import EmbeddedServer

    server = EmbeddedServer(folder)
    if not server.running():
        standard_output().print(f"no server runs on {folder}", markup=False, soft_wrap=True)
        raise typer.Exit(3)
    _show(server, "runs")


def _show(server: "EmbeddedServer", state: str) -> None:
    from s3_assets.embedded.server import ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY

    console = standard_output()
    console.print(f"the embedded S3 server {state}", style="bold")
    console.print(
        facts(
            ("endpoint", server.endpoint_url),
            ("keys", f"{ACCESS_KEY_ID} / {SECRET_ACCESS_KEY}, region {REGION}"),
            ("folder", str(server.folder)),
            ("process", str(server.pid)),
        )
    )
