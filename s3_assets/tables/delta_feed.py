"""The change data feed of a Delta table as delta-rs reads it (Delta Protocol, "Change Data Files")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from s3_assets.tables.change_columns import CHANGE_TYPE, COMMIT_TIMESTAMP, COMMIT_VERSION
from s3_assets.tables.delta_open import stream_errors
from s3_assets.tables.delta_stream import lazy_stream

if TYPE_CHECKING:
    import polars as pl
    from deltalake import DeltaTable as Handle

    from s3_assets.tables.delta import DeltaTable


def as_inserts(frame: pl.LazyFrame, handle: Handle) -> pl.LazyFrame:
    """Show the rows of a version as the changes that a first read of the feed begins with."""
    from datetime import UTC, datetime

    import polars as pl

    moment = datetime.fromtimestamp(int(handle.history(limit=1)[0].get("timestamp", 0)) / 1000, UTC)
    return frame.with_columns(
        pl.lit("insert").alias(CHANGE_TYPE),
        pl.lit(handle.version(), dtype=pl.Int64).alias(COMMIT_VERSION),
        pl.lit(moment.replace(tzinfo=None), dtype=pl.Datetime("ms")).alias(COMMIT_TIMESTAMP),
    )


def read_feed(
    table: DeltaTable, handle: Handle, schema: pl.Schema, first: int, last: int, *, inserts: bool
) -> pl.LazyFrame:
    """Return the changes from version `first` to `last`, in the columns of `change_schema`, lazily."""

    def start(wanted: list[str]) -> Any:  # noqa: ANN401 - a reader of Arrow batches
        return handle.load_cdf(
            starting_version=first,
            ending_version=last,
            # delta-rs puts the names into SQL as they are: `order` and `Amount` would be no columns there.
            columns=[_quoted(name) for name in sorted({*wanted, CHANGE_TYPE})],
            predicate=f"{CHANGE_TYPE} = 'insert'" if inserts else None,
        )

    return lazy_stream(
        start,
        schema,
        lambda: stream_errors(table.connection, table.location, table.name),
        "delta change feed",
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
