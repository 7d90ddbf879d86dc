"""What the children of the zygote do: one import, one overwrite. Imported once, run in many processes."""

from datetime import UTC, date, datetime
from typing import Any

from s3_assets.connection import AccessKeyAuth, S3Connection, Transport
from s3_assets.incremental.append import Outcome, append_new
from s3_assets.incremental.overwrite import overwrite
from s3_assets.tables.open import open_table
from s3_assets.tables.settings import DeltaSettings, ParquetSettings, Partitions
from s3_assets.tables.table import Table
from s3_assets.windows import Every, Window

STREAM = "sales/orders"
PARTITIONS = Partitions(column="day", start=date(2026, 1, 1))
SOURCE = "source/"


def connection(endpoint: str, bucket: str, retries: int = 3) -> S3Connection:
    return S3Connection(
        url=f"s3://{bucket}/",
        endpoint=endpoint,
        region="us-east-1",
        auth=AccessKeyAuth(access_key_id="test", secret_access_key="test"),
        transport=Transport(max_retries=retries),
    )


def source(format_: str, where: S3Connection) -> Table[Any]:
    settings: Any = {"parquet": ParquetSettings, "delta": DeltaSettings}[format_]
    return open_table("orders", settings(connection="s3", path=SOURCE), where)


def target(where: S3Connection, path: str, format_: str = "delta") -> Table[Any]:
    settings: Any = {"parquet": ParquetSettings, "delta": DeltaSettings}[format_]
    return open_table("sales", settings(connection="s3", path=path, partitions=PARTITIONS), where)


def day_window(day: date, days: int = 1) -> Window:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return Window(start, start.replace(day=day.day + days), Every.DAY)


def import_new(
    endpoint: str, bucket: str, source_bucket: str, format_: str, prefix: str, retries: int = 3
) -> dict[str, Any]:
    """Append what is new; say what happened."""
    outcome = append_new(
        target(connection(endpoint, bucket, retries), prefix),
        STREAM,
        source(format_, connection(endpoint, source_bucket, retries)),
    )
    return describe(outcome)


def describe(outcome: Outcome) -> dict[str, Any]:
    return {"rows": outcome.rows, "nothing_new": outcome.nothing_new, "rounds": outcome.rounds}


def overwrite_day(
    endpoint: str, bucket: str, prefix: str, format_: str, day: str, first: int, rows: int, retries: int = 3
) -> int:
    """Replace one day by so many rows, numbered from `first`."""
    import polars as pl

    which = date.fromisoformat(day)
    numbers = list(range(first, first + rows))
    frame = pl.LazyFrame({"id": numbers, "day": [which] * rows, "text": [f"row {n}" for n in numbers]})
    table = target(connection(endpoint, bucket, retries), prefix, format_)
    return overwrite(table, frame, window=day_window(which)).commit.rows


def foreign_write(options: dict[str, str], url: str, first: int, rows: int, day: str | None) -> int:
    """What delta-rs alone does: append rows of a day far off, or overwrite that day; again until it lands."""
    import polars as pl
    from deltalake import write_deltalake
    from deltalake.exceptions import CommitFailedError

    which = date.fromisoformat(day) if day else date(2027, 1, 1)
    numbers = list(range(first, first + rows))
    frame = pl.DataFrame({"id": numbers, "day": [which] * rows, "text": [f"row {n}" for n in numbers]})
    for tries in range(1, 21):
        try:
            if day is None:
                write_deltalake(url, frame, mode="append", storage_options=options)
            else:
                write_deltalake(
                    url, frame, mode="overwrite", predicate=f"day = '{day}'", storage_options=options
                )
        except CommitFailedError:
            continue
        return tries
    raise TimeoutError
