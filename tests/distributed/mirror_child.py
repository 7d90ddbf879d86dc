"""What the children of the zygote do: one mirror on the cluster."""

import os
from typing import Any

from s3_assets.connection import AccessKeyAuth, S3Connection, SecretReference
from s3_assets.engines.ray.engine import RayEngine
from s3_assets.engines.ray.settings import RaySettings
from s3_assets.incremental.mirror import mirror
from s3_assets.tables.open import open_table
from s3_assets.tables.settings import DeltaSettings, ParquetSettings
from tests.servers.ray_keeper import KEY, KEYS, SECRET

COLUMNS = ("id", "at", "code")


def run(endpoint: str, bucket: str, address: str, path: str) -> dict[str, Any]:
    """Mirror the folder `source/` into a Delta table; say what happened."""
    os.environ.update(KEYS)
    auth = AccessKeyAuth(
        access_key_id=SecretReference(env=KEY), secret_access_key=SecretReference(env=SECRET)
    )
    lake = S3Connection(name="lake", url=f"s3://{bucket}/", endpoint=endpoint, region="us-east-1", auth=auth)
    target = open_table("target", DeltaSettings(connection="lake", path=path), lake)
    source = open_table("source", ParquetSettings(connection="lake", path="source/"), lake)
    engine = RayEngine(RaySettings(address=address, slice_bytes=1))
    outcome = mirror(target, "stream", source, keys=COLUMNS, engine=engine)
    return {"nothing_new": outcome.written is None}
