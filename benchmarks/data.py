"""Rows as they arrive in real buckets: each file holds one day, and some late rows of the days before."""

import io
from datetime import date

import obstore
import polars as pl
from obstore.store import S3Store

FIRST_DAY = date(2026, 1, 1)
DAYS = 14
ROWS_PER_FILE = 500_000
LATE = 20  # one row in so many is late


def rows(start: int, count: int, total: int) -> pl.DataFrame:
    """Rows `start` to `start + count` of a table of `total`, in memory about 80 bytes each."""
    number = pl.int_range(start, start + count, dtype=pl.Int64)
    mixed = number.hash(seed=7)
    today = number * DAYS // total
    day = pl.when(mixed % LATE == 0).then(today - (mixed // 64 % 3).cast(pl.Int64)).otherwise(today)
    frame = pl.select(
        number.alias("id"),
        (pl.lit(FIRST_DAY) + pl.duration(days=day.clip(0, DAYS - 1))).cast(pl.Date).alias("day"),
        (mixed // 128 % 5_000).cast(pl.Int32).alias("customer"),
        (mixed // 1024 % 100_000 / 100).alias("amount"),
        (mixed % 12).cast(pl.Int32).alias("quantity"),
        pl.format("product {} of the catalogue", mixed // 4096 % 2_000).alias("product"),
        pl.format("order {}", number.hash(seed=11)).alias("reference"),
    )
    return frame.with_columns(
        (pl.col("day").cast(pl.Datetime("us")) + pl.duration(seconds=mixed_seconds())).alias("at")
    )


def mixed_seconds() -> pl.Expr:
    return (pl.col("id").hash(seed=3) % 86_400).cast(pl.Int64)


def parquet(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd", compression_level=1)
    return buffer.getvalue()


def fill(store: S3Store, prefix: str, total: int) -> tuple[int, float]:
    """Write `total` rows in files; return their bytes on the server and in memory."""
    stored, memory = 0, 0.0
    for index, start in enumerate(range(0, total, ROWS_PER_FILE)):
        frame = rows(start, min(ROWS_PER_FILE, total - start), total)
        memory += frame.estimated_size()
        body = parquet(frame)
        stored += len(body)
        obstore.put(store, f"{prefix}0/part-{index:05d}.parquet", body)
    return stored, memory


def copy(store: S3Store, source: str, target: str, times: int) -> None:
    """Copy a whole source so many times side by side, on the server."""
    for chunk in list(obstore.list(store, source)):
        for item in chunk:
            name = item["path"].removeprefix(f"{source}0/")
            for number in range(times):
                obstore.copy(store, item["path"], f"{target}{number}/{name}")
