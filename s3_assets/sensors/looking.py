"""Looking at tables: their versions at each tick, and which partitions changed where a version is new."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from s3_assets.errors import DataFileBrokenError, S3AssetsError, TableMissingError, UnsupportedError
from s3_assets.threads import ThreadPoolExecutor

if TYPE_CHECKING:
    from collections.abc import Collection

    from s3_assets.registry.models import Registry
    from s3_assets.sensors.memory import Memory
    from s3_assets.tables.table import State, Table
    from s3_assets.tables.touched import Touched

# Seconds: a tick that takes longer than a minute is given up by Dagster.
_LONGEST = 20.0


@dataclass
class Look:
    """What one tick saw: versions by table, what changed in which, and what could not be looked at."""

    versions: dict[str, str] = field(default_factory=dict)
    touched: dict[str, Touched] = field(default_factory=dict)
    failures: dict[str, S3AssetsError] = field(default_factory=dict)
    unplaced: dict[str, S3AssetsError] = field(default_factory=dict)
    """Tables whose version is known, and whose changed partitions are not."""
    states: dict[str, State] = field(default_factory=dict)
    """Of tables whose version is a new one, and that others write."""


def look_at(
    registry: Registry, memory: Memory, tables: Collection[str], dated: Collection[str], made: Collection[str]
) -> Look:
    """Look at the tables, several at once.

    Of those in `dated` it is asked which partitions changed, unless the version is the one of the last time.
    Those in `made` are written here, and need not be there yet; of the others the size is looked at, too, if
    the version is a new one, as long as that does not take long.
    """
    found, started = Look(), time.monotonic()

    def one(name: str) -> None:
        table = registry.table(name)
        seen = memory.sources.get(name)
        try:
            state = None
            if name not in made and time.monotonic() - started < _LONGEST:
                version, state = _look(table, seen.version if seen is not None else None)
            else:
                version = table.version().token
            found.versions[name] = version
            if state is not None:
                found.states[name] = state
        except TableMissingError as error:
            if name not in made:
                found.failures[name] = error
            return
        except S3AssetsError as error:
            found.failures[name] = error
            return
        if name not in dated or (seen is not None and seen.told == version):
            return
        try:
            touched = table.touched(seen.position if seen is not None else None)
        except S3AssetsError as error:
            found.unplaced[name] = error
            return
        if touched.untold and registry.watch.on_untold == "fail":
            found.unplaced[name] = UnsupportedError(
                f"it cannot be told which partitions changed: {'; '.join(touched.untold)}",
                remedy="Set watch.on_untold: all to run all of them.",
                table=name,
            )
            return
        found.touched[name] = touched

    with ThreadPoolExecutor(registry.watch.at_once) as pool:
        list(pool.map(one, tables))
    # In the order of names, whichever answered first.
    return Look(
        dict(sorted(found.versions.items())),
        dict(sorted(found.touched.items())),
        dict(sorted(found.failures.items())),
        dict(sorted(found.unplaced.items())),
        found.states,
    )


def _look(table: Table[Any], known: str | None) -> tuple[str, State | None]:
    """Return the version, and the state where that is a new one and can be told."""
    try:
        state = table.state_unless(known)
    except (UnsupportedError, DataFileBrokenError):
        # Its version is told by less than its size is.
        return table.version().token, None
    if state is None:
        return str(known), None
    return state.version.token, state
