"""Parquet folders to crash in, and what must be there: listed and read without the code under test."""

import io
import json
import re
from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import quote

import polars as pl
import pyarrow.dataset
import pyarrow.fs

from tests.incremental import folder_work, work
from tests.incremental.ground import Ground, Row, get_all, put_all
from tests.support.crash import Crasher
from tests.support.proxy_state import WRITES

LOG = "_s3_assets/log/"
STREAM = f"_s3_assets/{quote(work.STREAM, safe='')}/"


def listed_rows(objects: Mapping[str, bytes]) -> list[Row]:
    """The rows of all files that a listing shows, by Polars alone; hidden names begin with _ or a dot."""
    found: list[Row] = []
    for key, body in objects.items():
        if key.endswith(".parquet") and not re.search(r"(^|/)[_.]", key):
            (day,) = re.findall(r"day=([^/]+)/", key)
            rows = pl.read_parquet(io.BytesIO(body), hive_partitioning=False)
            found += [(number, date.fromisoformat(day), text) for number, text in rows.rows()]
    return sorted(found)


class FolderGround(Ground):
    """Targets that are Parquet folders."""

    def run_folder(self, prefix: str, waves: int) -> dict[str, Any]:
        """Import in this process, without the proxy."""
        bucket = self.sources[waves - 1]
        return folder_work.import_new(self.endpoint, self.bucket, bucket, self.format, prefix)

    def objects(self, prefix: str) -> dict[str, bytes]:
        return get_all(self.store(), prefix)

    def read_ours(self, prefix: str) -> list[Row]:
        target = work.target(work.connection(self.endpoint, self.bucket), prefix, "parquet")
        return sorted(target.scan().select("id", "day", "text").collect().rows())

    def read_pyarrow(self, prefix: str) -> list[Row]:
        """The folder as PyArrow's datasets find it on the server."""
        place = pyarrow.fs.S3FileSystem(
            access_key="test", secret_key="test", endpoint_override=self.endpoint, region="us-east-1"
        )
        days = pyarrow.dataset.partitioning(pyarrow.schema([("day", pyarrow.date32())]), flavor="hive")
        where = f"{self.bucket}/{prefix}"
        table = pyarrow.dataset.dataset(where, filesystem=place, format="parquet", partitioning=days)
        found = table.to_table(columns=["id", "day", "text"]).to_pydict()
        return sorted(zip(found["id"], found["day"], found["text"], strict=True))

    def require_rows(self, prefix: str, expected: list[Row]) -> None:
        """Exactly these rows, as three readers see them."""
        assert listed_rows(self.objects(prefix)) == expected
        assert self.read_ours(prefix) == expected
        assert self.read_pyarrow(prefix) == expected

    def require_clean_folder(self, prefix: str, *, stream: bool = True) -> None:
        """No part waits, no mark stays, every entry of the log is done; two cursors and what they need."""
        ours = [key for key in self.keys(prefix) if key.startswith("_s3_assets/")]
        log = [key for key in ours if key.startswith(LOG)]
        cursors = [key for key in ours if key.startswith(STREAM)]
        assert set(ours) == {*log, *cursors}, f"left behind: {sorted(set(ours) - {*log, *cursors})}"
        entries = {key.removesuffix(".json") for key in log if key != f"{LOG}format.json" and ".json" in key}
        assert {f"{key}.done" for key in entries} == {key for key in log if key.endswith(".done")}
        if stream:
            objects = self.objects(prefix)
            newest = json.loads(objects[f"{max(entries)}.json"])["stamps"][work.STREAM]
            documents = [key for key in cursors if key.endswith(".json")]
            assert f"{STREAM}{newest}.json" in documents
            assert len(documents) <= 2, documents
            segments = [json.loads(objects[key])["segments"] for key in documents]
            needed = {f"{STREAM}{each['number']}.ledger" for found in segments for each in found}
            assert {key for key in cursors if key.endswith(".ledger")} == needed
        else:
            assert not cursors


def crash_at_the_commit(
    ground: FolderGround, crasher: Crasher, given: Mapping[str, Any], *, committed: bool
) -> None:
    """Import into `table/`, killed behind the put that commits, or behind the write before that."""
    put_all(ground.store(), "rehearsal/", ground.objects("table/"))
    assert crasher.run({**given, "prefix": "rehearsal/"}).succeeded
    writes = [each for each in crasher.proxy.requests() if each.method in WRITES]
    k = next(index for index, each in enumerate(writes) if "commit-" in each.path) + committed
    assert crasher.run({**given, "prefix": "table/"}, "kill_after", k).killed
    assert ("commit-" in crasher.proxy.requests()[-1].path) == committed
    crasher.proxy.reset()
