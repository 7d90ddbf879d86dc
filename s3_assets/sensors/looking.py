"""Looking at tables: their versions at each tick, and which partitions changed where a version is new."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from s3_assets.errors import S3AssetsError, TableMissingError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Collection

    from s3_assets.registry.models import Registry
    from s3_assets.sensors.memory import Memory
    from s3_assets.tables.touched import Touched


@dataclass
class Look:
    """What one tick saw: versions by table, what changed in which, and what could not be looked at."""

    versions: dict[str, str] = field(default_factory=dict)
    touched: dict[str, Touched] = field(default_factory=dict)
    failures: dict[str, S3AssetsError] = field(default_factory=dict)
    unplaced: dict[str, S3AssetsError] = field(default_factory=dict)
    """Tables whose version is known, and whose changed partitions are not."""


def look_at(
    registry: Registry, memory: Memory, tables: Collection[str], dated: Collection[str], made: Collection[str]
) -> Look:
    """Look at the tables, several at once.

    Of those in `dated` it is asked which partitions changed, unless the version is the one of the last time.
    Those in `made` are written here, and need not be there yet.
    """
    found = Look()

    def one(name: str) -> None:
        table = registry.table(name)
        try:
            version = found.versions[name] = table.version().token
        except TableMissingError as error:
            if name not in made:
                found.failures[name] = error
            return
        except S3AssetsError as error:
            found.failures[name] = error
            return
        seen = memory.sources.get(name)
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
    )
