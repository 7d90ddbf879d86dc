"""Rows that are imported by workers and by this process alone, and what both must leave, in plain Python."""

import io
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import polars as pl

from s3_assets.connection import AccessKeyAuth, S3Connection, SecretReference
from s3_assets.engines.engine import Engine
from s3_assets.movement.filters import Filters
from s3_assets.movement.imports import Import, ImportMode
from s3_assets.movement.placement import Placement
from s3_assets.tables.iceberg_settings import IcebergSettings
from s3_assets.tables.open import open_table
from s3_assets.tables.settings import DeltaSettings, ParquetSettings, Partitions
from s3_assets.tables.table import Table
from tests.servers.ray_keeper import KEY, SECRET

Row = tuple[int, datetime, str, str]
FILE_ROWS = 50
START = datetime(2026, 1, 1, 22, tzinfo=UTC)
ZONE = "Asia/Tokyo"
PARTITIONS = Partitions(column="day", start=date(2026, 1, 1), timezone=ZONE)
FILTERS = Filters.model_validate(
    {
        "drop": ["junk"],
        "rename": {"id": "number"},
        "cast": {"price": "decimal[8, 2]"},
        "digest": {"email": {"salt": {"env": SECRET}}},
        "add": {"origin": "lake"},
    }
)
PLACEMENT = Placement(column="at")


def row(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "at": START + timedelta(minutes=7 * number),
        "price": f"{number}.25",
        "email": f"user{number % 7}@example.com",
        "junk": "x" * 20,
    }


def parquet(numbers: range) -> bytes:
    buffer = io.BytesIO()
    pl.DataFrame([row(number) for number in numbers]).write_parquet(buffer)
    return buffer.getvalue()


def lake(endpoint: str, bucket: str) -> S3Connection:
    """A connection that says where its keys are, and has none."""
    auth = AccessKeyAuth(
        access_key_id=SecretReference(env=KEY), secret_access_key=SecretReference(env=SECRET)
    )
    return S3Connection(name="lake", url=f"s3://{bucket}/", endpoint=endpoint, region="us-east-1", auth=auth)


@dataclass
class Ground:
    """A bucket with files of a source, one after the other."""

    endpoint: str
    client: Any
    bucket: str = field(default_factory=lambda: f"lake-{uuid4().hex[:8]}")
    files: int = 0

    def __post_init__(self) -> None:
        self.client.create_bucket(Bucket=self.bucket)

    @property
    def connection(self) -> S3Connection:
        """It says where its keys are, and has none."""
        return lake(self.endpoint, self.bucket)

    def add(self, files: int) -> None:
        """Put so many more files into the folder of the source."""
        for number in range(self.files, self.files + files):
            body = parquet(range(number * FILE_ROWS, (number + 1) * FILE_ROWS))
            self.client.put_object(Bucket=self.bucket, Key=f"landed/part-{number:03}.parquet", Body=body)
        self.files += files

    @property
    def numbers(self) -> range:
        """The numbers of all rows that were put there."""
        return range(self.files * FILE_ROWS)

    def landed(self) -> Table[Any]:
        return open_table("landed", ParquetSettings(connection="lake", path="landed/"), self.connection)

    def table(self, format_: str, name: str, *, placed: bool = False) -> Table[Any]:
        """A table to write; one that is `placed` has a partition for each day in Tokyo."""
        days = PARTITIONS if placed else None
        if format_ == "iceberg":
            settings: Any = IcebergSettings(connection="lake", warehouse_path=f"{name}/", partitions=days)
        else:
            made: Any = {"delta": DeltaSettings, "parquet": ParquetSettings}[format_]
            settings = made(connection="lake", path=f"{name}/", partitions=days)
        return open_table(name, settings, self.connection)

    def import_(
        self, source: Table[Any], target: Table[Any], engine: Engine | None, *, shaped: bool = False
    ) -> Import:
        """The append of what is new; one that is `shaped` has filters of all kinds, and placement."""
        return Import(
            target.name,
            source,
            target,
            ImportMode.APPEND,
            FILTERS if shaped else None,
            PLACEMENT if shaped else None,
            engine=engine,
        )

    def keys(self, prefix: str) -> list[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return [item["Key"].removeprefix(prefix) for page in pages for item in page.get("Contents", ())]

    @property
    def options(self) -> dict[str, str]:
        """The keys as delta-rs and PyIceberg alone take them."""
        return {
            "aws_endpoint_url": self.endpoint,
            "aws_access_key_id": "test",
            "aws_secret_access_key": "test",
            "aws_region": "us-east-1",
            "aws_allow_http": "true",
        }
