"""Parts as the engine writes them: every row in its folder, whatever its type, and honest errors."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from s3_assets.connection import AccessKeyAuth, S3Connection
from s3_assets.embedded.server import EmbeddedServer
from s3_assets.engines.polars import write_parts
from s3_assets.engines.regrouping import Regrouped
from s3_assets.errors import BucketMissingError
from s3_assets.progress import Progress
from s3_assets.tables.parts import Layout, Part


@pytest.fixture
def connection(s3_server: EmbeddedServer, bucket: str) -> S3Connection:
    return S3Connection(
        url=f"s3://{bucket}/",
        endpoint=s3_server.endpoint_url,
        region="us-east-1",
        auth=AccessKeyAuth(access_key_id="test", secret_access_key="test"),
    )


@pytest.fixture
def layout(connection: S3Connection) -> Layout:
    return Layout(connection.location.folder("table/"), ("day",), 17)


def rows(count: int = 300_000) -> pl.DataFrame:
    """Most rows of one day, some of the two days before."""
    number = pl.int_range(count, dtype=pl.Int64)
    late = number.hash(seed=1) % 20
    return pl.select(
        number.alias("id"),
        (pl.lit(date(2026, 1, 3)) - pl.duration(days=(late < 2) * (1 + late))).cast(pl.Date).alias("day"),
        pl.format("text {}", number).alias("text"),
        pl.concat_list(number, number + 1).alias("list"),
        pl.struct(number.alias("n"), pl.format("s{}", number % 7).alias("s")).alias("struct"),
        (number / 100).cast(pl.Decimal(12, 2)).alias("price"),
        pl.lit(datetime(2026, 1, 1, tzinfo=UTC)).alias("at"),
        pl.when(number % 3 == 0).then(None).otherwise(pl.lit(b"x")).alias("bytes"),
    )


def read(parts: list[Part], layout: Layout, connection: S3Connection) -> pl.DataFrame:
    from s3_assets.connection.adapters import polars as adapter

    return pl.scan_parquet(
        [layout.root.url + part.path for part in parts],
        hive_partitioning=True,
        try_parse_hive_dates=True,
        **adapter.options(connection),
    ).collect()


def test_rows_and_types_survive(connection: S3Connection, layout: Layout) -> None:
    frame = rows()
    parts = write_parts(frame.lazy(), layout, connection)
    found = read(parts, layout, connection)

    assert sum(part.rows for part in parts) == frame.height
    assert {part.values["day"] for part in parts} == {"2026-01-01", "2026-01-02", "2026-01-03"}
    assert found.select(frame.columns).sort("id").equals(frame.sort("id"))


def test_regrouped_rows_are_the_same_rows() -> None:
    frame = rows(50_000).with_columns(pl.col("text").cast(pl.Categorical).alias("category"))
    found = Regrouped(frame.lazy(), ["day"]).lazy().collect(engine="streaming")

    assert found.schema == frame.schema
    assert found.sort("id").equals(frame.sort("id"))


def test_nulls_in_the_partition_column(connection: S3Connection, layout: Layout) -> None:
    frame = pl.LazyFrame({"day": [None, date(2026, 1, 1), None], "text": ["a", "b", "c"]})
    parts = write_parts(frame, layout, connection)

    assert sorted((str(part.values["day"]), part.rows) for part in parts) == [("2026-01-01", 1), ("None", 2)]


def test_an_empty_frame_writes_no_part(connection: S3Connection, layout: Layout) -> None:
    assert write_parts(rows(10).clear().lazy(), layout, connection) == []


def test_the_users_error_arrives_as_it_is(connection: S3Connection, layout: Layout) -> None:
    def fail(batch: pl.DataFrame) -> pl.DataFrame:
        raise LookupError("on purpose")

    with pytest.raises((LookupError, pl.exceptions.ComputeError), match="on purpose"):
        write_parts(rows(10).lazy().map_batches(fail, schema=rows(1).schema), layout, connection)


@pytest.mark.parametrize("where", ["source", "target"])
def test_the_servers_error_arrives_as_ours(where: str, connection: S3Connection, layout: Layout) -> None:
    from s3_assets.connection.adapters import polars as adapter

    gone = connection.model_copy(update={"url": "s3://no-such-bucket-here/"})
    frame = rows(10).lazy()
    if where == "target":
        layout = Layout(gone.location.folder("table/"), ("day",), 17)
    else:
        frame = pl.scan_parquet(
            "s3://no-such-bucket-here/x.parquet", schema=rows(1).schema, **adapter.options(connection)
        )
    with pytest.raises(BucketMissingError, match="no-such-bucket-here"):
        write_parts(frame, layout, gone)


def test_progress_counts_rows_files_and_bytes(connection: S3Connection, layout: Layout) -> None:
    lines: list[str] = []
    progress = Progress("import", lines.append, interval=0.0)
    parts = write_parts(rows(1_000).lazy(), layout, connection, progress)

    assert progress.rows == 1_000
    assert progress.files == len(parts)
    assert progress.bytes == sum(part.bytes for part in parts)
    assert lines


def test_prices_are_exact(connection: S3Connection, layout: Layout) -> None:
    found: Any = read(write_parts(rows(101).lazy(), layout, connection), layout, connection)

    assert found.filter(pl.col("id") == 7)["price"].item() == Decimal("0.07")
