"""A cluster that is not there."""

import socket
import subprocess
import sys

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
