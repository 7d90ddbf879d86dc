"""How the demo's data reaches the bucket: written by others, who know nothing of s3-assets."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from s3_assets.embedded.demo_data import is_late
from s3_assets.embedded.server import ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY

if TYPE_CHECKING:
    from datetime import date

    import polars as pl

_FILES_A_DAY = 4
_PUTS_AT_ONCE = 8
_DELETED_AT_ONCE = 1000


@dataclass(frozen=True)
class Landed:
    """What one delivery put into the bucket."""

    rows: int
    files: int
    bytes: int
    late_rows: int
    late_dates: tuple[date, ...]


class Landing:
    """The bucket of an embedded server, as the shop's other systems see it."""

    def __init__(self, endpoint: str, bucket: str) -> None:
        import boto3

        self._bucket = bucket
        self._endpoint = endpoint
        self._client: Any = boto3.session.Session().client(
            "s3",
            endpoint_url=endpoint,
            region_name=REGION,
            aws_access_key_id=ACCESS_KEY_ID,
            aws_secret_access_key=SECRET_ACCESS_KEY,
        )

    @property
    def storage_options(self) -> dict[str, str]:
        """What Polars and delta-rs need to reach the bucket."""
        return {
            "aws_endpoint_url": self._endpoint,
            # Both: an AWS_ENDPOINT_URL_S3 of this machine would beat the first.
            "aws_endpoint_url_s3": self._endpoint,
            "aws_access_key_id": ACCESS_KEY_ID,
            "aws_secret_access_key": SECRET_ACCESS_KEY,
            "aws_region": REGION,
            "aws_allow_http": "true",
        }

    def make_bucket(self) -> None:
        """Create the bucket, unless it is there."""
        names = {each["Name"] for each in self._client.list_buckets()["Buckets"]}
        if self._bucket not in names:
            self._client.create_bucket(Bucket=self._bucket)

    def empty(self) -> int:
        """Delete every object of the bucket and return how many there were."""
        keys = list(self.sizes(""))
        for begin in range(0, len(keys), _DELETED_AT_ONCE):
            chunk = [{"Key": key} for key in keys[begin : begin + _DELETED_AT_ONCE]]
            self._client.delete_objects(Bucket=self._bucket, Delete={"Objects": chunk, "Quiet": True})
        return len(keys)

    def sizes(self, prefix: str) -> dict[str, int]:
        """Return every key below the prefix with its bytes."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        return {each["Key"]: each["Size"] for page in pages for each in page.get("Contents", ())}

    def put(self, key: str, body: bytes) -> int:
        """Put one object, and return its bytes."""
        self._client.put_object(Bucket=self._bucket, Key=key, Body=body)
        return len(body)

    def land_orders(self, rows: pl.DataFrame, folder: str) -> Landed:
        """Put the orders as Parquet files into Hive folders, several a day, one for what is late."""
        wave = rows["wave"][0] if rows.height else 0
        files = {
            f"{folder}date={day}/{'late' if late else f'wave{wave}'}-{index}.parquet": part.drop(
                "date", "wave"
            )
            for (day, late), daily in rows.with_columns(late=is_late()).group_by("date", "late")
            for index, part in enumerate(
                _split(daily.drop("late").sort("order_id"), 1 if late else _FILES_A_DAY)
            )
            if part.height
        }

        def put(item: tuple[str, pl.DataFrame]) -> int:
            buffer = io.BytesIO()
            item[1].write_parquet(buffer)
            return self.put(item[0], buffer.getvalue())

        with ThreadPoolExecutor(_PUTS_AT_ONCE) as pool:
            sizes = list(pool.map(put, files.items()))
        late = rows.filter(is_late())
        return Landed(rows.height, len(files), sum(sizes), late.height, _dates(late))

    def land_payments(self, rows: pl.DataFrame, folder: str) -> Landed:
        """Append the payments to a Delta table with change data feed, with delta-rs alone."""
        from deltalake import write_deltalake

        before = self.sizes(folder)
        write_deltalake(
            f"s3://{self._bucket}/{folder.rstrip('/')}",
            rows.drop("wave"),
            mode="append",
            partition_by=["date"],
            configuration={"delta.enableChangeDataFeed": "true"},
            storage_options=self.storage_options,
        )
        new = [
            size
            for key, size in self.sizes(folder).items()
            if key not in before and key.endswith(".parquet") and "/_" not in key
        ]
        late = rows.filter(is_late())
        return Landed(rows.height, len(new), sum(new), late.height, _dates(late))


def _split(frame: pl.DataFrame, parts: int) -> list[pl.DataFrame]:
    size = -(-frame.height // parts)
    return [frame.slice(begin, size) for begin in range(0, frame.height, size)] if size else []


def _dates(frame: pl.DataFrame) -> tuple[date, ...]:
    return tuple(frame["date"].unique().sort())
