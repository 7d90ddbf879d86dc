"""A Delta source of delta-rs's making and a Delta target: what both hold is read by delta-rs alone."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import uuid4

import polars as pl
from deltalake import DeltaTable, write_deltalake

from s3_assets.connection import S3Connection
from s3_assets.tables.table import Table
from tests.incremental import work

TARGET = "target/"


@dataclass
class Tables:
    """One bucket with both."""

    endpoint: str
    client: Any
    bucket: str = field(default_factory=lambda: f"batches-{uuid4().hex[:8]}")

    def __post_init__(self) -> None:
        self.client.create_bucket(Bucket=self.bucket)

    @property
    def _connection(self) -> S3Connection:
        return work.connection(self.endpoint, self.bucket)

    @property
    def source(self) -> Table[Any]:
        return work.source("delta", self._connection)

    @property
    def target(self) -> Table[Any]:
        return work.target(self._connection, TARGET)

    def write(self, *found: int, **options: Any) -> None:
        """Write a file of the source for each number."""
        self._write(work.SOURCE, found, partition_by=["text"], **options)

    def write_target(self, *found: int) -> None:
        """Append rows to the target past the project."""
        self._write(TARGET, found)

    def _write(self, path: str, found: tuple[int, ...], **options: Any) -> None:
        rows = pl.DataFrame(
            {"id": found, "day": [date(2026, 1, 1)] * len(found), "text": [f"row {n}" for n in found]}
        )
        url = f"s3://{self.bucket}/{path}"
        write_deltalake(url, rows, storage_options=self.options, **{"mode": "append", **options})

    def source_handle(self) -> DeltaTable:
        return DeltaTable(f"s3://{self.bucket}/{work.SOURCE}", storage_options=self.options)

    def target_handle(self) -> DeltaTable:
        return DeltaTable(f"s3://{self.bucket}/{TARGET}", storage_options=self.options)

    def rows(self) -> list[int]:
        """The target's numbers."""
        batches = [pl.DataFrame(batch) for batch in self.target_handle().scan(columns=["id"])]
        return sorted(number for each in batches for number in each["id"].to_list())

    def drop_source(self) -> None:
        self._delete(self._keys(work.SOURCE))

    def forget_log(self, before: int) -> None:
        """Delete the entries of the source's log before that version."""
        self._delete([f"{work.SOURCE}_delta_log/{version:020d}.json" for version in range(before)])

    def _keys(self, prefix: str) -> list[str]:
        found = self.client.list_objects_v2(Bucket=self.bucket, Prefix=prefix)
        return [item["Key"] for item in found["Contents"]]

    def _delete(self, keys: list[str]) -> None:
        for key in keys:
            self.client.delete_object(Bucket=self.bucket, Key=key)

    @property
    def options(self) -> dict[str, str]:
        return {
            "aws_endpoint_url": self.endpoint,
            "aws_access_key_id": "test",
            "aws_secret_access_key": "test",
            "aws_region": "us-east-1",
            "aws_allow_http": "true",
        }
