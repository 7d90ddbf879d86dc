"""States to crash in, and what must be there afterwards: computed and read without the code under test."""

import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from urllib.parse import quote, unquote
from uuid import uuid4

import obstore
import polars as pl
from deltalake import DeltaTable, write_deltalake
from obstore.store import S3Store

from tests.incremental import work

Row = tuple[int, date, str]
# Wave 1 has two dates in two files, wave 2 late rows for them and one file of later dates, wave 3 one file.
WAVES: tuple[tuple[range, ...], ...] = (
    (range(20), range(20, 40)),
    (range(40, 50), range(50, 60)),
    (range(60, 65),),
)


def day_of(number: int) -> date:
    return date(2026, 1, 1 + number % 2 + number // 50)


def row(number: int) -> Row:
    return number, day_of(number), f"row {number}"


def rows(waves: int) -> list[Row]:
    """The rows of the first waves, in plain Python."""
    return sorted(row(number) for wave in WAVES[:waves] for numbers in wave for number in numbers)


def frame(numbers: Iterable[int]) -> pl.DataFrame:
    return pl.DataFrame(
        [row(number) for number in numbers],
        schema={"id": pl.Int64, "day": pl.Date, "text": pl.String},
        orient="row",
    )


def parquet(numbers: Iterable[int]) -> bytes:
    buffer = io.BytesIO()
    frame(numbers).write_parquet(buffer)
    return buffer.getvalue()


@dataclass
class Ground:
    """A server with a bucket for targets, and one for each state of the source: same keys, more rows."""

    endpoint: str
    client: Any
    format: str = "parquet"
    bucket: str = field(default_factory=lambda: f"targets-{uuid4().hex[:8]}")
    sources: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.client.create_bucket(Bucket=self.bucket)

    def make_sources(self) -> None:
        """Make a bucket with wave 1, one with waves 1 and 2, one with all three."""
        for waves in range(1, len(WAVES) + 1):
            name = f"source-{waves}-{uuid4().hex[:8]}"
            self.client.create_bucket(Bucket=name)
            if self.sources:
                put_all(self.store(name), "", get_all(self.store(self.sources[-1]), ""))
            self._add_wave(name, waves)
            self.sources.append(name)

    def _add_wave(self, bucket: str, wave: int) -> None:
        for index, numbers in enumerate(WAVES[wave - 1]):
            if self.format == "parquet":
                name = f"{work.SOURCE}part-{wave}-{index}.parquet"
                obstore.put(self.store(bucket), name, parquet(numbers))
            else:
                write_deltalake(
                    f"s3://{bucket}/{work.SOURCE}",
                    frame(numbers),
                    mode="append",
                    configuration={"delta.enableChangeDataFeed": "true"},
                    storage_options=self.options,
                )

    def store(self, bucket: str | None = None) -> S3Store:
        return S3Store(
            bucket or self.bucket,
            endpoint=self.endpoint,
            region="us-east-1",
            access_key_id="test",
            secret_access_key="test",
            virtual_hosted_style_request=False,
            client_options={"allow_http": True},
        )

    @property
    def options(self) -> dict[str, str]:
        return {
            "aws_endpoint_url": self.endpoint,
            "aws_access_key_id": "test",
            "aws_secret_access_key": "test",
            "aws_region": "us-east-1",
            "aws_allow_http": "true",
        }

    def run(self, prefix: str, waves: int) -> dict[str, Any]:
        """Import in this process, without the proxy."""
        return work.import_new(self.endpoint, self.bucket, self.sources[waves - 1], self.format, prefix)

    def keys(self, prefix: str) -> list[str]:
        return sorted(
            item["path"].removeprefix(prefix)
            for chunk in obstore.list(self.store(), prefix)
            for item in chunk
        )

    def handle(self, prefix: str) -> DeltaTable:
        return DeltaTable(f"s3://{self.bucket}/{prefix}", storage_options=self.options)

    def read_delta(self, prefix: str) -> list[Row]:
        """The target's rows as delta-rs alone reads them."""
        batches = [pl.DataFrame(batch) for batch in self.handle(prefix).scan()]
        found = pl.concat(batches).select("id", "day", "text") if batches else frame([])
        return sorted(found.rows())

    def require_clean(self, prefix: str, *, stream: str | None = work.STREAM) -> None:
        """No data file that the log never named; of the stream's files those of two cursors; no mark."""
        keys = self.keys(prefix)
        data = {key for key in keys if not key.startswith(("_delta_log/", "_s3_assets/"))}
        orphans = data - self._added(prefix, keys)
        assert not orphans, f"orphans: {sorted(orphans)}"
        ours = [key for key in keys if key.startswith("_s3_assets/")]
        folder = f"_s3_assets/{quote(stream, safe='')}/" if stream else "nothing"
        cursors = [key for key in ours if key.startswith(folder)]
        assert ours == cursors, f"left behind: {sorted(set(ours) - set(cursors))}"
        if stream is not None:
            self._require_cursors(prefix, folder, cursors)

    def _require_cursors(self, prefix: str, folder: str, keys: list[str]) -> None:
        committed = self.handle(prefix).transaction_version(work.STREAM)
        documents = [key for key in keys if key.endswith(".json")]
        assert f"{folder}{committed}.json" in documents
        assert len(documents) <= 2, documents
        needed = set()
        for key in documents:
            document = json.loads(bytes(obstore.get(self.store(), prefix + key).bytes()))
            needed |= {f"{folder}{segment['number']}.ledger" for segment in document["segments"]}
        assert {key for key in keys if key.endswith(".ledger")} == needed

    def _added(self, prefix: str, keys: list[str]) -> set[str]:
        """The paths of all files that the log ever named."""
        log = [key for key in keys if key.startswith("_delta_log/") and key.endswith(".json")]
        store = self.store()
        texts = [bytes(obstore.get(store, prefix + key).bytes()).decode() for key in log]
        actions = [json.loads(line) for text in texts for line in text.splitlines()]
        return {unquote(each["add"]["path"]) for each in actions if "add" in each}


def get_all(store: S3Store, prefix: str) -> dict[str, bytes]:
    """All objects below a prefix, by the rest of their key."""
    return {
        item["path"].removeprefix(prefix): bytes(obstore.get(store, item["path"]).bytes())
        for chunk in obstore.list(store, prefix or None)
        for item in chunk
    }


def put_all(store: S3Store, prefix: str, objects: Mapping[str, bytes]) -> None:
    for key, body in objects.items():
        obstore.put(store, prefix + key, body)
