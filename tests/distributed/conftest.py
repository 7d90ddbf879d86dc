"""An engine that cuts work for the run's Ray cluster as small as files allow, and a bucket to work on."""

from typing import Any

import pytest

from s3_assets.embedded.server import EmbeddedServer
from s3_assets.engines.ray.engine import RayEngine
from s3_assets.engines.ray.settings import RaySettings
from tests.distributed.ground import Ground
from tests.servers.ray_keeper import RayCluster


@pytest.fixture(scope="session")
def settings(ray_cluster: RayCluster) -> RaySettings:
    """A slice for each file."""
    return RaySettings(address=ray_cluster.address, slice_bytes=1)


@pytest.fixture
def engine(settings: RaySettings, joined_ray: Any) -> RayEngine:
    """Workers of the cluster."""
    del joined_ray
    return RayEngine(settings)


@pytest.fixture
def ground(s3_server: EmbeddedServer, s3_client: Any, ray_keys: None) -> Ground:
    """A fresh bucket; this process finds its keys where workers find theirs."""
    del ray_keys
    return Ground(s3_server.endpoint_url, s3_client)
