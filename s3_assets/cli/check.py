"""`s3-assets check`: whether the credentials may do what the registry does."""

import json
from typing import Annotated

import typer

from s3_assets.cli.console import standard_output
from s3_assets.cli.options import Output, options


def check(
    context: typer.Context,
    connection: Annotated[
        str | None, typer.Argument(help="The connection's name; left out: all of them.")
    ] = None,
    *,
    write: Annotated[
        list[str] | None,
        typer.Option(
            "--write",
            "-w",
            help="A table that assets write that are not in the registry's 'code'; repeatable.",
        ),
    ] = None,
    everything: Annotated[
        bool,
        typer.Option(
            "--all", help="Also what no table needs: the bucket's region, all buckets, CloudWatch, Glue."
        ),
    ] = False,
    output: Annotated[Output, typer.Option("--output", "-o", help="How to print it.")] = Output.TABLE,
) -> None:
    """Test each permission that the registry needs; the exit code is 1 if one is missing.

    No data is touched. Where tables are written, a small object is put below _s3_assets/permission_check/ and
    deleted again; nothing is written where they are only read.

    Example: [bold]s3-assets check lake[/bold]
    """
    from s3_assets.cli.check_report import described, printed, shown, skewed
    from s3_assets.cli.permissions import chosen_connections, service_of, written_tables
    from s3_assets.permissions import check_connection, situation

    registry = options(context).load()
    written = written_tables(registry, write or ())
    told = []
    for name in chosen_connections(registry, connection):
        here = registry.connections[name]
        with shown(name) as show:
            show("the credentials")
            now = situation(here)
            found = check_connection(
                registry, name, service_of(here), written=written, further=everything, show=show
            )
            if output is Output.TABLE:
                found = printed(name, here.url, now, found)
            told.append((name, now, list(found)))
    if output is Output.JSON:
        rows = [described(name, now, found) for name, now, found in told]
        standard_output().print(json.dumps(rows, indent=2), markup=False, soft_wrap=True)
    if not all(each.good for _, now, found in told for each in found) or any(
        skewed(now) for _, now, _ in told
    ):
        raise typer.Exit(1)
