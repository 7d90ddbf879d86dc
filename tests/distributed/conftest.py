"""One Ray cluster for the whole run, and an engine that cuts work for it as small as files allow."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from s3_assets.embedded.server import EmbeddedServer
from s3_assets.engines.ray.cluster import connected
from s3_assets.engines.ray.engine import RayEngine
from s3_assets.engines.ray.settings import RaySettings
from tests.distributed.ground import Ground
from tests.servers.ray_keeper import KEY, SECRET
from tests.servers.run_folder import shared_server


class Cluster(NamedTuple):
    """A cluster that runs: where it is reached, and where its logs are."""

    address: str
    session: Path


@pytest.fixture(scope="session")
def cluster(run_folder: Path) -> Cluster:
    """The one Ray cluster of the run; the first test that needs it starts it, in some ten seconds."""
    told = shared_server(run_folder, "ray", "tests.servers.ray_keeper", deadline=300)
    return Cluster(told["address"], Path(told["session"]))


@pytest.fixture(scope="session")
def settings(cluster: Cluster) -> RaySettings:
    """A slice for each file."""
    return RaySettings(address=cluster.address, slice_bytes=1)


@pytest.fixture(scope="session")
def joined(settings: RaySettings) -> Iterator[Any]:
    """Ray, as this process has joined it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "token")
        ray = connected(settings)
        yield ray
        ray.shutdown()


@pytest.fixture
def engine(settings: RaySettings, joined: Any) -> RayEngine:
    """Workers of the cluster; a process joins it once."""
    del joined
    return RayEngine(settings)


@pytest.fixture
def ground(s3_server: EmbeddedServer, s3_client: Any, monkeypatch: pytest.MonkeyPatch) -> Ground:
    """A fresh bucket with rows in it; this process finds its keys where workers find theirs."""
    monkeypatch.setenv(KEY, "test")
    monkeypatch.setenv(SECRET, "test")
    return Ground(s3_server.endpoint_url, s3_client)
