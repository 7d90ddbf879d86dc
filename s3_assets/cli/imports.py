"""`s3-assets import`: one import, without Dagster."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from s3_assets.cli.console import facts, print_json, standard_error, standard_output
from s3_assets.cli.names import names_of
from s3_assets.cli.options import FirstPartition, LastPartition, Output, OutputAs, Partition, options
from s3_assets.cli.outcomes import cursor_words, of_import
from s3_assets.cli.windows import window_of
from s3_assets.progress import Progress, count, readable_bytes

if TYPE_CHECKING:
    from s3_assets.incremental.append import Outcome
    from s3_assets.registry.models import Registry

_SECONDS_BETWEEN_LOOKS = 0.1


def run_import(
    context: typer.Context,
    name: Annotated[
        str,
        typer.Argument(
            help="The import's name, or the table that it writes.", autocompletion=names_of("imports")
        ),
    ],
    window: Partition = None,
    first: FirstPartition = None,
    last: LastPartition = None,
    *,
    output: OutputAs = Output.TABLE,
) -> None:
    """Run one import, here and without Dagster: the cursor is the same, and so is the result.

    Example: [bold]s3-assets import orders[/bold]
    """
    registry = options(context).load()
    name = _name(registry, name)
    job = registry.import_(name)
    span = window_of(job, window, first, last)
    with shown(f"import {name}: planning") as show:
        progress = Progress(f"import {name}", show, _SECONDS_BETWEEN_LOOKS)
        outcome = job.run(window=span, notes={"by": "s3-assets import"}, progress=progress)
    if output is Output.JSON:
        print_json(of_import(job, outcome))
        return
    console = standard_output()
    console.print(f"import {name}: {job.source.name} -> {job.target.name}", style="bold", markup=False)
    console.print(facts(*summary(outcome)))


def summary(outcome: "Outcome") -> list[tuple[str, str]]:
    """Return what an import did, as names and values for people."""
    plan = outcome.plan
    of_files = f" of {plan.total_files:,}" if plan.total_files is not None else ""
    of_bytes = f" of {readable_bytes(plan.total_bytes)}" if plan.total_bytes is not None else ""
    rows = [("read", f"{plan.files:,}{of_files} files, {readable_bytes(plan.bytes)}{of_bytes}")]
    if outcome.written is None:
        rows.append(("written", "nothing: there is nothing new"))
    else:
        commit = outcome.written.commit
        commits = f", {outcome.commits:,} commits" if outcome.commits > 1 else ""
        files = f"{count(commit.files, 'file')}, {readable_bytes(commit.bytes)}{commits}"
        rows.append(("written", f"{count(commit.rows, 'row')} in {files}"))
        rows.append(("version", commit.version.token))
        if outcome.written.swept:
            rows.append(("swept", f"{count(outcome.written.swept, 'file')} of runs that did not finish"))
    if outcome.until is not None:
        rows.append(("cursor", f"{cursor_words(outcome.since)} -> {cursor_words(outcome.until)}"))
    rows.extend(("note", note) for note in outcome.notes)
    return [*rows, ("time", f"{outcome.seconds:.1f} s")]


def _name(registry: "Registry", given: str) -> str:
    if given in registry.imports:
        return given
    return next((name for name, each in registry.imports.items() if each.target == given), given)


@contextmanager
def shown(at_first: str) -> Iterator[Callable[[str], None] | None]:
    """Show what is counted while it runs, on a terminal only; counting costs a look at every batch."""
    from rich.progress import BarColumn, SpinnerColumn, TextColumn
    from rich.progress import Progress as Bar

    console = standard_error()
    if not console.is_terminal:
        yield None
        return
    columns = (SpinnerColumn(), BarColumn(bar_width=24), TextColumn("{task.description}", markup=False))
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task(at_first, total=None)
        yield lambda line: bar.update(task, description=line)
