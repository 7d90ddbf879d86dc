"""Placement: the partition of each row, from a moment that one of its columns tells, or from the load time.

A column of dates, text or numbers carries the start of the row's partition, on the wall clock of the
partitions' time zone: days around a change of the clock have 23 or 25 hours. A timestamp carries the moment.
"""

from __future__ import annotations

from datetime import datetime, time
from functools import partial
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from s3_assets.errors import PartitionColumnError
from s3_assets.movement.casting import Unit, moments
from s3_assets.movement.filters import load_time
from s3_assets.tables.durations import TimeZone
from s3_assets.tables.partitioning import column_format
from s3_assets.tables.schemas import instance
from s3_assets.tables.type_names import type_name
from s3_assets.windows import Every

if TYPE_CHECKING:
    import polars as pl

    from s3_assets.movement.load import Load
    from s3_assets.tables.settings import Partitions

_PLACE = "placement"
_AT = "\x01at"


class Placement(BaseModel):
    """Where a row's partition comes from."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    column: str | None = Field(
        default=None,
        min_length=1,
        description="A column of timestamps, dates or whole numbers, after the filters; left out: the load "
        "time.",
    )
    unit: Unit | None = Field(
        default=None,
        description="What whole numbers count since 1970: seconds, milliseconds, microseconds, nanoseconds.",
    )
    timezone: TimeZone = Field(default="UTC", description="IANA time zone of timestamps that carry none.")
    type: Literal["date", "timestamp", "string", "int64"] | None = Field(
        default=None,
        description="Of the partition column; left out: date, timestamp for hours, or string if the target's "
        "partitions have a `format`.",
    )
    on_null: Literal["fail", "load_time"] = Field(
        default="fail", description="What to do with a row whose column is null."
    )

    def apply(self, frame: pl.LazyFrame, partitions: Partitions, load: Load) -> pl.LazyFrame:
        """Add the partition column, or let it take the place of the column that it comes from.

        Raises `SchemaMismatchError` for a column that is not there or tells no moment, `PartitionColumnError`
        for a type that cannot tell the partitions apart, and `RowsRefusedError`, when the rows are read, for
        nulls.
        """
        import polars as pl

        there = frame.collect_schema()
        if self.column is not None:
            load.require(_PLACE, [self.column], there)
        if partitions.column != self.column:
            load.require_free(_PLACE, [partitions.column], there)
        moment = (
            load_time(load)
            if self.column is None
            else self._moment(instance(there[self.column]), partitions, load)
        )
        # Evaluated once, whatever is made of it.
        return (
            frame.with_columns(moment.alias(_AT))
            .with_columns(self._start(pl.col(_AT), partitions).alias(partitions.column))
            .drop(_AT)
        )

    def _moment(self, dtype: pl.DataType, partitions: Partitions, load: Load) -> pl.Expr:
        """Return the column as timestamps in UTC."""
        import polars as pl

        column = pl.col(self.column or "")
        if self.unit is not None and not dtype.is_integer():
            raise load.misfit(
                _PLACE,
                f"column '{self.column}' is {type_name(dtype)}, and `unit` is for whole numbers",
                "Leave it out.",
            )
        if dtype.is_integer():
            if self.unit is None:
                raise load.misfit(
                    _PLACE,
                    f"column '{self.column}' is {type_name(dtype)}, and nothing says what it counts",
                    "Add `unit: seconds`, milliseconds, microseconds or nanoseconds (since 1970).",
                )
            read = column.map_batches(
                partial(moments, unit=self.unit), return_dtype=pl.Datetime("us", "UTC"), is_elementwise=True
            )
        elif isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
            read = column.dt.convert_time_zone("UTC").dt.cast_time_unit("us")
        elif isinstance(dtype, pl.Datetime):
            # Of a time that comes twice the first one is meant; one that the clock jumps over is null.
            read = column.dt.cast_time_unit("us").dt.replace_time_zone(
                self.timezone, ambiguous="earliest", non_existent="null"
            )
            read = read.dt.convert_time_zone("UTC")
        elif dtype == pl.Date():
            # A day has no zone: it is the partitions' own.
            read = _midnight(column, partitions.timezone)
        else:
            raise load.misfit(
                _PLACE,
                f"column '{self.column}' is {type_name(dtype)}, which tells no moment",
                "Name a column of timestamps, dates or whole numbers, or cast it to one.",
            )
        if self.on_null == "load_time":
            return read.fill_null(load_time(load))
        check = _NoNulls(load, self.column or "")
        checked = pl.struct(column.alias("value"), read.alias("moment"))
        return checked.map_batches(check, return_dtype=pl.Datetime("us", "UTC"), is_elementwise=True)

    def _start(self, moment: pl.Expr, partitions: Partitions) -> pl.Expr:
        """Return what the partition column holds for a moment."""
        import polars as pl

        type_ = self.type or _type_of(partitions)
        if type_ == "timestamp":
            return moment
        first = partitions.start
        begins = first.time() if isinstance(first, datetime) else time()
        if type_ == "date" and (partitions.every is Every.HOUR or begins != time()):
            raise PartitionColumnError(
                f"the partition column '{partitions.column}' is to be a date, and its partitions begin at "
                f"{begins} or every hour",
                remedy="Set `placement.type: timestamp`.",
            )
        offset = f"{begins.hour}h{begins.minute}m"
        if partitions.every is Every.HOUR:
            offset = f"{begins.minute}m"
        local = moment.dt.convert_time_zone(partitions.timezone).dt.replace_time_zone(None)
        # As if each began at midnight, Monday, or the first of the month.
        days = 0
        if partitions.every is Every.WEEK:
            days = first.weekday()
        elif partitions.every is Every.MONTH:
            days = first.day - 1
        step = {Every.HOUR: "1h", Every.DAY: "1d", Every.WEEK: "1w", Every.MONTH: "1mo"}[partitions.every]
        start = local.dt.offset_by(f"-{days}d{offset}").dt.truncate(step).dt.offset_by(f"{days}d{offset}")
        if type_ == "date":
            return start.dt.date()
        text = start.dt.to_string(column_format(partitions, integer=type_ == "int64"))
        return text if type_ == "string" else text.cast(pl.Int64)


def _type_of(partitions: Partitions) -> str:
    if partitions.format is not None:
        return "string"
    return "timestamp" if partitions.every is Every.HOUR else "date"


def _midnight(column: pl.Expr, zone: str) -> pl.Expr:
    """Return the first moment of each day in a zone, whose clock may jump over midnight."""
    import polars as pl

    plain = column.cast(pl.Datetime("us"))
    found = plain.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    later = plain.dt.offset_by("1h").dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    return pl.coalesce(found, later).dt.convert_time_zone("UTC")


class _NoNulls:
    """Refuses rows without a moment: no partition would be theirs."""

    def __init__(self, load: Load, column: str) -> None:
        self._load = load
        self._column = column

    def __call__(self, both: pl.Series) -> pl.Series:
        moments = both.struct.field("moment")
        if moments.null_count():
            values = both.struct.field("value").filter(moments.is_null())
            raise self._load.refused(
                _PLACE,
                values,
                f"column '{self._column}' has values that tell no moment",
                "Correct the source, or set `placement.on_null: load_time`.",
            )
        return moments
