"""`s3-assets check`: whether the credentials may do what the registry does."""

from typing import Annotated

import typer

from s3_assets.cli.console import print_json
from s3_assets.cli.options import ConnectionArgument, Output, OutputAs, WrittenTables, options


def check(
    context: typer.Context,
    connection: ConnectionArgument = None,
    *,
    write: WrittenTables = None,
    everything: Annotated[
        bool,
        typer.Option(
            "--all", help="Also what no table needs: the bucket's region, all buckets, CloudWatch, Glue."
        ),
    ] = False,
    output: OutputAs = Output.TABLE,
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
        print_json(rows)
    if not all(each.good for _, now, found in told for each in found) or any(
        skewed(now) for _, now, _ in told
    ):
        raise typer.Exit(1)
