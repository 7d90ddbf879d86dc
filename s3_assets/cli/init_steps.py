"""How to go on after `s3-assets init`: commands that can be copied, as they are."""

import shlex
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from s3_assets.cli.init_project import Project


class Step(NamedTuple):
    """A command, and what it does."""

    command: str
    does: str


def next_steps(project: "Project", folder: Path, url: str, *, anonymous: bool) -> list[Step]:
    """Return what a person would do next, the first useful thing first."""
    steps = [Step(f"cd {shlex.quote(str(folder))}", "")] if folder.resolve() != Path.cwd() else []
    registry = project.registry
    name = next(iter([*project.imports, *registry.imports]), None)
    media = next(iter(registry.media), None)
    if name is not None:
        job = registry.imports[name]
        asset = f"dagster asset materialize -f definitions.py --select {job.target}"
        steps += [
            Step(f"s3-assets preview {job.source}", f"the first rows of {job.source}"),
            Step(f"s3-assets import {name}", f"reads what is new there, and writes it to {job.target}"),
            Step(asset, "the same as a run of Dagster"),
        ]
    else:
        steps += _without_imports(project, url, anonymous=anonymous)
    if media is not None:
        steps.append(Step(f"s3-assets media {media}", "makes the inventory of a media set"))
    steps.append(Step("dagster definitions validate", "what Dagster makes of the registry"))
    if find_spec("dagster_webserver") is None:
        steps.append(Step("pip install 's3-assets[ui]'", "Dagster's UI, which is not installed"))
    steps.append(Step("s3-assets dev", "Dagster's UI, with sensors that watch the tables"))
    return steps


def _without_imports(project: "Project", url: str, *, anonymous: bool) -> list[Step]:
    table = next(iter(project.registry.tables.keys() - project.registry.targets), None)
    if table is None:
        return []
    first = next(each for each in project.registry.tables if each not in project.registry.targets)
    bucket = "YOUR-BUCKET" if anonymous else project.place.connection.location.bucket
    into = shlex.quote(f"s3://{bucket}/lake/")
    return [
        Step(f"s3-assets preview {first}", f"the first rows of {first}"),
        Step(
            f"s3-assets init {shlex.quote(url)} --into {into}",
            "adds an import of each table into Delta tables below that URL, which is written to then",
        ),
    ]
