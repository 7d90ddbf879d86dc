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
    from collections.abc import Iterable, Iterator, Sequence

    import polars as pl
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table as Handle

    from s3_assets.tables.iceberg import IcebergTable
    from s3_assets.tables.iceberg_deletes import Target
    from s3_assets.tables.iceberg_manifests import LiveFile

_FILE = "\x01file"
# So much of the data is looked through, and written again, at once, and so many files, unless one has more:
# each is a scan of its own in the plan, and of scans that are concatenated Polars reads all at once.
_BYTES_AT_ONCE = 64 * 1024 * 1024
_FILES_AT_ONCE = 64


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

    wanted = in_types(touched, schema)
    scanner = Scanner(table, handle)
    taken: list[Target] = []
    held = [wanted.clear().with_columns(pl.lit(None, pl.UInt32).alias(HELD))]
    left: list[pl.LazyFrame] = []
    others = 0
    with diagnosed(table.connection, handle.location(), OSError):
        for some in _groups(_possible(handle, schema, wanted)):
            matches = _matches(scanner, handle, some, wanted)
            files = [some[index] for index in matches[_FILE].unique().sort()]
            taken += files
            held.append(matches.drop(_FILE))
            beside = sum(_live_rows(scanner, handle, each) for each in files) - int(matches[HELD].sum())
            if beside:
                found = matches.select(wanted.columns).unique().lazy()
                rows = scanned(scanner, handle.schema(), files)
                left.append(rows.join(found, on=wanted.columns, how="anti"))
                others += beside
    counted = pl.concat(held).group_by(wanted.columns).agg(pl.col(HELD).sum()).cast(touched.schema)
    return Holders(tuple(taken), counted, Carried(tuple(left), others) if others else None)


def _matches(scanner: Scanner, handle: Handle, some: Sequence[Target], wanted: pl.DataFrame) -> pl.DataFrame:
    """Return the keys that these files have rows of: their number in `HELD`, of which file in `_FILE`."""
    import polars as pl

    keys = wanted.columns
    rows = pl.concat(
        scanned(scanner, handle.schema(), [target])
        .select(keys)
        .with_columns(pl.lit(index, pl.UInt32).alias(_FILE))
        for index, target in enumerate(some)
    )
    found = rows.join(wanted.lazy(), on=keys, how="semi").group_by(_FILE, *keys).agg(pl.len().alias(HELD))
    return found.collect(engine="streaming").select(*keys, HELD, _FILE)


def _groups(possible: Iterable[Target]) -> Iterator[list[Target]]:
    """Share out the files."""
    group: list[Target] = []
    size = 0
    for target in possible:
        more = target.data.file.file_size_in_bytes
        if group and (size + more > _BYTES_AT_ONCE or len(group) == _FILES_AT_ONCE):
            yield group
            group, size = [], 0
        group.append(target)
        size += more
    if group:
        yield group


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
