"""What a discovery costs does not depend on how many files its tables have."""

import io
from collections.abc import Iterator

import polars as pl
import pytest

from s3_assets.connection import AccessKeyAuth, S3Connection
from s3_assets.explore.discover import discover
from tests.support.extent import EVERYTHING
from tests.support.many_keys import ManyKeys

DAYS = ("2026-01-05", "2026-01-06")
LOG = [f"lake/delta/_delta_log/{version:020}.json" for version in range(3)]
LINES = b"id,price\n1,1.5\n2,2.5\n"


@pytest.fixture
def many() -> Iterator[ManyKeys]:
    with ManyKeys() as server:
        yield server


def keys(files: int) -> Iterator[str]:
    """So many files in a Delta table, one of Hive folders, one of dated folders and one without any."""
    yield from LOG
    for day in DAYS:
        for number in range(files // len(DAYS)):
            yield f"lake/delta/date={day}/part-{number:06}-c000.parquet"
            yield f"raw/hive/date={day}/part-{number:06}.parquet"
            yield f"raw/dated/{day.replace('-', '/')}/{number:06}.csv"
    for number in range(files):
        yield f"raw/flat/part-{number:06}.parquet"


def test_requests_do_not_grow_with_files(many: ManyKeys) -> None:
    body = io.BytesIO()
    pl.DataFrame({"id": [1, 2]}).write_parquet(body)
    bodies = {".parquet": body.getvalue(), ".csv": LINES, **dict.fromkeys(LOG, b"{}")}
    auth = AccessKeyAuth(access_key_id="key", secret_access_key="secret")
    connection = S3Connection(url="s3://large/", endpoint=many.endpoint_url, region="us-east-1", auth=auth)

    told = []
    for files in (8_600, 160_000, 320_000) if EVERYTHING else (8_600, 11_000):
        many.fill("large", ((key, 0) for key in keys(files)), bodies)
        many.reset()
        found = discover(connection)
        told.append((
            many.requests(),
            found.requests,
            [(each.name, each.guess.settings["format"]) for each in found.found],
        ))  # fmt: skip

    assert told[0][2] == [
        ("lake/delta", "delta"),
        ("raw/dated", "csv"),
        ("raw/flat", "parquet"),
        ("raw/hive", "parquet"),
    ]
    assert all(each == told[0] for each in told)
    assert told[0][1] < 100
