"""The bucket that the pages' examples are about, and what other software reads in it."""

import csv
import io
import json
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import deltalake
import polars as pl

DAYS = ("2026-01-05", "2026-01-06", "2026-01-07")
ORDERS = [
    {"id": "A1", "country": "DE", "total": 20.0, "note": "", "day": DAYS[0]},
    {"id": "A2", "country": "FR", "total": 35.5, "note": "gift", "day": DAYS[0]},
    {"id": "B1", "country": "DE", "total": 12.25, "note": "", "day": DAYS[1]},
    {"id": "B2", "country": "DE", "total": 30.0, "note": "", "day": DAYS[1]},
    {"id": "C1", "country": "IT", "total": 99.0, "note": "late", "day": DAYS[2]},
]
CUSTOMERS = [{"id": 1, "name": "Ada"}, {"id": 2, "name": "Grace"}, {"id": 3, "name": "Zoë"}]
PICTURE_SIZE = (3, 2)


@dataclass(frozen=True)
class Lake:
    """A bucket as it is before a page begins."""

    client: Any
    bucket: str
    endpoint: str

    def deliver(self) -> None:
        """Put what the pages suppose: orders of three days, customers, a picture."""
        for day in DAYS:
            rows = [{**row} for row in ORDERS if row["day"] == day]
            for row in rows:
                del row["day"]  # the folder tells it
            self._put(f"raw/orders/day={day}/orders.jsonl", _lines(rows))
        self._put("raw/customers/customers.jsonl", _lines(CUSTOMERS))
        self._put("raw/photos/shop.png", _picture(*PICTURE_SIZE))

    def rows(self, table: str) -> list[dict[str, Any]]:
        """All rows of a Delta table, as delta-rs reads them, in an order."""
        found = deltalake.DeltaTable(f"s3://{self.bucket}/{table}", storage_options=self._options)
        return _in_order(found.to_pyarrow_table().to_pylist())

    def commits(self, table: str) -> int:
        """How many commits of a Delta table added files."""
        found = deltalake.DeltaTable(f"s3://{self.bucket}/{table}", storage_options=self._options)
        return sum(1 for each in found.history() if each.get("operation") == "WRITE")

    def parquet(self, folder: str) -> list[dict[str, Any]]:
        """All rows of a folder of Parquet files with Hive folders, as Polars reads them."""
        frames = [
            pl.read_parquet(io.BytesIO(self.body(key))).with_columns(
                pl.lit(part.partition("=")[2]).alias(part.partition("=")[0])
                for part in key.split("/")
                if "=" in part
            )
            for key in self.objects(f"{folder}/")
            if key.endswith(".parquet") and "/_" not in key
        ]
        return _in_order(pl.concat(frames).to_dicts())

    def csv(self, key: str) -> list[dict[str, str]]:
        """The rows of one CSV file."""
        return list(csv.DictReader(io.StringIO(self.body(key).decode())))

    def objects(self, prefix: str = "") -> list[str]:
        """The keys of all objects below a prefix."""
        found = self.client.list_objects_v2(Bucket=self.bucket, Prefix=prefix)
        return [each["Key"] for each in found.get("Contents", [])]

    def body(self, key: str) -> bytes:
        """An object's bytes."""
        found: bytes = self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return found

    @property
    def variables(self) -> Mapping[str, str]:
        """What a person has in the environment to whom this bucket is AWS's."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    @property
    def _options(self) -> dict[str, str]:
        return {**self.variables, "AWS_ALLOW_HTTP": "true"}

    def _put(self, key: str, body: bytes) -> None:
        self.client.put_object(Bucket=self.bucket, Key=key, Body=body)


def _lines(rows: list[dict[str, Any]]) -> bytes:
    return "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows).encode()


def _in_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: [str(row[name]) for name in sorted(row)])


def _picture(width: int, height: int) -> bytes:
    """A PNG of one colour, made by hand: signature, header, pixels, end (ISO/IEC 15948)."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress((b"\0" + b"\x53\x3e\xdc" * width) * height)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", pixels), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)
