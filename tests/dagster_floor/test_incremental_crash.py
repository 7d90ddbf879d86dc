"""Crash a run of partitions with two incremental inputs, run it again: each row of both is there once.

Each write leaves another state behind: an ordinary run is killed behind some, with EVERYTHING=1 at each
request.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

import deltalake
import polars as pl
import pytest

from s3_assets.embedded.server import EmbeddedServer
from tests.dagster_floor import crashing
from tests.incremental.ground import Ground, get_all, put_all
from tests.support.crash import KillVariant, crash_matrix
from tests.support.extent import EVERYTHING
from tests.support.proxy import RequestProxy
from tests.support.zygote import Zygote

DAYS = ["2026-01-01", "2026-01-02"]
MODULES = ("dagster", "polars", "deltalake", "obstore.store", "pyarrow.parquet", "botocore.session")


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    with Zygote((*MODULES, "s3_assets.tables.delta_writer", "tests.dagster_floor.crashing")) as zygote:
        yield zygote


class Sources:
    """Two sources beside the targets, with a row for each day in each wave."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.count = 0

    def grow(self) -> None:
        for number, day in enumerate(DAYS):
            frame = pl.DataFrame({"id": [self.count + number], "date": [date.fromisoformat(day)]})
            deltalake.write_deltalake(
                f"s3://{self.ground.bucket}/sources/delta",
                frame,
                mode="append",
                partition_by=["date"],
                storage_options=self.ground.options,
            )
            frame.select(pl.col("id") + 1000).write_parquet(
                f"s3://{self.ground.bucket}/sources/files/date={day}/{self.count}.parquet",
                storage_options=self.ground.options,
            )
        self.count += len(DAYS)

    def rows(self) -> list[tuple[int, date]]:
        numbers = range(self.count)
        days = [date.fromisoformat(day) for day in DAYS]
        return sorted((number + more, days[number % len(DAYS)]) for number in numbers for more in (0, 1000))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("variant", ["kill_after", *(["kill_before"] if EVERYTHING else [])])
def test_each_row_comes_once(
    variant: KillVariant,
    s3_server: EmbeddedServer,
    s3_client: Any,
    proxy: RequestProxy,
    zygote: Zygote,
    record_property: Callable[[str, object], None],
) -> None:
    ground = Ground(s3_server.endpoint_url, s3_client)
    sources = Sources(ground)
    given: dict[str, Any] = {"bucket": ground.bucket, "format_": "delta", "days": DAYS}
    sources.grow()
    crashing.run(endpoint=ground.endpoint, prefix="template/", **given)
    template = get_all(ground.store(), "template/")
    sources.grow()

    def prepare(label: str) -> dict[str, Any]:
        put_all(ground.store(), f"{label}/", template)
        return {"prefix": f"{label}/"}

    def check(arguments: Mapping[str, Any]) -> None:
        table = ground.handle(arguments["prefix"])
        found = pl.DataFrame(table.to_pyarrow_table()).select("id", "date")
        assert sorted(found.rows()) == sources.rows()

    report = crash_matrix(
        proxy,
        zygote,
        crashing.run,
        {**given, "endpoint": proxy.endpoint},
        prepare,
        check,
        variants=[variant],
        every=1 if EVERYTHING else 30,
    )
    record_property("crashes", report.summary())
    print(f"two inputs of a range: {report.summary()}")  # noqa: T201 - the number of k's is the result
    assert not report.failures, report.summary()
    assert report.killed(variant)
