"""`s3-assets check`: whether the credentials may do what the registry does."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from s3_assets.cli.console import facts, standard_error, standard_output
from s3_assets.cli.options import Output, options
from s3_assets.cli.permissions import chosen_connections, service_of, written_tables
from s3_assets.permissions import LARGEST_SKEW, Finding, Situation, Verdict, check_connection, situation

_STYLES = {
    Verdict.OK: "green",
    Verdict.MISSING: "bold red",
    Verdict.FAILED: "bold red",
    Verdict.UNTESTED: "dim",
}
_WIDTHS = (12, 31)
_MINUTE, _HOUR = 60, 3600
# Servers tell whole seconds.
_TELLING = 2


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
    registry = options(context).load()
    written = written_tables(registry, write or ())
    told = []
    for name in chosen_connections(registry, connection):
        here = registry.connections[name]
        with _shown(name) as show:
            show("the credentials")
            now = situation(here)
            found = check_connection(
                registry, name, service_of(here), written=written, further=everything, show=show
            )
            if output is Output.TABLE:
                found = _printed(name, here.url, now, found)
            told.append((name, now, list(found)))
    if output is Output.JSON:
        rows = [_described(name, now, found) for name, now, found in told]
        standard_output().print(json.dumps(rows, indent=2), markup=False, soft_wrap=True)
    if not all(each.good for _, now, found in told for each in found) or any(
        _skewed(now) for _, now, _ in told
    ):
        raise typer.Exit(1)


@contextmanager
def _shown(name: str) -> Iterator[Callable[[str], None]]:
    """Show on a terminal what is tried just now."""
    console = standard_error()
    with console.status(f"{name}: ...") as status:
        yield lambda what: status.update(Text(f"{name}: {what}"))


def _printed(name: str, url: str, now: Situation, found: Iterator[Finding]) -> Iterator[Finding]:
    """Print each finding as it comes, with what is in force before and the count behind."""
    console = standard_output()
    console.print(Text.assemble((name, "bold"), f"  {url}"), soft_wrap=True)
    console.print(facts(*_facts(now)))
    counts = dict.fromkeys(Verdict, 0)
    for each in found:
        counts[each.verdict] += 1
        _print(console, each)
        yield each
    console.print(f"  {', '.join(f'{count} {verdict}' for verdict, count in counts.items() if count)}")


def _print(console: Console, finding: Finding) -> None:
    verdict, action = finding.verdict.ljust(_WIDTHS[0]), finding.action.ljust(_WIDTHS[1])
    console.print(
        Text.assemble("  ", (verdict, _STYLES[finding.verdict]), action, finding.resource), soft_wrap=True
    )
    for text in (finding.told, finding.remedy):
        if text:
            console.print(Text.assemble(" " * (2 + _WIDTHS[0]), (text, "dim")), soft_wrap=True)


def _facts(now: Situation) -> list[tuple[str, str]]:
    rows = [("way", now.way)]
    if now.key_id is not None:
        rows.append(("key id", f"{now.key_id}, {_expiry(now.expires_at)}"))
    return [*rows, ("endpoint", now.endpoint), ("region", now.region), ("clock", _clock(now))]


def _expiry(moment: datetime | None) -> str:
    if moment is None:
        return "does not expire"
    left = (moment - datetime.now(UTC)).total_seconds()
    return f"expires at {moment:%Y-%m-%d %H:%M:%S} UTC, in {_span(left)}"


def _clock(now: Situation) -> str:
    if now.clock is None:
        return "not compared: the server did not tell its time"
    if abs(now.clock) < _TELLING:
        return "as the server's"
    way = "ahead of" if now.clock > 0 else "behind"
    wrong = "; set it: 15 minutes are allowed" if _skewed(now) else ""
    return f"{_span(abs(now.clock))} {way} the server's{wrong}"


def _skewed(now: Situation) -> bool:
    return now.clock is not None and abs(now.clock) > LARGEST_SKEW


def _span(seconds: float) -> str:
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s"
    return f"{seconds / _MINUTE:.0f} min" if seconds < 2 * _HOUR else f"{seconds / _HOUR:.1f} h"


def _described(name: str, now: Situation, found: list[Finding]) -> dict[str, Any]:
    return {
        "connection": name,
        "way": now.way,
        "key_id": now.key_id,
        "expires_at": now.expires_at.isoformat() if now.expires_at else None,
        "endpoint": now.endpoint,
        "region": now.region,
        "clock_seconds": now.clock,
        "findings": [
            {
                "verdict": each.verdict,
                "action": each.action,
                "resource": each.resource,
                "told": each.told,
                "remedy": each.remedy,
            }
            for each in found
        ],
    }
