"""`s3-assets demo`: the main job from end to end, on the embedded server, with a crash on the way."""

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from s3_assets.cli.options import options
from s3_assets.embedded.demo_data import LEAST_ROWS, ROWS


def run_demo(
    context: typer.Context,
    folder: Annotated[
        Path | None, typer.Option(help="The server's data; left out: .demo beside the registry.")
    ] = None,
    rows: Annotated[int, typer.Option(help="Rows of both sources together.", min=LEAST_ROWS)] = ROWS,
    port: Annotated[
        int | None, typer.Option(help="The server's port; left out: the registry's.", min=0, max=65535)
    ] = None,
    *,
    keep: Annotated[bool, typer.Option(help="Leave the server running.")] = False,
    fresh: Annotated[bool, typer.Option(help="Start with an empty bucket.")] = True,
) -> None:
    """Run the whole pipeline on made-up data, kill an import on the way, and check every row.

    Example: [bold]s3-assets demo --keep[/bold]
    """
    from s3_assets.cli.demo_pipeline import at_home
    from s3_assets.cli.demo_steps import Demo
    from s3_assets.cli.dev import dagster_home
    from s3_assets.cli.interruption import patient

    registry_file = options(context).path()
    root = registry_file.parent
    chosen = (folder or root / ".demo").absolute()
    with patient(), at_home(root, dagster_home(root).absolute()), ExitStack() as running:
        demo = Demo(registry_file, chosen, rows=rows, running=running)
        demo.start(port=port, keep=keep, fresh=fresh)
        demo.play()
        demo.tell_what_next(keep=keep)
        failed = demo.story.failed
    if failed:
        raise typer.Exit(1)
