"""A worker that is killed behind what it wrote: the rows are there once, and nothing else is."""

from pathlib import Path

import pytest
from deltalake import DeltaTable

from s3_assets.engines.ray.engine import RayEngine
from s3_assets.errors import WorkerLostError
from s3_assets.incremental.append import append_new
from tests.distributed.deadly import Deadly
from tests.distributed.ground import FILE_ROWS, Ground, row


def test_another_worker_takes_its_place(ground: Ground, engine: RayEngine, tmp_path: Path) -> None:
    ground.add(3)
    target = ground.table("delta", "target")

    outcome = append_new(target, "rows", ground.landed(), transform=Deadly.times(tmp_path, 2), engine=engine)

    assert not list(tmp_path.iterdir())
    assert outcome.rows == 3 * FILE_ROWS
    handle = DeltaTable(f"s3://{ground.bucket}/target", storage_options=ground.options)
    found = sorted(number for batch in handle.scan() for number in batch.column("id").to_pylist())
    assert found == [row(number)["id"] for number in ground.numbers]
    listed = {key for key in ground.keys("target/") if not key.startswith("_")}
    assert listed == {uri.rpartition("/")[2] for uri in handle.file_uris()}


def test_a_slice_whose_workers_are_lost_again_and_again_ends_the_run(
    ground: Ground, engine: RayEngine, tmp_path: Path
) -> None:
    ground.add(1)
    target = ground.table("delta", "target")
    patient = RayEngine(engine.settings.model_copy(update={"retries": 1}))
    deadly = Deadly.times(tmp_path, 2)

    with pytest.raises(WorkerLostError, match="lost 2 times"):
        append_new(target, "rows", ground.landed(), transform=deadly, engine=patient)

    assert target.scan().collect().is_empty()
    assert append_new(target, "rows", ground.landed(), transform=deadly, engine=patient).rows == FILE_ROWS
