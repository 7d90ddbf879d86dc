"""A cluster that is not there, and one that nobody else reaches."""

import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from s3_assets.engines.ray.leftovers import end_leftovers, started
from tests.distributed.listening import family, listening
from tests.servers.ray_keeper import RayCluster

PROGRAM = """
import sys
from s3_assets.engines.ray.cluster import connected
from s3_assets.engines.ray.settings import RaySettings
from s3_assets.errors import UnreachableError

try:
    connected(RaySettings(address=sys.argv[1]))
except UnreachableError as error:
    print(error)
"""


def test_an_address_where_nobody_listens_is_told_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"

    # A process of its own: this one may have joined the cluster of the tests, and stays with it.
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, address], capture_output=True, text=True, check=False, timeout=60
    )

    assert done.returncode == 0, done.stderr
    assert f"nobody answers at the Ray cluster's address, {address}" in done.stdout
    assert "RAY_ADDRESS" in done.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone tells who listens in files.")
def test_a_local_cluster_listens_on_loopback_alone(ray_cluster: RayCluster) -> None:
    """The one of the tests is started as every local one is."""
    found = listening(family(ray_cluster.pid))

    assert {"gcs_server", "raylet"} <= {each.program for each in found}
    assert not [each for each in found if not each.address.is_loopback]


def test_what_a_start_that_failed_left_behind_is_ended(joined_ray: Any) -> None:
    """Ray's own programs alone, and those of this start alone."""
    ray = joined_ray
    sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
    of_ray = [*sleep, str(Path(ray.__file__).with_name("gcs_server"))]
    with subprocess.Popen(of_ray) as earlier, subprocess.Popen(sleep) as other:
        before = started(ray)
        with subprocess.Popen(of_ray) as left:
            end_leftovers(ray, before)

            assert left.wait(timeout=10) is not None
            assert [earlier.poll(), other.poll()] == [None, None]
        earlier.kill()
        other.kill()
    assert earlier.pid in before
    assert other.pid not in before
