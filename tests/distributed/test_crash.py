"""A run that is killed, at each request of it or of its workers: the next one makes it good."""

from collections.abc import Iterator
from typing import Any

import pytest
from deltalake import DeltaTable

from s3_assets.engines.ray.settings import RaySettings
from tests.distributed import crash_child
from tests.distributed.ground import FILE_ROWS, Ground
from tests.support.crash import KillVariant, crash_matrix
from tests.support.extent import EVERYTHING
from tests.support.proxy import RequestProxy
from tests.support.zygote import Zygote

pytestmark = pytest.mark.timeout(3600 if EVERYTHING else 600)
MODULES = ("polars", "deltalake", "obstore", "pyarrow.parquet", "botocore.session")
# One crash amid the parts, and the last one; each costs a process that joins the cluster twice.
EVERY = 1 if EVERYTHING else 14


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    with Zygote(MODULES) as zygote:
        yield zygote


@pytest.mark.parametrize("variant", ["kill_before", "kill_after"])
def test_the_next_run_makes_it_good(
    variant: KillVariant, ground: Ground, settings: RaySettings, proxy: RequestProxy, zygote: Zygote
) -> None:
    ground.add(3)
    given: dict[str, Any] = {
        "endpoint": proxy.endpoint,
        "bucket": ground.bucket,
        "address": settings.address,
    }

    def check(arguments: dict[str, Any]) -> None:
        where = f"s3://{ground.bucket}/{arguments['path']}"
        handle = DeltaTable(where, storage_options=ground.options)
        found = sorted(number for batch in handle.scan() for number in batch.column("number").to_pylist())
        assert found == list(range(3 * FILE_ROWS))
        assert handle.version() == 1

    report = crash_matrix(
        proxy,
        zygote,
        crash_child.run,
        given,
        lambda label: {"path": f"{label}/"},
        check,
        variants=[variant],
        every=EVERY,
    )

    print(report.summary())  # noqa: T201 - the number of k's is the result
    assert not report.failures, report.summary()
    assert report.killed(variant)
