"""Exports to crash in, and what must be there: listed and read without the code under test."""

import gzip
import hashlib
import io
import json
import re
from copy import copy
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import polars as pl

from tests.exports import export_work
from tests.incremental.ground import Ground, Row, get_all

FOLDER = f"_s3_assets/exports/{quote(export_work.NAME)}/"
MANIFESTS, LOG, INTENTS = (f"{FOLDER}{name}/" for name in ("manifests", "log", "intents"))
CURSORS = f"_s3_assets/{quote(f'{export_work.NAME}/orders', safe='')}/"


def read_file(key: str, body: bytes) -> list[Row]:
    """The rows of one file, by Polars or by Python alone."""
    if key.endswith(".parquet"):
        return list(pl.read_parquet(io.BytesIO(body), hive_partitioning=False).rows())
    lines = gzip.decompress(body).decode().splitlines()
    found = [json.loads(line) for line in lines]
    return [(each["id"], date.fromisoformat(each["day"]), each["text"]) for each in found]


def listed_rows(objects: dict[str, bytes]) -> list[Row]:
    """The rows of all files that a listing shows; names that begin with _ are hidden."""
    shown = [key for key in objects if not re.search(r"(^|/)_", key)]
    return sorted(row for key in shown for row in read_file(key, objects[key]))


@dataclass
class ExportGround(Ground):
    """Targets that are exports; each test has a prefix of its own, in one bucket for them all."""

    prefix: str = "table/"

    def anew(self) -> "ExportGround":
        """The same with another prefix: connections are made once."""
        other = copy(self)
        other.prefix = f"{uuid4().hex[:8]}/"
        return other

    def export(self, prefix: str, mode: str, waves: int, **settings: Any) -> dict[str, Any]:
        """Run an export of the first waves in this process, without the proxy."""
        return export_work.export(**self.given(mode, waves, **settings), prefix=prefix)

    def given(self, mode: str, waves: int, **settings: Any) -> dict[str, Any]:
        """What a run of an export of the first waves is given, but for the prefix."""
        return {
            "endpoint": self.endpoint,
            "bucket": self.bucket,
            "mode": mode,
            "source_bucket": self.sources[waves - 1],
            "source_format": self.format,
            **settings,
        }

    def objects(self, prefix: str) -> dict[str, bytes]:
        return get_all(self.store(), prefix)

    def open_uploads(self, prefix: str = "") -> list[tuple[str, str]]:
        """Every unfinished upload of the bucket, as boto3 lists them."""
        pages = self.client.get_paginator("list_multipart_uploads").paginate(
            Bucket=self.bucket, Prefix=prefix
        )
        return [(each["Key"], each["UploadId"]) for page in pages for each in page.get("Uploads", ())]

    def manifests(self, prefix: str) -> dict[str, dict[str, Any]]:
        """All manifests by the names of their files, in order."""
        return {
            key.removeprefix(MANIFESTS): json.loads(body)
            for key, body in sorted(self.objects(prefix).items())
            if key.startswith(MANIFESTS)
        }

    def followed_rows(self, prefix: str) -> list[Row]:
        """The rows of the files that the manifests name, each checked against what its manifest says."""
        found: list[Row] = []
        for document in self.manifests(prefix).values():
            for file in document["files"]:
                answer = self.client.get_object(Bucket=self.bucket, Key=file["key"])
                body = answer["Body"].read()
                rows = read_file(file["key"], body)
                assert file["url"] == f"s3://{self.bucket}/{file['key']}"
                assert file["rows"] == len(rows)
                assert file["bytes"] == len(body)
                assert file["sha256"] == hashlib.sha256(body).hexdigest()
                assert file["etag"] == answer["ETag"].strip('"')
                found += rows
            totals = document["totals"]
            assert totals["files"] == len(document["files"])
            assert totals["rows"] == sum(file["rows"] for file in document["files"])
            assert totals["bytes"] == sum(file["bytes"] for file in document["files"])
        return sorted(found)

    def require_rows(self, prefix: str, expected: list[Row]) -> None:
        """Exactly these rows for who follows the manifests, and for who lists the prefix."""
        assert self.followed_rows(prefix) == expected
        assert listed_rows(self.objects(prefix)) == expected

    def require_clean(self, prefix: str, *, stream: str | None = None) -> None:
        """No upload, no orphan, no intent, all of the log done, and no more than two cursors."""
        del stream
        assert self.open_uploads(prefix) == []
        objects = self.objects(prefix)
        named = {
            file["key"].removeprefix(prefix)
            for document in self.manifests(prefix).values()
            for file in document["files"]
        }
        flags = {
            document["success"].removeprefix(prefix)
            for document in self.manifests(prefix).values()
            if document["success"]
        }
        ours = {key for key in objects if key.startswith("_s3_assets/")}
        assert set(objects) - ours == named | flags
        log = {key for key in ours if key.startswith(LOG)}
        cursors = {key for key in ours if key.startswith(CURSORS)}
        manifests = {key for key in ours if key.startswith(MANIFESTS)}
        assert ours == log | cursors | manifests, f"left: {sorted(ours - log - cursors - manifests)}"
        entries = {key.removesuffix(".json") for key in log if key.endswith(".json")} - {f"{LOG}format"}
        assert {key for key in log if not key.endswith(".json")} == {f"{key}.done" for key in entries}
        assert len([key for key in cursors if key.endswith(".json")]) <= 2
