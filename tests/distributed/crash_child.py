"""What the children of the zygote do: one append on the cluster."""

import os
from typing import Any

from s3_assets.engines.ray.engine import RayEngine
from s3_assets.engines.ray.settings import RaySettings
from s3_assets.movement.imports import Import, ImportMode
from s3_assets.tables.open import open_table
from s3_assets.tables.settings import DeltaSettings, ParquetSettings
from tests.distributed.ground import FILTERS, PARTITIONS, PLACEMENT, lake
from tests.servers.ray_keeper import KEYS


def run(endpoint: str, bucket: str, address: str, path: str) -> dict[str, Any]:
    """Append what is new of `landed/`, filtered and placed, to a Delta table; say what happened."""
    os.environ.update({**KEYS, "RAY_AUTH_MODE": "token"})
    where = lake(endpoint, bucket)
    target = DeltaSettings(connection="lake", path=path, partitions=PARTITIONS)
    done = Import(
        "rows",
        open_table("landed", ParquetSettings(connection="lake", path="landed/"), where),
        open_table("rows", target, where),
        ImportMode.APPEND,
        FILTERS,
        PLACEMENT,
        engine=RayEngine(RaySettings(address=address, slice_bytes=1)),
    ).run()
    return {"rows": done.rows}
