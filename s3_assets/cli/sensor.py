"""`s3-assets sensor`: the sensors and schedules there are, and what one would request now."""

from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table as Grid
from rich.text import Text

from s3_assets.cli.console import facts, print_json, standard_error, standard_output
from s3_assets.cli.dev import known_home
from s3_assets.cli.options import Output, OutputAs, options
from s3_assets.errors import SettingError
from s3_assets.progress import count

if TYPE_CHECKING:
    from collections.abc import Iterator

    import dagster as dg

    from s3_assets.sensors.trial import Trial

_SHOWN = 20


def list_all(context: typer.Context, output: OutputAs = Output.TABLE) -> None:
    """List the sensors and schedules that the registry has in Dagster: when they tick, what they start.

    The files of the registry's [bold]code[/bold] are run for it; S3 is not asked.

    Example: [bold]s3-assets sensor list[/bold]
    """
    from s3_assets.sensors.trial import ticking

    rows = [_listed(each) for each in ticking(_definitions(context))]
    console = standard_output()
    if output is Output.JSON:
        print_json(rows)
        return
    if not rows:
        console.print("nothing is watched, and nothing runs by the clock", markup=False)
        return
    grid = Grid(box=None, header_style="bold", pad_edge=False)
    for title in ("name", "kind", "when", "declared by"):
        grid.add_column(title, overflow="fold")
    for row in rows:
        grid.add_row(*(Text(str(row[each] or "-")) for each in ("name", "kind", "when", "declared_by")))
    console.print(grid)


def try_one(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="As 'sensor list' shows it.")],
    at: Annotated[
        datetime | None,
        typer.Option(
            help="Of a schedule: the time to try, in its own zone; left out: the next one.",
            formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%d"],
        ),
    ] = None,
    *,
    from_start: Annotated[
        bool, typer.Option("--from-start", help="As if it had never looked, whatever Dagster remembers.")
    ] = False,
    output: OutputAs = Output.TABLE,
) -> None:
    """Try a sensor or schedule: show what it would request now, the requests to S3 that took, and seconds.

    Nothing is started, written or reported. No cursor moves, no message is received or deleted: of a queue,
    all that it tells of is looked at. A sensor goes on where Dagster's instance says it is, if there is one:
    DAGSTER_HOME, or what [bold]s3-assets dev[/bold] keeps.

    Example: [bold]s3-assets sensor try lake_sources[/bold]
    """
    import dagster as dg

    from s3_assets.sensors.kept_cursor import FROM_START, NO_INSTANCE, kept_cursor
    from s3_assets.sensors.trial import find_ticking, try_schedule, try_sensor

    definitions = _definitions(context)
    chosen = find_ticking(definitions, name)
    home = known_home(options(context).path().parent)
    with standard_error().status("looking"), _instance(home) as instance:
        if isinstance(chosen, dg.ScheduleDefinition):
            moment = None if at is None else _in_zone(at, chosen.execution_timezone or "UTC")
            found = try_schedule(definitions, chosen, instance, moment)
        elif at is not None:
            raise SettingError(f"'{name}' is a sensor, and ticks when it can", remedy="Leave --at out.")
        else:
            kept = NO_INSTANCE if home is None else kept_cursor(instance, name)
            found = try_sensor(definitions, chosen, instance, FROM_START if from_start else kept)
    if output is Output.JSON:
        print_json(_described(found))
    else:
        _print(found)


def _definitions(context: typer.Context) -> "dg.Definitions":
    from s3_assets.builder import build_definitions

    return build_definitions(options(context).load())


@contextmanager
def _instance(home: Path | None) -> "Iterator[dg.DagsterInstance]":
    """Open the instance that there is; else one that is gone afterwards."""
    import os

    import dagster as dg

    if home is None:
        with dg.DagsterInstance.ephemeral() as found:
            yield found
        return
    os.environ["DAGSTER_HOME"] = str(home.absolute())
    with dg.DagsterInstance.get() as found:
        yield found


def _in_zone(moment: datetime, zone: str) -> datetime:
    from s3_assets.windows import time_zone

    return moment.replace(tzinfo=time_zone(zone))


def _listed(each: "dg.SensorDefinition | dg.ScheduleDefinition") -> dict[str, Any]:
    import dagster as dg

    from s3_assets.sensors.marks import MARK

    declared = each.metadata.get(MARK)
    row: dict[str, Any] = {"name": each.name, "kind": "schedule"}
    if isinstance(each, dg.ScheduleDefinition):
        crons = each.cron_schedule if isinstance(each.cron_schedule, str) else ", ".join(each.cron_schedule)
        row["when"] = f"{crons} ({each.execution_timezone or 'UTC'})"
    else:
        automation = isinstance(each, dg.AutomationConditionSensorDefinition)
        row["kind"] = "automation" if automation else "sensor"
        row["when"] = f"every {each.minimum_interval_seconds or 30} s"
    return {
        **row,
        "declared_by": None if declared is None else str(declared.value),
        "description": each.description,
    }


def _described(found: "Trial") -> dict[str, Any]:
    from s3_assets.sensors.trial import partitions_of

    total = found.meter.usage.total
    return {
        "name": found.name,
        "at": None if found.at is None else found.at.isoformat(),
        "cursor": None if found.cursor is None else found.cursor.told,
        "requests": [
            {
                "assets": ["/".join(key.path) for key in each.asset_selection or ()],
                "partitions": partitions_of(each),
                "run_key": each.run_key,
            }
            for each in found.requests
        ],
        "reports": list(found.reports),
        "says": found.says,
        "s3_requests": total.requests,
        "seconds": round(found.seconds, 3),
    }


def _print(found: "Trial") -> None:
    from s3_assets.sensors.trial import partitions_of

    console = standard_output()
    console.print(f"{found.name}: {count(len(found.requests), 'run')} requested", style="bold", markup=False)
    rows = []
    if found.at is not None:
        rows.append(("at", f"{found.at:%Y-%m-%d %H:%M %Z}"))
    if found.cursor is not None:
        rows.append(("cursor", found.cursor.told))
    for each in found.requests[:_SHOWN]:
        assets = ", ".join("/".join(key.path) for key in each.asset_selection or ())
        rows.append(("run", f"{assets} {partitions_of(each) or ''}".rstrip()))
    if len(found.requests) > _SHOWN:
        rows.append(("", f"and {len(found.requests) - _SHOWN:,} more; --output json has all"))
    if found.reports:
        more = f" and {len(found.reports) - _SHOWN:,} more" if len(found.reports) > _SHOWN else ""
        rows.append(("new version", f"{', '.join(found.reports[:_SHOWN])}{more}"))
    if found.says:
        rows.append(("says", found.says))
    if found.cursor is not None:
        rows.append(("asked of S3", count(found.meter.usage.total.requests, "request")))
    console.print(facts(*rows, ("time", f"{found.seconds:.2f} s")))
