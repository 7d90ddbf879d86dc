"""Run production on this machine without containers: PostgreSQL, code server, webserver, daemon as processes.

    python deploy/run.py --registry s3_assets.yaml --folder /var/lib/s3-assets

Dagster's files are those of this folder. PostgreSQL comes from Debian's packages (apt-get install postgresql)
and keeps its data below the folder; with DAGSTER_POSTGRES_HOST in the environment, yours is used. Without
S3_ASSETS_LOGS_BUCKET, the embedded S3 server keeps the compute logs, and serves the demo's registry. Ctrl-C
stops what was started; the next start goes on with the same data.
"""

import argparse
import os
import signal
import socket
import sys
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from deploy.postgresql import Postgresql  # noqa: E402 - the line above makes it importable
from deploy.processes import HOST, Dagster  # noqa: E402 - the same
from s3_assets.embedded.demo_landing import Landing  # noqa: E402 - the same
from s3_assets.embedded.server import (  # noqa: E402 - the same
    ACCESS_KEY_ID,
    REGION,
    SECRET_ACCESS_KEY,
    EmbeddedServer,
)

LOGS = "dagster-logs"


def main() -> None:
    """Start everything, wait for Ctrl-C or SIGTERM, stop everything."""
    options = _options()
    folder: Path = options.folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as running:
        variables = {"S3_ASSETS_REGISTRY": str(options.registry.absolute())}
        if "S3_ASSETS_LOGS_BUCKET" not in os.environ:
            variables |= embedded(running.enter_context(EmbeddedServer(folder / "s3")))
        if "DAGSTER_POSTGRES_HOST" not in os.environ:
            postgresql = Postgresql(folder / "postgresql", free_port())
            running.callback(postgresql.stop)
            postgresql.start()
            variables |= postgresql.variables
        dagster = Dagster(folder / "dagster", variables, (free_port(), options.port or free_port()))
        running.callback(dagster.stop)
        dagster.start()
        print(
            f"{dagster.address}   logs of the processes: {dagster.home}/*.log; Ctrl-C stops all", flush=True
        )
        _wait_for_the_end()


def embedded(server: EmbeddedServer) -> dict[str, str]:
    """Return how the AWS chain finds the embedded server, on which a bucket for the compute logs is made."""
    Landing(server.endpoint_url, LOGS).make_bucket()
    return {
        "S3_ASSETS_LOGS_BUCKET": LOGS,
        "S3_ASSETS_DEMO_ENDPOINT": server.endpoint_url,
        "AWS_ENDPOINT_URL_S3": server.endpoint_url,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
        "AWS_DEFAULT_REGION": REGION,
    }


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--registry", type=Path, default=Path("s3_assets.yaml"))
    parser.add_argument(
        "--folder", type=Path, default=Path(tempfile.gettempdir()) / "s3-assets-production", help="all data"
    )
    parser.add_argument("--port", type=int, default=3000, help="of the UI; 0 is a free one")
    return parser.parse_args()


def _wait_for_the_end() -> None:
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    ended.wait()


if __name__ == "__main__":
    main()
