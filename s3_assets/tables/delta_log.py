"""What an open Delta table tells without reading data: files, statistics, features."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from s3_assets.tables.delta_features import READ_BY_POLARS, WRITTEN_AS_PARTS
from s3_assets.tables.described import ColumnNote, Described, with_partitions

if TYPE_CHECKING:
    from collections.abc import Iterable

    import polars as pl
    from deltalake import DeltaTable as Handle

    from s3_assets.tables.regions import Condition, Region

_NATIVE_READER = 1
_FEATURES_READER = 3
_COLUMN_MAPPING_WRITER = 5
_FEATURES_WRITER = 7
_GENERATED = "delta.generationExpression"
_CONSTRAINING = (
    _GENERATED,
    "delta.invariants",
    "delta.columnMapping.id",
    "delta.identity.start",
)


def columns(handle: Handle) -> pl.Schema:
    """Return the columns and their types."""
    import polars as pl

    return pl.Schema(handle.schema())


def described(handle: Handle) -> Described:
    """Return the columns with their comments, as Spark and delta-rs write them, and what they demand."""
    notes = {}
    for field in handle.schema().fields:
        metadata = field.metadata or {}
        formula = metadata.get(_GENERATED)
        notes[field.name] = ColumnNote(
            str(metadata["comment"]) if metadata.get("comment") else None,
            bool(field.nullable),
            (f"= {formula}",) if formula is not None else (),
        )
    folders = handle.metadata().partition_columns
    return Described(columns(handle), with_partitions(notes, folders), tuple(_checks(handle)))


def files(handle: Handle) -> pl.DataFrame:
    """Return the live files: path, size_bytes, num_records, and `partition.*`, `min.*`, `max.*` columns.

    Paths are as the server has them; the log writes them percent-encoded (Delta protocol, "Add File").
    """
    import polars as pl

    found = pl.DataFrame(handle.get_add_actions(flatten=True))
    if not found["path"].str.contains("%", literal=True).any():
        return found
    return found.with_columns(pl.Series("path", [unquote(path) for path in found["path"]], dtype=pl.String))


def inside(found: pl.DataFrame, window: Region) -> pl.DataFrame:
    """Keep the files that may hold rows of the window, by partition values or statistics."""
    for condition in window.conditions:
        found = _fulfilling(found, condition)
    return found


def _fulfilling(found: pl.DataFrame, condition: Condition) -> pl.DataFrame:
    import polars as pl

    column = condition.column
    if f"partition.{column}" in found.columns:
        return found.filter(condition.over(f"partition.{column}").expression())
    low, high = f"min.{column}", f"max.{column}"
    if low not in found.columns or high not in found.columns:
        return found
    smallest, largest = pl.col(low), pl.col(high)
    overlaps = [
        (smallest < each.literal(each.high)) & (largest >= each.literal(each.low))
        for each in condition.ranges
    ]
    overlaps += [(smallest <= pl.lit(each)) & (largest >= pl.lit(each)) for each in condition.values]
    return found.filter(pl.any_horizontal(overlaps) | smallest.is_null() | largest.is_null())


def read_by_polars(handle: Handle) -> bool:
    """Tell whether the live files can be read as they lie: no deletion vectors, no mapped columns."""
    return plain(handle) and hive_named(handle, handle.file_uris())


def plain(handle: Handle) -> bool:
    """Tell whether the table's features let its files be read as they lie, if their folders do, too."""
    protocol = handle.protocol()
    if protocol.min_reader_version > _NATIVE_READER and protocol.min_reader_version != _FEATURES_READER:
        return False
    return set(protocol.reader_features or ()) <= READ_BY_POLARS


def deletes_by_vectors(handle: Handle) -> bool:
    """Tell whether rows may be gone that their files still have and count."""
    return "deletionVectors" in (handle.protocol().reader_features or ())


def hive_named(handle: Handle, paths: Iterable[str]) -> bool:
    """Tell whether the files lie in folders that are named for their partition values.

    Polars takes the values from there; other writers are free to name folders as they like.
    """
    columns = handle.metadata().partition_columns
    return not columns or all(all(f"{column}=" in path for column in columns) for path in paths)


def written_as_parts(handle: Handle) -> bool:
    """Tell whether a commit of plain files is a complete write: no constraint, generated or mapped column."""
    protocol = handle.protocol()
    if protocol.min_writer_version >= _FEATURES_WRITER:
        if not set(protocol.writer_features or ()) <= WRITTEN_AS_PARTS:
            return False
    elif (
        protocol.min_writer_version >= _COLUMN_MAPPING_WRITER
        and "delta.columnMapping.mode" in _configuration(handle)
    ):
        return False
    if _checks(handle):
        return False
    fields = handle.schema().fields
    constrained = any(key.startswith(_CONSTRAINING) for field in fields for key in (field.metadata or {}))
    return not constrained and all(field.nullable for field in fields)


def generated(handle: Handle) -> frozenset[str]:
    """Return the columns whose values delta-rs computes where the rows lack the column."""
    return frozenset(field.name for field in handle.schema().fields if _GENERATED in (field.metadata or {}))


def constraints(handle: Handle) -> list[str]:
    """Return what the table demands of its rows, each as a text for people."""
    fields = handle.schema().fields
    required = [f"{field.name} is not null" for field in fields if not field.nullable]
    formulas = [
        f"{field.name} = {field.metadata[_GENERATED]}"
        for field in fields
        if _GENERATED in (field.metadata or {})
    ]
    return [*_checks(handle), *required, *formulas]


def change_feed(handle: Handle) -> bool:
    """Tell whether the change data feed is on."""
    return _configuration(handle).get("delta.enableChangeDataFeed", "").lower() == "true"


def _checks(handle: Handle) -> list[str]:
    return [value for name, value in _configuration(handle).items() if name.startswith("delta.constraints.")]


def _configuration(handle: Handle) -> dict[str, str]:
    return dict(handle.metadata().configuration)
