"""A run that is killed, at each request of it or of its workers: the next one makes it good."""

from collections.abc import Iterator
from typing import Any

import pytest
from deltalake import DeltaTable

from s3_assets.engines.ray.settings import RaySettings
from tests.distributed import crash_child
from tests.distributed.ground import FILE_ROWS, Ground
from tests.support.crash import Crasher, crash_matrix
from tests.support.extent import EVERYTHING
from tests.support.proxy import RequestProxy
from tests.support.proxy_state import WRITES
from tests.support.zygote import Zygote

pytestmark = pytest.mark.timeout(3600 if EVERYTHING else 600)
MODULES = ("polars", "deltalake", "obstore", "pyarrow.parquet", "botocore.session")


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    with Zygote(MODULES) as zygote:
        yield zygote


def test_the_next_run_makes_it_good(
    ground: Ground, settings: RaySettings, proxy: RequestProxy, zygote: Zygote
) -> None:
    """Killed amid the writes of its workers; with EVERYTHING=1, at each request."""
    ground.add(3)
    crasher = Crasher(proxy, zygote, crash_child.run, 300)

    def given(label: str) -> dict[str, Any]:
        here = {"endpoint": proxy.endpoint, "bucket": ground.bucket, "address": settings.address}
        return {**here, "path": f"{label}/"}

    def check(arguments: dict[str, Any]) -> None:
        where = f"s3://{ground.bucket}/{arguments['path']}"
        handle = DeltaTable(where, storage_options=ground.options)
        found = sorted(number for batch in handle.scan() for number in batch.column("number").to_pylist())
        assert found == list(range(3 * FILE_ROWS))
        assert handle.version() == 1

    if EVERYTHING:
        report = crash_matrix(proxy, zygote, crash_child.run, {}, given, check, timeout=300)
        print(report.summary())  # noqa: T201 - the number of k's is the result
        assert not report.failures, report.summary()
        return
    assert crasher.run(given("undisturbed")).succeeded
    writes = sum(each.method in WRITES for each in proxy.requests())

    crash = crasher.crash("kill_after", writes // 2, given("killed"), check, repair_runs=1)

    assert crash.ending == "killed", str(crash)
