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
from tests.support.crash import crash_matrix
from tests.support.extent import EVERYTHING
from tests.support.proxy import RequestProxy
from tests.support.zygote import Zygote

pytestmark = pytest.mark.timeout(600)


def land(store: Any, name: str, numbers: range) -> None:
    body = io.BytesIO()
    rows = {"id": list(numbers), "day": [date(2026, 1, 1)] * len(numbers), "text": ["a"] * len(numbers)}
    pl.DataFrame(rows).write_parquet(body)
    obstore.put(store, f"{name}.parquet", body.getvalue())


@pytest.mark.parametrize("variant", ["kill_before", "kill_after"])
def test_a_checked_import(
    variant: Any, proxy: RequestProxy, zygote: Zygote, s3_server: EmbeddedServer, s3_client: Any, bucket: str
) -> None:
    store = work.store(s3_server.endpoint_url, bucket)
    land(store, "source/first", range(10))
    work.import_checked(s3_server.endpoint_url, bucket, "source/", "template/")
    template = get_all(store, "template/")
    land(store, "source/second", range(10, 15))
    options = {
        "aws_endpoint_url": s3_server.endpoint_url,
        "aws_access_key_id": "test",
        "aws_secret_access_key": "test",
        "aws_region": "us-east-1",
        "aws_allow_http": "true",
    }

    def prepare(label: str) -> dict[str, Any]:
        for key, body in template.items():
            obstore.put(store, f"{label}/{key}", body)
        return {"prefix": f"{label}/"}

    def check(given: dict[str, Any]) -> None:
        batches = DeltaTable(f"s3://{bucket}/{given['prefix']}", storage_options=options).scan()
        found = pl.concat([pl.DataFrame(batch) for batch in batches])
        assert sorted(found["id"]) == list(range(15))

    given = {"endpoint": proxy.endpoint, "bucket": bucket, "source_path": "source/"}
    report = crash_matrix(
        proxy,
        zygote,
        work.import_checked,
        given,
        prepare,
        check,
        variants=[variant],
        every=1 if EVERYTHING else 20,
    )

    assert not report.failures, report.summary()
    assert report.killed(variant)
