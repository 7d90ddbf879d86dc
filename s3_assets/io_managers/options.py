"""What a user's asset says of its inputs and its output in their metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from s3_assets.errors import UnsupportedError
from s3_assets.tables.table import ReadMode, WriteMode

if TYPE_CHECKING:
    from collections.abc import Mapping

READ_MODE = "read_mode"
PARTITIONS = "partitions"
WRITE_MODE = "write_mode"
_ALL = "all"
_OF_THE_RUN = "run"
_APPEND = "append"
_REPLACE = "replace"


def read_mode(metadata: Mapping[str, Any], table: str) -> ReadMode:
    """Return the input's `read_mode`; raises `UnsupportedError` if there is none of that name."""
    text = str(metadata.get(READ_MODE, ReadMode.CURRENT))
    if text not in set(ReadMode):
        raise UnsupportedError(
            f"there is no read_mode '{text}'", remedy=f"Use one of {', '.join(ReadMode)}.", table=table
        )
    return ReadMode(text)


def reads_all_partitions(metadata: Mapping[str, Any], table: str) -> bool:
    """Tell whether the input wants every partition, whichever the run is of."""
    named = metadata.get(PARTITIONS, _OF_THE_RUN)
    if named not in {_ALL, _OF_THE_RUN}:
        raise UnsupportedError(
            f"there are no partitions '{named}'",
            remedy=f"Use {_ALL}, or {_OF_THE_RUN} for those of the run.",
            table=table,
        )
    return bool(named == _ALL)


def write_mode(metadata: Mapping[str, Any], table: str, *, incremental: bool, partitioned: bool) -> WriteMode:
    """Return what the output does to the rows that are there.

    `incremental`: an input reads what was added or changed. `partitioned`: the run is of partitions. Raises
    `UnsupportedError` if what is asked for would lose or double rows.
    """
    named = metadata.get(WRITE_MODE)
    if named not in {None, _APPEND, _REPLACE}:
        raise UnsupportedError(
            f"there is no write_mode '{named}'", remedy=f"Use {_APPEND} or {_REPLACE}.", table=table
        )
    if incremental and named == _REPLACE:
        raise UnsupportedError(
            "an input reads only what was added, and write_mode replace would drop what was there",
            remedy="Leave write_mode out, or read with read_mode: current.",
            table=table,
        )
    if partitioned and not incremental:
        if named == _APPEND:
            raise _appending_partitions(table)
        return WriteMode.OVERWRITE
    return WriteMode.APPEND if incremental or named == _APPEND else WriteMode.REPLACE


def _appending_partitions(table: str) -> UnsupportedError:
    return UnsupportedError(
        "rows are to be appended to partitions, and the second run of one would append them again",
        remedy="Read an input with read_mode: added, whose cursor tells what is new; or leave partitions_def "
        "out: an appended table is partitioned by its column all the same.",
        table=table,
    )
