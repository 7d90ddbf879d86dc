"""The end of the demo: what was moved, and where to look next."""

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from s3_assets.cli.demo_pipeline import Materialized
from s3_assets.cli.demo_server import VARIABLE, DemoServer
from s3_assets.cli.demo_story import Story
from s3_assets.embedded.demo_landing import Landed
from s3_assets.progress import readable_bytes

_TARGETS = {"landing/orders": "lake/orders", "landing/payments": "lake/payments"}


def print_summary(
    story: Story, landed: Sequence[Mapping[str, Landed]], runs: Sequence[Mapping[str, Materialized]]
) -> None:
    """Print one row for each source: what it holds, what the second round brought, and where it went."""
    story.rule("Summary")
    rows = []
    for source, target in _TARGETS.items():
        waves = [each[source] for each in landed]
        done = [each[target] for each in runs]
        rows.append(
            (
                f"{source} → {target}",
                f"{sum(each.rows for each in waves):,}",
                str(sum(each.files for each in waves)),
                readable_bytes(sum(each.bytes for each in waves)),
                f"{waves[1].rows:,}",
                f"{waves[1].late_rows:,}",
                " → ".join(each.version for each in done[:2]),
                f"{sum(each.seconds for each in done):.1f}",
            )
        )
    story.table(("source → target", "rows", "files", "size", "round 2", "late", "version", "s"), rows)
    days = sorted({day for each in landed[1].values() for day in each.late_dates})
    story.say(f"days that late rows touched: {', '.join(f'{day:%d %b}' for day in days)}")
    if story.failed:
        story.rule(f"{len(story.failed)} of the checks failed after {story.seconds:.0f} s")
        for each in story.failed:
            story.check(each, holds=False)
    else:
        story.rule(f"Every check held, after {story.seconds:.0f} s")


def print_next(story: Story, demo: DemoServer, *, keep: bool) -> None:
    """Print the commands to go on with."""
    program = _program("s3-assets")
    story.commands(
        ("make dev", "Dagster's UI, http://127.0.0.1:3000/assets/marts/daily_revenue"),
        (f"{program} tables", "what s3_assets.yaml declares: copy it, change the names"),
        (f"{program} server stop" if keep else f"{program} demo --keep", _server(demo, keep=keep)),
    )
    if not keep:
        return
    given = f"{VARIABLE}={os.environ[VARIABLE]} " if demo.moved_from is not None else ""
    command = f'{given}DAGSTER_HOME="$PWD" {_program("dagster")} dev'
    story.commands((command, "the same UI, while the server runs"))


def _program(name: str) -> str:
    """Return what a shell in this folder finds the program by."""
    if shutil.which(name):
        return name
    beside = Path(sys.executable).with_name(name)
    return str(beside.relative_to(Path.cwd())) if beside.is_relative_to(Path.cwd()) else str(beside)


def _server(demo: DemoServer, *, keep: bool) -> str:
    if keep:
        return f"the server still runs at {demo.server.endpoint_url}: this ends it"
    return "the same again; the server keeps running for your own tries"
