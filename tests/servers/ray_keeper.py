"""``python -m tests.servers.ray_keeper folder``: a Ray cluster on loopback for the length of a test run."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from s3_assets.engines.ray.cluster import connected
from s3_assets.engines.ray.settings import RaySettings
from s3_assets.errors import S3AssetsError
from tests.servers.run_folder import keep

KEY, SECRET = "TESTS_LAKE_KEY", "TESTS_LAKE_SECRET"
"""The variables in which workers find the keys of the embedded server, and nobody else."""


def start() -> Mapping[str, Any]:
    """Start it as the engine starts a local one; workers have the environment of this process."""
    os.environ.update({KEY: "test", SECRET: "test", "AWS_EC2_METADATA_DISABLED": "true"})
    try:
        ray = connected(RaySettings())
    except S3AssetsError as error:
        raise RuntimeError(str(error)) from error
    context = ray.get_runtime_context()
    return {
        "address": context.gcs_address,
        "session": str(Path(context.get_temp_dir()) / context.get_session_name()),
    }


def stop() -> None:
    """Stop all of it."""
    import ray

    ray.shutdown()


if __name__ == "__main__":
    keep(Path(sys.argv[1]), start, stop)
