"""A cluster that has no worker for a run: the run waits for as long as it may, and says so."""

import pytest

from s3_assets.engines.ray.engine import RayEngine
from s3_assets.errors import WorkersBusyError
from tests.distributed.ground import FILE_ROWS, Ground


def test_a_run_that_no_worker_becomes_free_for_ends(ground: Ground, engine: RayEngine) -> None:
    """More CPUs than a machine has are never free, as if others held them for ever."""
    ground.add(2)
    target = ground.table("delta", "target")
    asked = {"cpus": 1_000.0, "memory": 10**9, "wait_seconds": 0.5}
    greedy = RayEngine(engine.settings.model_copy(update=asked))

    with pytest.raises(WorkersBusyError, match=r"ray\.wait_seconds") as busy:
        ground.import_(ground.landed(), target, greedy).run()

    assert "a slice takes 1000 CPUs" in str(busy.value)
    assert "and 1.0 GB of memory" in str(busy.value)
    assert ground.import_(ground.landed(), target, engine).run().rows == 2 * FILE_ROWS
