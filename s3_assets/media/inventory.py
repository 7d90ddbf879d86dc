"""The inventory: its columns, and how rows of it come about and change."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from s3_assets.errors import DataFilesMissingError, SettingError, TableMissingError
from s3_assets.incremental.cursor_edit import streams_of
from s3_assets.tables.table import Capability

if TYPE_CHECKING:
    from datetime import datetime

    import polars as pl

    from s3_assets.tables.table import Table, Writer

KEY = "key"


class Status(StrEnum):
    """What became of an object."""

    PRESENT = "present"
    DELETED = "deleted"
    LEFT_OUT = "left_out"  # it may be there, and the media set's settings take it no more


COLUMNS = (
    *(KEY, "name", "size", "content_type", "found_type", "etag", "modified", "storage_class", "metadata"),
    *("width", "height", "duration", "status", "first_seen", "last_changed", "deleted_at", "copied_to"),
)


def columns() -> pl.Schema:
    """Return the columns of every inventory; what is not known of an object is null.

    `key` counts from the bucket's root. `etag` is without its quotes, `metadata` a JSON object of texts,
    `width` and `height` are pixels, `duration` seconds. Moments are in UTC: `first_seen`, `last_changed` and
    `deleted_at` are those of the run that saw it.
    """
    import polars as pl

    moments = dict.fromkeys(
        ("modified", "first_seen", "last_changed", "deleted_at"), pl.Datetime("us", "UTC")
    )
    numbers = {"size": pl.Int64(), "width": pl.Int32(), "height": pl.Int32(), "duration": pl.Float64()}
    types: dict[str, pl.DataType] = {**moments, **numbers}
    return pl.Schema({name: types.get(name, pl.String()) for name in COLUMNS})


_OF_RUNS = ("status", "first_seen", "last_changed", "deleted_at", "copied_to")


def looked_columns() -> pl.Schema:
    """Return the columns that a look at an object fills."""
    import polars as pl

    return pl.Schema({name: dtype for name, dtype in columns().items() if name not in _OF_RUNS[:-1]})


def present_rows(looked: pl.DataFrame, old: pl.DataFrame, moment: datetime) -> pl.DataFrame:
    """Return the rows of objects that were looked at, without those that are in the inventory as they are.

    `old` are the inventory's rows of these keys, as far as it has some.
    """
    import polars as pl

    told = [name for name in looked.columns if name not in {KEY, "copied_to"}]
    before = old.select(KEY, pl.struct(pl.exclude(KEY)).alias("old"))
    was = pl.col("old").struct.field
    there = pl.col("old").is_not_null() & (was("status") == Status.PRESENT).fill_null(value=False)
    same = there & pl.all_horizontal(pl.col(name).eq_missing(was(name)) for name in told)
    untouched = same & pl.col("copied_to").eq_missing(was("copied_to"))
    return (
        looked.join(before, on=KEY, how="left")
        .with_columns(
            pl.lit(str(Status.PRESENT)).alias("status"),
            pl.coalesce(was("first_seen"), pl.lit(moment)).alias("first_seen"),
            pl.when(same).then(was("last_changed")).otherwise(pl.lit(moment)).alias("last_changed"),
            pl.lit(None).alias("deleted_at"),
            untouched.alias("untouched"),
        )
        .filter(~pl.col("untouched"))
        .select(pl.col(name).cast(dtype) for name, dtype in columns().items())
    )


def gone_rows(
    old: pl.DataFrame, gone: pl.DataFrame, moment: datetime, *, copies_deleted: bool
) -> pl.DataFrame:
    """Return the rows of objects that are gone: as they were, with another status.

    `gone` has the columns key and `became`, the new status. A row that has said so before stays as it is, and
    is left out. `copies_deleted`: there is no copy of a deleted object any more.
    """
    import polars as pl

    without = pl.lit(copies_deleted) & (pl.col("became") == Status.DELETED)
    return (
        old.join(gone, on=KEY)
        .filter(pl.col("status") != pl.col("became"))
        .with_columns(
            pl.col("became").alias("status"),
            pl.lit(moment).alias("deleted_at"),
            pl.when(~without).then(pl.col("copied_to")).alias("copied_to"),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in columns().items())
    )


def rows_of(target: Table[Any], writer: Writer, keys: pl.DataFrame) -> pl.DataFrame:
    """Return the inventory's rows of some keys, in the pinned state; `keys` has the one column."""
    import polars as pl

    if keys.is_empty():
        return pl.DataFrame(schema=columns())
    low, high = keys[KEY].min(), keys[KEY].max()
    rows = current(target, writer).filter(pl.col(KEY).is_between(pl.lit(low), pl.lit(high)))
    return rows.join(keys.lazy(), on=KEY, how="semi").collect(engine="streaming")


def current(target: Table[Any], writer: Writer) -> pl.LazyFrame:
    """Return all rows of the inventory, in the pinned state; columns that it lacks are null."""
    return _in_columns(
        _plan(target, int(writer.version.token) if Capability.TIME_TRAVEL in target.capabilities else None)
    )


def _plan(target: Table[Any], at: int | None = None) -> pl.LazyFrame:
    import polars as pl

    try:
        return target.plan(at=at).frame
    except (DataFilesMissingError, TableMissingError):
        return pl.LazyFrame(schema=columns())


def _in_columns(frame: pl.LazyFrame) -> pl.LazyFrame:
    import polars as pl

    there = frame.collect_schema()
    return frame.select(
        pl.col(name).cast(dtype) if name in there else pl.lit(None, dtype).alias(name)
        for name, dtype in columns().items()
    )


def present(target: Table[Any]) -> pl.LazyFrame:
    """Return the rows of the objects that are there, as the inventory is now."""
    import polars as pl

    return _in_columns(_plan(target)).filter(pl.col("status") == Status.PRESENT)


def refuse_another_table(target: Table[Any], writer: Writer) -> None:
    """Raise `SettingError` if the target's columns are those of no inventory."""
    if writer.schema and KEY not in writer.schema:
        raise SettingError(
            f"the table is no inventory: its columns are {', '.join(writer.schema)}",
            remedy="Give the media set a target of its own.",
            table=target.name,
            connection=target.connection.name,
        )


def refuse_others(target: Table[Any], writer: Writer, stream: str) -> None:
    """Raise `SettingError` if other streams have written the target: their rows are not of this set."""
    others = [name for name in streams_of(target) if name != stream and writer.committed(name) is not None]
    if others:
        raise SettingError(
            f"others have written the table: {', '.join(others)}",
            remedy="Give the media set a target of its own.",
            table=target.name,
            connection=target.connection.name,
        )


def ledger(target: Table[Any], writer: Writer) -> pl.DataFrame:
    """Return a ledger of the objects that the inventory has as present; its empty marks fit no listing."""
    import polars as pl

    rows = current(target, writer).filter(pl.col("status") == Status.PRESENT)
    return rows.select(KEY, "size", pl.lit("").alias("etag"), "modified").collect(engine="streaming")
