"""``python -m tests.servers.gateway_keeper folder``: a Ceph gateway for the length of a test run."""

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.servers.certificates import Authority
from tests.servers.programs import free_port
from tests.servers.run_folder import keep

ATTEMPTS = 3
HERE = Path(__file__).parent


def start(folder: Path) -> Mapping[str, Any]:
    """Start the gateway below the folder; says where it is and who may administer it."""
    authority = Authority.create(folder / "authority")
    authority.server("tls")
    keys = {"key_id": f"ADMIN{secrets.token_hex(7).upper()}", "secret": secrets.token_hex(20)}
    port, tls_port, cluster = _start_on_free_ports(folder, keys, ATTEMPTS)
    return {
        "endpoint": f"http://127.0.0.1:{port}",
        "tls_endpoint": f"https://localhost:{tls_port}",
        "ca_file": str(authority.ca_file),
        "admin": keys,
        "log": str(cluster / "log" / "client.rgw.0.log"),
    }


def _start_on_free_ports(folder: Path, keys: Mapping[str, str], attempts: int) -> tuple[int, int, Path]:
    cluster = folder / f"cluster-{attempts}"
    cluster.mkdir()
    for name in ("tls.crt", "tls.key"):
        (cluster / name).symlink_to(folder / "authority" / name)
    port, tls_port = free_port(), free_port()
    done = _script(
        "gateway_up.sh",
        cluster,
        GATEWAY_PORT=str(port),
        GATEWAY_TLS_PORT=str(tls_port),
        GATEWAY_MONITOR_PORT=str(free_port()),
        GATEWAY_KEY=keys["key_id"],
        GATEWAY_SECRET=keys["secret"],
    )
    if done.returncode == 0:
        return port, tls_port, cluster
    _script("gateway_down.sh", cluster)
    if attempts == 1:
        raise RuntimeError(done.stderr)
    # A port may have been taken a moment after it was free.
    sys.stderr.write(f"{cluster.name}: {done.stderr}\n")
    shutil.rmtree(cluster)
    return _start_on_free_ports(folder, keys, attempts - 1)


def stop(folder: Path) -> None:
    """Stop whatever runs below the folder."""
    for cluster in folder.glob("cluster-*"):
        _script("gateway_down.sh", cluster)


def _script(name: str, cluster: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    with (cluster / "script.log").open("a+") as log:
        done = subprocess.run(
            ["/usr/bin/env", "bash", str(HERE / name)],
            env={**os.environ, "GATEWAY_DIR": str(cluster), **variables},
            stdin=subprocess.DEVNULL,
            # Not a pipe: the daemons would hold its other end for as long as they live.
            stdout=log,
            stderr=log,
            text=True,
            timeout=300,
            check=False,
        )
        log.seek(0)
        return subprocess.CompletedProcess(done.args, done.returncode, "", log.read())


if __name__ == "__main__":
    here = Path(sys.argv[1])
    keep(here, lambda: start(here), lambda: stop(here))
