"""Rows of a Delta table replaced by their keys, with delta-rs's MERGE: one commit, and a true change feed.

What is merged is held in memory; of the table, delta-rs reads the files that may hold one of the keys.
"""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from s3_assets.tables import delta_log
from s3_assets.tables.delta_open import stream_errors
from s3_assets.tables.key_ranges import KeyRange, comparable, in_types, may_hold
from s3_assets.tables.table import HELD

if TYPE_CHECKING:
    import polars as pl
    from deltalake import CommitProperties
    from deltalake import DeltaTable as Handle

    from s3_assets.tables.delta import DeltaTable
    from s3_assets.tables.table import Merge

# Columns beside the table's own: what is done, and of which key with the rows that are there.
_ACT = "s3_assets_act"
_KEY = "s3_assets_key"
_PUT, _TAKE, _ADD = "put", "take", "add"
_SPILL = 256 * 1024 * 1024
# So many values or ranges of a column are spelled out in the predicate, which the log keeps.
_MOST_VALUES = 50


def held(table: DeltaTable, handle: Handle, touched: pl.DataFrame) -> pl.DataFrame:
    """Return those of the keys that the handle's version has rows of, with their number in `HELD`.

    Files are ruled out by the statistics and partition values in the log.
    """
    import polars as pl

    schema = pl.Schema(handle.schema())
    keys = touched.columns
    wanted = in_types(touched, schema)
    files = candidates(handle, schema, wanted)
    if files.is_empty():
        return touched.clear().with_columns(pl.lit(None, pl.UInt32).alias(HELD))
    frame = (
        table.scan_files(handle, schema, files["path"])
        if delta_log.read_by_polars(handle)
        else table.plan(at=handle.version()).frame
    )
    counted = frame.select(keys).join(wanted.lazy(), on=keys, how="semi").group_by(keys)
    with stream_errors(table.connection, table.location, table.name):
        found = counted.agg(pl.len().alias(HELD)).collect(engine="streaming")
    return found.cast(touched.schema)


def candidates(handle: Handle, schema: pl.Schema, touched: pl.DataFrame) -> pl.DataFrame:
    """Return those of the live files that may hold a row of the keys."""
    found = delta_log.files(handle)
    ranges = {}
    for key in comparable(tuple(touched.columns), schema):
        partition, low, high = f"partition.{key}", f"min.{key}", f"max.{key}"
        if partition in found.columns:
            ranges[key] = KeyRange(found[partition], found[partition])
        elif low in found.columns and high in found.columns:
            ranges[key] = KeyRange(found[low], found[high])
    return found.filter(may_hold(ranges, touched, found.height))


def merge(
    handle: Handle, rows: pl.DataFrame, what: Merge, found: pl.DataFrame, properties: CommitProperties
) -> dict[str, Any]:
    """Replace the rows of the touched keys by these, in one commit through the handle; return its metrics.

    `found` is what `held` says of the touched keys.

    A key that more than one row of the table has, as only another writer can leave it, loses all of them and
    gets one; others are updated in place, so that the table's own change feed tells what became of them. In a
    table with generated columns all come in anew.
    """
    import polars as pl

    # Generated columns are computed for rows that come in, and not for those that are updated.
    complete = len(rows.columns) == len(handle.schema().fields)
    equal = [f"t.{_quoted(key)} = s.{_quoted(f'{_KEY}_{i}')}" for i, key in enumerate(what.keys)]
    merger = handle.merge(
        _acts(rows, what, found.filter(pl.col(HELD) > (1 if complete else 0))),
        " AND ".join([*equal, *_within(handle, found.drop(HELD))]),
        source_alias="s",
        target_alias="t",
        # In memory it is in any case; and of a stream delta-rs would not know which files it can touch.
        streamed_exec=False,
        max_spill_size=_SPILL,
        commit_properties=properties,
    )
    values = {_quoted(column): f"s.{_quoted(column)}" for column in rows.columns}
    return (
        merger.when_matched_update(values, predicate=f"s.{_ACT} = '{_PUT}'")
        .when_matched_delete(predicate=f"s.{_ACT} = '{_TAKE}'")
        .when_not_matched_insert(values, predicate=f"s.{_ACT} <> '{_TAKE}'")
        .execute()
    )


