"""Places that are looked through for new tables, as the registry declares them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from s3_assets.registry.problems import Problem, did_you_mean
from s3_assets.relative_path import Globs, RelativePath

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping


class DiscoverySettings(BaseModel):
    """A folder that a sensor looks through: what is new is reported, and added to a registry on demand."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True, hide_input_in_errors=True)

    connection: str = Field(description="Name of the connection that reaches the folder.")
    path: RelativePath = Field(
        default="", description="Folder below the connection's url; left out: all of it."
    )
    exclude: Globs = Field(
        default=(), description="Globs of folders below it that are not looked into, such as **/tmp."
    )
    every_seconds: int = Field(default=3600, ge=1, description="Seconds from the end of a look to the next.")
    most_requests: int = Field(
        default=500, ge=10, description="Requests after which one tick begins no further folder."
    )
    write_to: Path | None = Field(
        default=None,
        description="The registry's file that new entries are added to; left out: they are only reported.",
    )


def discovery_problems(
    places: Mapping[str, DiscoverySettings], connections: Collection[str]
) -> Iterator[Problem]:
    """Yield what does not fit together."""
    taken: dict[str, str] = {}
    for name, place in places.items():
        if place.connection not in connections:
            hint = did_you_mean(place.connection, connections)
            yield Problem(
                ("discovery", name, "connection"), f"there is no connection '{place.connection}'{hint}"
            )
        # Names of sensors know no slashes.
        other = taken.setdefault(name.replace("/", "_"), name)
        if other != name:
            yield Problem(
                ("discovery", name), f"its sensor would be called like that of '{other}'; rename it"
            )
