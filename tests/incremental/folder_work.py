"""What the children of the zygote do with folders as targets: the work of `work`, into files."""

import io
from datetime import date
from typing import Any

import polars as pl

from s3_assets.incremental.append import append_new
from s3_assets.incremental.commit import commit_frame, open_writer
from s3_assets.incremental.overwrite import overwrite
from s3_assets.objects import Objects
from s3_assets.tables.table import WriteMode
from tests.incremental import work


def import_new(
    endpoint: str, bucket: str, source_bucket: str, format_: str, prefix: str, retries: int = 3
) -> dict[str, Any]:
    """Append what is new to a Parquet folder; say what happened."""
    target = work.target(work.connection(endpoint, bucket, retries), prefix, "parquet")
    source = work.source(format_, work.connection(endpoint, source_bucket, retries))
    return work.describe(append_new(target, work.STREAM, source))


def replace_all(endpoint: str, bucket: str, prefix: str, day: str, first: int, rows: int) -> int:
    """Make these rows of one day, numbered from `first`, those of the folder."""
    target = work.target(work.connection(endpoint, bucket), prefix, "parquet")
    return overwrite(target, frame(day, first, rows), window=None).commit.rows


def append_rows(endpoint: str, bucket: str, prefix: str, day: str, first: int, rows: int) -> int:
    """Append rows without any cursor."""
    target = work.target(work.connection(endpoint, bucket), prefix, "parquet")
    new = frame(day, first, rows)
    return commit_frame(target, open_writer(target), new, WriteMode.APPEND).commit.rows


def frame(day: str, first: int, rows: int) -> pl.LazyFrame:
    which = date.fromisoformat(day)
    found = [(number, which, f"row {number}") for number in range(first, first + rows)]
    return pl.LazyFrame(found, schema={"id": pl.Int64, "day": pl.Date, "text": pl.String}, orient="row")


def foreign_append(endpoint: str, bucket: str, prefix: str, first: int, rows: int) -> None:
    """What another program does that knows of no log: it puts a file into the folder of a day far off."""
    buffer = io.BytesIO()
    frame("2027-01-01", first, rows).drop("day").collect().write_parquet(buffer)
    key = f"{prefix}day=2027-01-01/foreign-{first}.parquet"
    Objects(work.connection(endpoint, bucket)).put(key, buffer.getvalue())
