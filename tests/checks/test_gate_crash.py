"""A crash while checks look at what is to be committed: run again, every row is there once."""

import io
from datetime import date
from typing import Any

import obstore
import polars as pl
import pytest
from deltalake import DeltaTable

from s3_assets.embedded.server import EmbeddedServer
from tests.checks import work
from tests.incremental.ground import get_all
from tests.support.crash import Crasher, KillVariant, crash_matrix
from tests.support.extent import EVERYTHING
from tests.support.proxy import RequestProxy
from tests.support.zygote import Zygote

pytestmark = pytest.mark.timeout(600)


def land(store: Any, name: str, numbers: range) -> None:
    body = io.BytesIO()
    rows = {"id": list(numbers), "day": [date(2026, 1, 1)] * len(numbers), "text": ["a"] * len(numbers)}
    pl.DataFrame(rows).write_parquet(body)
    obstore.put(store, f"{name}.parquet", body.getvalue())


class Imports:
    """A source whose second file is imported into tables that hold the first one's rows."""

    def __init__(self, endpoint: str, bucket: str) -> None:
        self.endpoint, self.bucket = endpoint, bucket
        self.store = work.store(endpoint, bucket)
        land(self.store, "source/first", range(10))
        work.import_checked(endpoint, bucket, "source/", "template/")
        self.template = get_all(self.store, "template/")
        land(self.store, "source/second", range(10, 15))

    def prepare(self, label: str) -> dict[str, Any]:
        for key, body in self.template.items():
            obstore.put(self.store, f"{label}/{key}", body)
        return {"prefix": f"{label}/"}

    def check(self, given: dict[str, Any]) -> None:
        options = {
            "aws_endpoint_url": self.endpoint,
            "aws_access_key_id": "test",
            "aws_secret_access_key": "test",
            "aws_region": "us-east-1",
            "aws_allow_http": "true",
        }
        handle = DeltaTable(f"s3://{self.bucket}/{given['prefix']}", storage_options=options)
        found = pl.concat([pl.DataFrame(batch) for batch in handle.scan()])
        assert sorted(found["id"]) == list(range(15))
        # The success has swept what the crash left: no data file but those of the two imports.
        keys = get_all(self.store, given["prefix"])
        assert len([key for key in keys if key.endswith(".parquet")]) == len(handle.file_uris())


@pytest.fixture
def imports(s3_server: EmbeddedServer, s3_client: Any, bucket: str) -> Imports:
    return Imports(s3_server.endpoint_url, bucket)


def test_a_crash_while_rows_are_looked_at(imports: Imports, proxy: RequestProxy, zygote: Zygote) -> None:
    """At the last request for a part's rows: the next one would be the commit."""
    given = {"endpoint": proxy.endpoint, "bucket": imports.bucket, "source_path": "source/"}
    crasher = Crasher(proxy, zygote, work.import_checked, 120)
    assert crasher.run({**given, **imports.prepare("rehearsal")}).succeeded
    looks = [
        each.number
        for each in proxy.requests()
        if each.method == "GET" and "/rehearsal/" in each.path and each.path.endswith(".parquet")
    ]

    crash = crasher.crash("kill_before", looks[-1], {**given, **imports.prepare("crashed")}, imports.check, 2)

    assert crash.ending == "killed", crash


@pytest.mark.skipif(not EVERYTHING, reason="a minute; the requests that matter are tried above")
@pytest.mark.parametrize("variant", ["kill_before", "kill_after"])
def test_a_crash_at_every_request(
    variant: KillVariant, imports: Imports, proxy: RequestProxy, zygote: Zygote
) -> None:
    given = {"endpoint": proxy.endpoint, "bucket": imports.bucket, "source_path": "source/"}

    report = crash_matrix(
        proxy,
        zygote,
        work.import_checked,
        given,
        imports.prepare,
        imports.check,
        variants=[variant],
    )

    assert not report.failures, report.summary()
    assert report.killed(variant)
