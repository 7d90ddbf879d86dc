"""Crash a mirror at every request, run it again: the target equals its source, as a foreign reader sees it.

Every write of a second run is crashed behind, in two of the cases; with EVERYTHING=1 in the environment
crashes before each request are tried as well, first runs, and every pair of source and target.
"""

from collections.abc import Callable
from typing import Any

import pytest

from s3_assets.embedded.server import EmbeddedServer
from tests.incremental import mirror_work
from tests.incremental.ground import put_all
from tests.incremental.mirror_ground import MirrorGround, state
from tests.support.crash import KillVariant, Report, crash_matrix
from tests.support.extent import EVERYTHING
from tests.support.proxy import RequestProxy
from tests.support.zygote import Zygote

pytestmark = pytest.mark.timeout(900)
VARIANTS = pytest.mark.parametrize("variant", ["kill_after", *(["kill_before"] if EVERYTHING else [])])
PAIRS = (
    [(source, target) for source in ("delta", "parquet") for target in ("delta", "iceberg")]
    if EVERYTHING
    else [("delta", "iceberg"), ("parquet", "delta")]
)
RUNS = ["first", "second"] if EVERYTHING else ["second"]


@pytest.fixture(params=PAIRS, ids=[f"{source}-to-{target}" for source, target in PAIRS])
def pair(request: pytest.FixtureRequest) -> tuple[str, str]:
    found: tuple[str, str] = request.param
    return found


@pytest.fixture
def ground(s3_server: EmbeddedServer, s3_client: Any, pair: tuple[str, str]) -> MirrorGround:
    ground = MirrorGround(s3_server.endpoint_url, s3_client, pair[0])
    ground.make_sources()
    return ground


@pytest.mark.parametrize("run", RUNS)
@VARIANTS
def test_a_mirror(
    variant: KillVariant,
    run: str,
    pair: tuple[str, str],
    ground: MirrorGround,
    proxy: RequestProxy,
    zygote: Zygote,
    record_property: Callable[[str, object], None],
) -> None:
    """The first writes all rows, the second finds updates, deletes, new keys and a row with another key."""
    iceberg = pair[1] == "iceberg"
    direct: dict[str, Any] = {
        "endpoint": ground.endpoint,
        "bucket": ground.bucket,
        "format_": pair[0],
        "iceberg": iceberg,
    }
    waves = 1 if run == "first" else 2
    template: dict[str, bytes] = {}
    if run == "second":
        ground.restore({})
        mirror_work.run(**direct, source_bucket=ground.source(1), prefix="table/")
        template = ground.taken()

    def prepare(label: str) -> dict[str, Any]:
        if iceberg:
            ground.restore(template)
            return {"prefix": None}
        put_all(ground.store(), f"{label}/", template)
        return {"prefix": f"{label}/"}

    def check(given: dict[str, Any]) -> None:
        prefix = given["prefix"]

        def found() -> Any:
            return ground.read_iceberg() if iceberg else ground.read_delta(prefix)

        assert found() == state(waves)
        # The next changes make the next success.
        outcome = mirror_work.run(**direct, source_bucket=ground.source(waves + 1), prefix=prefix)
        assert not outcome["nothing_new"]
        assert found() == state(waves + 1)
        ground.end_marks("table/" if iceberg else prefix)
        if iceberg:
            ground.require_clean_iceberg()
        else:
            ground.require_clean_delta(prefix)

    report: Report = crash_matrix(
        proxy,
        zygote,
        mirror_work.run,
        {**direct, "endpoint": proxy.endpoint, "source_bucket": ground.source(waves)},
        prepare,
        check,
        variants=[variant],
        every=1 if EVERYTHING else 3,
    )

    name = f"{run} mirror from {pair[0]} to {pair[1]}"
    print(f"{name}: {report.summary()}")  # noqa: T201 - the number of k's is the result
    record_property(name, report.summary())
    assert not report.failures, report.summary()
    assert report.killed(variant)
