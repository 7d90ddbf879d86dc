"""Units: what one manifest covers and a rerun replaces.

Of partitions a unit is the partition; of a full export the key without its part number, so that a date in the
key keeps a snapshot a day; of an incremental export each commit, and nothing is ever replaced. Attempts in
one *lane* cannot both commit on the same state: partitions have a lane each, all other exports have one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import quote

from s3_assets.errors import SettingError
from s3_assets.exports.manifest import FOLDER
from s3_assets.tables.partitioning import key_format
from s3_assets.windows import Every

if TYPE_CHECKING:
    from s3_assets.exports.destination import Destination
    from s3_assets.exports.key_template import KeyPattern
    from s3_assets.windows import Window

_WHOLE = "whole"
# Of the 1,024 bytes of a key.
_LONGEST, _DIGEST = 400, 16


class ExportMode(StrEnum):
    """Which rows a run writes, and what becomes of the files that are there."""

    FULL = "full"  # all rows as they are now
    PARTITIONS = "partitions"  # one partition, whose files are replaced
    INCREMENTAL = "incremental"  # what was added since the last run; no file is ever replaced


@dataclass(frozen=True)
class Unit:
    """One unit of an export: its name, its lane, and the key of its manifest."""

    name: str
    lane: str
    manifest: str

    @classmethod
    def of(
        cls,
        destination: Destination,
        mode: ExportMode,
        *,
        partition_key: str | None,
        pattern: KeyPattern,
        number: int,
    ) -> Unit:
        """Return the unit of a run; `number` is that of the log's entry that will commit it."""
        if mode is ExportMode.PARTITIONS:
            name = partition_key or ""
            lane = f"partition {name}"
        else:
            # In order by their names, as a reader wants to follow them.
            name = f"{number:020d}" if mode is ExportMode.INCREMENTAL else "".join(pattern.texts)
            lane = _WHOLE
        # Keys of a template have no segment that is not one; a partition's key may be any text.
        kept = "/=" if mode is ExportMode.FULL else "="
        return cls(name, lane, f"{manifests_folder(destination)}{_file_name(name, kept)}.json")


def manifests_folder(destination: Destination) -> str:
    """Return the key of the folder of an export's manifests."""
    return f"{destination.folder}{FOLDER}"


def partition_key_of(window: Window) -> str:
    """Return the key of the one partition of a window, as Dagster writes it.

    Raises `SettingError` for a window of several partitions: each is a unit with a commit of its own.
    """
    steps = window.steps()
    if len(steps) > 1:
        raise SettingError(
            f"the window {window} has {len(steps)} partitions, and each is exported by itself",
            remedy="Run the export once for each partition.",
        )
    text = key_format(window.every)
    # The second of two hours that the clock shows twice.
    if window.every is Every.HOUR and window.start.fold:
        text += "%z"
    return window.start.strftime(text)


def _file_name(unit: str, kept: str) -> str:
    name = quote(unit, safe=kept)
    if len(name) <= _LONGEST:
        return name
    return f"{name[:_LONGEST]}-{sha256(unit.encode()).hexdigest()[:_DIGEST]}"
