"""A mirror whose workers, or whose own process, are killed: the next run leaves what has to be there."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from s3_assets.engines.ray.engine import RayEngine
from s3_assets.incremental.mirror import mirror
from tests.distributed import mirror_child
from tests.distributed.deadly import Deadly
from tests.distributed.ground import Ground
from tests.distributed.readers import read_delta
from tests.distributed.test_mirror import KEYS, Rows, expected, first, folder, put, second
from tests.support.crash import Crasher
from tests.support.extent import EVERYTHING
from tests.support.proxy import RequestProxy
from tests.support.proxy_state import WRITES
from tests.support.zygote import Zygote

pytestmark = pytest.mark.timeout(1800 if EVERYTHING else 600)
RUN_SECONDS = 300.0


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    with Zygote(("polars", "deltalake", "obstore", "pyarrow.parquet", "botocore.session")) as zygote:
        yield zygote


def require(ground: Ground, name: str, rows: Rows) -> None:
    """The target has these rows, each once."""
    found = sorted(read_delta(ground, name).to_dicts(), key=lambda each: each["at"])
    assert found == expected(rows)


def test_rows_are_brought_together_once_more_where_a_worker_was_killed(
    ground: Ground, engine: RayEngine, tmp_path: Path
) -> None:
    put(ground, first())
    target = ground.table("delta", "target")

    mirror(target, "rows", folder(ground), keys=KEYS, transform=Deadly.times(tmp_path, 1), engine=engine)

    assert not list(tmp_path.iterdir())
    require(ground, "target", first())


def test_a_mirror_that_is_killed_is_made_good_by_the_next(
    ground: Ground, engine: RayEngine, proxy: RequestProxy, zygote: Zygote
) -> None:
    """The run that finds changes is killed behind its last write; with EVERYTHING=1, behind each of them."""
    given: dict[str, Any] = {"bucket": ground.bucket, "address": engine.settings.address}
    crasher = Crasher(proxy, zygote, mirror_child.run, RUN_SECONDS)

    def check(arguments: dict[str, Any]) -> None:
        require(ground, arguments["path"], second())

    def made(name: str) -> dict[str, Any]:
        put(ground, first())
        mirror(ground.table("delta", name), "stream", folder(ground), keys=KEYS)
        put(ground, second())
        return {**given, "endpoint": proxy.endpoint, "path": f"{name}/"}

    undisturbed = made("undisturbed")
    assert crasher.run(undisturbed).succeeded
    writes = sum(each.method in WRITES for each in proxy.requests())
    check(undisturbed)
    for k in range(1 if EVERYTHING else writes, writes + 1):
        crash = crasher.crash("kill_after", k, made(f"killed-{k}"), check, repair_runs=1)

        assert crash.ending == "killed", str(crash)
