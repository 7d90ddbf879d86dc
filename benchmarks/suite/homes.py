"""In which environment somebody lives: ours, or one of those that are made at first use, beside it."""

import sys
from enum import StrEnum
from functools import cache
from pathlib import Path

from benchmarks import rivals_environment
from s3_assets.embedded.virtual_environment import VirtualEnvironment

DAGSTER_REQUIREMENTS = Path(__file__).parents[1] / "dagster-requirements.txt"


class Home(StrEnum):
    PROJECT = "project"
    RIVALS = "rivals"
    """DuckDB and dlt."""
    DAGSTER = "dagster"
    """Other packages for Dagster, one of which caps PyIceberg; and what draws the plots."""
    AWS = "aws"
    """Amazon's command line, which `benchmarks.listing` starts."""


@cache
def python(home: Home) -> Path | None:
    """Return its Python, made first if need be; None is the one that runs now."""
    if home in {Home.PROJECT, Home.AWS}:
        return None
    if home == Home.RIVALS:
        return rivals_environment.python()
    environment = VirtualEnvironment(Path(sys.prefix) / "benchmarks-dagster")
    if not environment.current(DAGSTER_REQUIREMENTS):
        print(f"Installing the peers in Dagster into {environment.folder}", flush=True)
    environment.ensure(DAGSTER_REQUIREMENTS)
    return environment.python
