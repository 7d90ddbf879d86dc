"""What commands share: the options in front of them, and those that mean the same in each."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from s3_assets.cli.names import names_of

if TYPE_CHECKING:
    from s3_assets.registry.models import Registry


class Output(StrEnum):
    """How a command writes its result."""

    TABLE = "table"
    JSON = "json"


OutputAs = Annotated[
    Output, typer.Option("--output", "-o", help="How to print it: a table for people, JSON for programs.")
]
Partition = Annotated[
    str | None,
    typer.Option("--partition", "--window", help="Of what runs by partitions: the one, such as 2026-01-05."),
]
FirstPartition = Annotated[
    str | None, typer.Option("--from", help="Of what runs by partitions: the first of several.")
]
LastPartition = Annotated[str | None, typer.Option("--to", help="The last of them.")]
WriteTo = Annotated[
    Path | None,
    typer.Option("--write", "-w", help="Add what was found to this registry; a new file is made if needed."),
]
WrittenTables = Annotated[
    list[str] | None,
    typer.Option(
        "--write",
        "-w",
        help="A table that assets write that are not in the registry's 'code'; repeatable.",
        autocompletion=names_of("tables"),
    ),
]
ConnectionArgument = Annotated[
    str | None,
    typer.Argument(
        help="The connection's name; left out: all of them.", autocompletion=names_of("connections")
    ),
]


@dataclass(frozen=True)
class Options:
    """The options in front of the command."""

    registry: Path | None
    debug: bool

    def path(self) -> Path:
        """Return the registry's file: the one that was named, or the nearest."""
        from s3_assets.registry.finding import find_registry

        return (self.registry or find_registry()).absolute()

    def load(self) -> "Registry":
        """Return the registry, checked."""
        from s3_assets.registry.loading import load_registry

        return load_registry(short(self.path()))


def short(path: Path) -> Path:
    """Return the path as seen from here, if it lies below."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def options(context: typer.Context) -> Options:
    """Return the options that stand in front of the command."""
    found = context.find_object(Options)
    return found if found is not None else Options(None, debug=False)
