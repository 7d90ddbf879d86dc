"""``python -m tests.servers.ray_keeper folder``: a Ray cluster on loopback for the length of a test run."""

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from tests.servers.run_folder import keep

KEY, SECRET = "LAKE_KEY", "LAKE_SECRET"
KEYS = {KEY: "TESTSLAKEKEY00000001", SECRET: "secret/of/the/tests/lake/0123456789abcdef"}
"""The variables in which workers find keys: the embedded server takes any, and these can be hunted."""

# Each is three starts. Beside other tests Ray's parts may give up on each other several times.
_ROUNDS = 4


class RayCluster(NamedTuple):
    """A cluster that runs: where it is reached, the folder of its logs, and the process that started it."""

    address: str
    session: str
    pid: int


def start() -> Mapping[str, Any]:
    """Start it as the engine starts a local one; workers have the environment of this process."""
    from s3_assets.engines.ray.cluster import connected
    from s3_assets.engines.ray.settings import RaySettings
    from s3_assets.errors import S3AssetsError

    os.environ.update({**KEYS, "AWS_EC2_METADATA_DISABLED": "true"})
    for _ in range(_ROUNDS - 1):
        with suppress(S3AssetsError):
            connected(RaySettings())
            break
    try:
        ray = connected(RaySettings())
    except S3AssetsError as error:
        raise RuntimeError(str(error)) from error
    context = ray.get_runtime_context()
    return {
        "address": context.gcs_address,
        "session": str(Path(context.get_temp_dir()) / context.get_session_name()),
        "pid": os.getpid(),
    }


def stop() -> None:
    """Stop all of it."""
    import ray

    ray.shutdown()


if __name__ == "__main__":
    keep(Path(sys.argv[1]), start, stop)