def _within(handle: Handle, found: pl.DataFrame) -> list[str]:
    """Return what is true of all rows of these keys, and lets delta-rs pass over the files that have none.

    By itself it rules out what lies before the first and behind the last of the keys.
    """
    import polars as pl

    schema = pl.Schema(handle.schema())
    wanted = in_types(found, schema)
    files = candidates(handle, schema, wanted)
    said = []
    for column in handle.metadata().partition_columns:
        values = files[f"partition.{column}"].unique().sort()
        if values.len() <= _MOST_VALUES and not values.null_count() and _spelled(values.dtype):
            said.append(f"t.{_quoted(column)} IN ({', '.join(map(_literal, values))})")
    for key in wanted.columns:
        low, high = f"min.{key}", f"max.{key}"
        if low in files.columns and not wanted[key].dtype.is_temporal() and _spelled(wanted[key].dtype):
            said.append(_ranges(f"t.{_quoted(key)}", files.select(low, high), wanted[key]))
    return [each for each in said if each]


def _ranges(column: str, files: pl.DataFrame, values: pl.Series) -> str:
    """Return the values as ranges, with gaps where no file is; nothing if there are too many."""
    import polars as pl

    low, high = files.columns
    if files[low].null_count() or files[high].null_count():
        return ""
    sorted_ = values.unique().sort()
    # A range goes on as long as the next value lies in a file that has the one before as well.
    reach = files.sort(low).with_columns(pl.col(high).cum_max())
    starts = reach.filter(pl.col(low) > pl.col(high).shift(1).fill_null(pl.col(low).min()))[low]
    cuts = sorted_.search_sorted(starts.cast(values.dtype), side="left").unique().sort().to_list()
    borders = [0, *(cut for cut in cuts if 0 < cut < sorted_.len()), sorted_.len()]
    if len(borders) > _MOST_VALUES:
        return ""
    ranges = [(sorted_[first], sorted_[end - 1]) for first, end in pairwise(borders)]
    return f"({' OR '.join(f'{column} BETWEEN {_literal(a)} AND {_literal(b)}' for a, b in ranges)})"


def _spelled(dtype: pl.DataType) -> bool:
    import polars as pl

    return dtype.is_integer() or isinstance(dtype, pl.String | pl.Date)


def _literal(value: int | str | date) -> str:
    if isinstance(value, date):
        return f"DATE '{value.isoformat()}'"
    return str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"


def _acts(rows: pl.DataFrame, what: Merge, anew: pl.DataFrame) -> Any:  # noqa: ANN401 - an Arrow table
    """Return the rows with what is done to the table's rows of their key; those of `anew` come in anew."""
    import polars as pl

    keys = what.keys
    types = pl.Schema({key: rows.schema[key] for key in keys})
    several = anew.select(keys).cast(types)
    put = rows.join(several, on=keys, how="anti")
    add = rows.join(several, on=keys, how="semi")
    taken = what.touched.cast(types).join(put.select(keys), on=keys, how="anti")
    marks = [pl.col(key).alias(f"{_KEY}_{i}") for i, key in enumerate(keys)]
    # A null matches nothing: the row comes in whatever the table has.
    none = [pl.lit(None, rows.schema[key]).alias(f"{_KEY}_{i}") for i, key in enumerate(keys)]
    return pl.concat(
        [
            put.with_columns(*marks, pl.lit(_PUT).alias(_ACT)),
            add.with_columns(*none, pl.lit(_ADD).alias(_ACT)),
            taken.select(*marks, pl.lit(_TAKE).alias(_ACT)),
        ],
        how="diagonal",
    ).to_arrow()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
