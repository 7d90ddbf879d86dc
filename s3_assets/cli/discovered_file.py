"""A registry file that discovered entries are added to, as a command is given it."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from s3_assets.cli.places import Place
    from s3_assets.explore.discover import Found


def add_found(file: Path, place: "Place", found: "Sequence[Found]") -> list[str]:
    """Add tables and media sets to the file, and their connection if that is new.

    Returns the names of the media sets for which a table of the whole connection leaves no room. Raises
    `SettingError` if the result cannot be loaded; nothing is written then.
    """
    from s3_assets.registry.additions import add_found as add

    return list(add(file, place.connection, found, fields=place.fields).crowded)
