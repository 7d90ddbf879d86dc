"""Buckets of objects and of what becomes of them, and what plain boto3 says is there."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import polars as pl
from deltalake import DeltaTable
from pyiceberg.table import StaticTable

from tests.media import media_work, samples

Row = tuple[object, ...]
TOLD = ("key", "name", "size", "content_type", "etag", "modified", "storage_class", "metadata")
SOURCE = media_work.SOURCE


def first_wave() -> dict[str, dict[str, Any]]:
    """Objects by their paths, with what is said of them."""
    return {
        "a/one.png": {
            "Body": samples.image("PNG", 64, 48),
            "ContentType": "image/png",
            "Metadata": {"owner": "zoé"},
        },
        "a/two.jpg": {"Body": samples.image("JPEG", 32, 16), "ContentType": "image/jpeg"},
        "a/ü und x.gif": {"Body": samples.image("GIF", 5, 6), "CacheControl": "max-age=60"},
        "b/gone.wav": {"Body": samples.wav(0.25), "ContentType": "audio/wav"},
        "b/empty": {"Body": b""},
        "b/": {"Body": b""},
        "_s3_assets/ours.json": {"Body": b"{}"},
    }


def second_wave() -> dict[str, dict[str, Any]]:
    """What is put in the second wave: an object that is new, and others that are changed; one is deleted."""
    return {
        "a/two.jpg": {"Body": samples.image("JPEG", 99, 77), "ContentType": "image/jpeg"},
        # Nothing but what is said of it is another.
        "b/empty": {"Body": b"", "ContentType": "text/plain", "Metadata": {"why": "a place"}},
        "c/new.mp4": {"Body": samples.mp4(4.5, media=30_000, at_end=True), "StorageClass": "STANDARD_IA"},
    }


GONE = "b/gone.wav"
_PART_OF_OURS = re.compile(r"part-\d{5,}-\d{15,}\.parquet$")


@dataclass
class MediaGround:
    """A bucket of objects, and one for the inventory and the copies."""

    endpoint: str
    client: Any
    bucket: str = field(default_factory=lambda: f"targets-{uuid4().hex[:8]}")
    source: str = field(default_factory=lambda: f"source-{uuid4().hex[:8]}")

    def __post_init__(self) -> None:
        for name in (self.bucket, self.source):
            self.client.create_bucket(Bucket=name)

    def put(self, objects: Mapping[str, Mapping[str, Any]]) -> None:
        for path, said in objects.items():
            metadata = {
                name: value.encode("ascii", "replace").decode()
                for name, value in said.get("Metadata", {}).items()
            }
            self.client.put_object(Bucket=self.source, Key=SOURCE + path, **{**said, "Metadata": metadata})

    def delete(self, path: str) -> None:
        self.client.delete_object(Bucket=self.source, Key=SOURCE + path)

    def change(self) -> None:
        """Have the second wave come."""
        self.put(second_wave())
        self.delete(GONE)

    def full_look(self) -> list[Row]:
        """Say what is there, as a listing and a request for each object tell it."""
        listed = self._all(self.source, SOURCE)
        rows = []
        for each in listed:
            path = each["Key"].removeprefix(SOURCE)
            if path.endswith("/") or path.startswith("_s3_assets/"):
                continue
            head = self.client.head_object(Bucket=self.source, Key=each["Key"])
            metadata = json.dumps(head["Metadata"], separators=(",", ":"), sort_keys=True, ensure_ascii=False)
            rows.append(
                (
                    each["Key"],
                    each["Key"].rpartition("/")[2],
                    each["Size"],
                    head["ContentType"],
                    each["ETag"].strip('"'),
                    each["LastModified"],
                    each["StorageClass"],
                    metadata if head["Metadata"] else None,
                )
            )
        return sorted(rows)

    def inventory(self, format_: str) -> pl.DataFrame:
        """Read the inventory as others than ours do."""
        url = f"s3://{self.bucket}/{media_work.TABLE}"
        if format_ == "delta":
            frame = pl.DataFrame(DeltaTable(url, storage_options=self.options).to_pyarrow_table())
        elif format_ == "parquet":
            frame = pl.read_parquet(f"{url}*.parquet", storage_options=self.options, missing_columns="insert")
        else:
            frame = self._iceberg()
        return frame.sort("key")

    def present(self, format_: str) -> list[Row]:
        return self.inventory(format_).filter(pl.col("status") == "present").select(TOLD).rows()

    def copies(self) -> dict[str, tuple[bytes, str, dict[str, str]]]:
        """The copies by path: body, content type and user metadata, without ours."""
        found = {}
        for each in self._all(self.bucket, media_work.COPIES):
            answer = self.client.get_object(Bucket=self.bucket, Key=each["Key"])
            metadata = {
                name: value for name, value in answer["Metadata"].items() if not name.startswith("s3-assets-")
            }
            path = each["Key"].removeprefix(media_work.COPIES)
            found[path] = (answer["Body"].read(), answer["ContentType"], metadata)
        return found

    def expected_copies(self) -> dict[str, tuple[bytes, str, dict[str, str]]]:
        """What the copies have to be: the objects as they are, and the metadata that is added."""
        found = {}
        for key, *_ in self.full_look():
            answer = self.client.get_object(Bucket=self.source, Key=key)
            metadata = {**answer["Metadata"], "team": "shop"}
            found[str(key).removeprefix(SOURCE)] = (answer["Body"].read(), answer["ContentType"], metadata)
        return found

    def uploads(self) -> list[str]:
        """The keys of uploads that nobody has ended."""
        return [
            each["Key"] for each in self.client.list_multipart_uploads(Bucket=self.bucket).get("Uploads", ())
        ]

    def orphans(self) -> set[str]:
        """The parts of ours in a Delta table that its log never named; what delta-rs leaves is a vacuum's."""
        table = media_work.TABLE
        keys = [each["Key"].removeprefix(table) for each in self._all(self.bucket, table)]
        log = [key for key in keys if key.startswith("_delta_log/") and key.endswith(".json")]
        bodies = [self.client.get_object(Bucket=self.bucket, Key=table + key)["Body"].read() for key in log]
        actions = [json.loads(line) for body in bodies for line in body.splitlines()]
        added = {unquote(each["add"]["path"]) for each in actions if "add" in each}
        return {key for key in keys if _PART_OF_OURS.search(key)} - added

    def taken(self) -> dict[str, dict[str, Any]]:
        """All that is in the bucket of targets, so that `restore` can put it there again."""
        found = {}
        for each in self._all(self.bucket, ""):
            answer = self.client.get_object(Bucket=self.bucket, Key=each["Key"])
            found[each["Key"]] = {
                "Body": answer["Body"].read(),
                "ContentType": answer["ContentType"],
                "Metadata": answer["Metadata"],
            }
        return found

    def restore(self, objects: Mapping[str, Mapping[str, Any]]) -> None:
        for each in self.client.list_multipart_uploads(Bucket=self.bucket).get("Uploads", ()):
            self.client.abort_multipart_upload(Bucket=self.bucket, Key=each["Key"], UploadId=each["UploadId"])
        for each in self._all(self.bucket, ""):
            self.client.delete_object(Bucket=self.bucket, Key=each["Key"])
        for key, said in objects.items():
            self.client.put_object(Bucket=self.bucket, Key=key, **said)

    @property
    def options(self) -> dict[str, str]:
        return {
            "aws_endpoint_url": self.endpoint,
            "aws_access_key_id": "test",
            "aws_secret_access_key": "test",
            "aws_region": "us-east-1",
            "aws_allow_http": "true",
        }

    def _iceberg(self) -> pl.DataFrame:
        metadata = [
            each["Key"]
            for each in self._all(self.bucket, f"{media_work.TABLE}metadata/")
            if each["Key"].endswith(".metadata.json")
        ]
        newest = max(metadata, key=lambda key: int(key.rpartition("/v")[2].split(".")[0].split("-")[0]))
        table = StaticTable.from_metadata(
            f"s3://{self.bucket}/{newest}",
            {
                "s3.endpoint": self.endpoint,
                "s3.access-key-id": "test",
                "s3.secret-access-key": "test",
                "s3.region": "us-east-1",
            },
        )
        return pl.DataFrame(table.scan().to_arrow())

    def _all(self, bucket: str, prefix: str) -> list[dict[str, Any]]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [each for page in pages for each in page.get("Contents", ())]
