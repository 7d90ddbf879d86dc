"""Rows of an Iceberg table replaced by their keys: files that hold one of the keys are written again without.

Copy-on-write: what a commit leaves behind needs no reader that knows how to apply deletes. Rows that were
deleted before stay deleted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from s3_assets.connection.diagnosis import diagnosed
from s3_assets.tables.iceberg_deletes import targets
from s3_assets.tables.iceberg_files import Files, live
from s3_assets.tables.iceberg_pruning import read_bound
from s3_assets.tables.iceberg_rows import rows as scanned
from s3_assets.tables.iceberg_scan import Scanner
from s3_assets.tables.key_ranges import KeyRange, comparable, in_types, may_hold
from s3_assets.tables.table import HELD, Carried

if TYPE_CHECKING:
    from collections.abc import Iterable

    import polars as pl
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table as Handle

    from s3_assets.tables.iceberg import IcebergTable
    from s3_assets.tables.iceberg_deletes import Target
    from s3_assets.tables.iceberg_manifests import LiveFile

_FILE = "\x01file"
# The keys of so many files are looked through at once: each file is a scan of its own in the plan.
_AT_ONCE = 64


@dataclass(frozen=True)
class Holders:
    """The files of a snapshot that hold rows of some keys."""

    files: tuple[Target, ...]
    held: pl.DataFrame
    """The keys, and how many rows have each."""
    carried: Carried | None
    """The rows of the files that have other keys."""

    @property
    def removed(self) -> tuple[DataFile, ...]:
        """The files, as a commit that takes them out names them."""
        return tuple(each.data.file for each in self.files)


def holders(table: IcebergTable, handle: Handle, schema: pl.Schema, touched: pl.DataFrame) -> Holders:
    """Find the files that hold rows of the keys: by the bounds of columns, then by reading the keys."""
    import polars as pl

    keys = touched.columns
    wanted = in_types(touched, schema)
    scanner = Scanner(table, handle)
    possible = _possible(handle, schema, wanted)
    found = []
    with diagnosed(table.connection, handle.location(), OSError):
        for first in range(0, len(possible), _AT_ONCE):
            some = possible[first : first + _AT_ONCE]
            rows = pl.concat(
                scanned(scanner, handle.schema(), [target])
                .select(keys)
                .with_columns(pl.lit(first + index, pl.UInt32).alias(_FILE))
                for index, target in enumerate(some)
            )
            counted = (
                rows.join(wanted.lazy(), on=keys, how="semi").group_by(_FILE, *keys).agg(pl.len().alias(HELD))
            )
            found.append(counted.collect(engine="streaming"))
        if not found:
            return Holders((), touched.clear().with_columns(pl.lit(None, pl.UInt32).alias(HELD)), None)
        matches = pl.concat(found)
        taken = [possible[index] for index in matches[_FILE].unique().sort()]
        others = sum(_live_rows(scanner, handle, target) for target in taken) - int(matches[HELD].sum())
    held = matches.group_by(keys).agg(pl.col(HELD).sum()).cast(touched.schema)
    if not others:
        return Holders(tuple(taken), held, None)
    left = scanned(scanner, handle.schema(), taken).join(wanted.lazy(), on=keys, how="anti")
    return Holders(tuple(taken), held, Carried(left, others))


def _possible(handle: Handle, schema: pl.Schema, touched: pl.DataFrame) -> list[Target]:
    """Return the data files, with their deletes, whose bounds leave room for one of the keys."""
    found = live(handle, handle.current_snapshot(), handle.schema())
    ranges = {
        key: _range(found.data, handle.schema().find_field(key).field_id, handle, schema[key])
        for key in comparable(tuple(touched.columns), schema)
    }
    room = may_hold(ranges, touched, len(found.data))
    kept = tuple(each for each, kept in zip(found.data, room, strict=True) if kept)
    return targets(Files(kept, found.deletes))


def _range(files: Iterable[LiveFile], field_id: int, handle: Handle, dtype: pl.DataType) -> KeyRange:
    """Return the column's bounds in each file; of long texts they are cut: down, and up."""
    import polars as pl

    kind = handle.schema().find_field(field_id).field_type
    smallest, largest = (
        pl.Series(
            [read_bound((bounds or {}).get(field_id), kind) for bounds in each], dtype=_physical(dtype)
        ).cast(dtype, strict=False)
        for each in (
            [file.file.lower_bounds for file in files],
            [file.file.upper_bounds for file in files],
        )
    )
    return KeyRange(smallest, largest)


def _physical(dtype: pl.DataType) -> pl.DataType:
    """Return the type of what PyIceberg reads from a bound: days and microseconds are numbers."""
    import polars as pl

    if dtype == pl.Date:
        return pl.Int32()
    return pl.Int64() if isinstance(dtype, pl.Datetime) else dtype


def _live_rows(scanner: Scanner, handle: Handle, target: Target) -> int:
    """Return how many rows a file has, without those that were deleted."""
    import polars as pl

    deleted = target.own or target.shared or target.equality
    if not deleted and target.data.file.record_count >= 0:
        return int(target.data.file.record_count)
    counted = scanned(scanner, handle.schema(), [target]).select(pl.len())
    return int(counted.collect(engine="streaming").item())
