"""What all commands share: which registry, and whether errors show their traceback."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from s3_assets.registry.models import Registry


class Output(StrEnum):
    """How a command writes its result."""

    TABLE = "table"
    JSON = "json"


@dataclass(frozen=True)
class Options:
    """The options in front of the command."""

    registry: Path | None
    debug: bool

    def path(self) -> Path:
        """Return the registry's file: the one that was named, or the nearest."""
        from s3_assets.registry.loading import find_registry

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
