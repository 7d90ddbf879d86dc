"""PostgreSQL, S3 and the processes of Dagster as `deploy/` has them, and the ways to kill each of them."""

import json
import os
import signal
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.backfill_ground import Hourly
from benchmarks.ground import Ground
from deploy.postgresql import Postgresql
from deploy.processes import HOST, Dagster
from deploy.run import embedded, free_port
from s3_assets.embedded.server import EmbeddedServer

_CLONE = Path(__file__).parent.parent
_DOWN = 3.0
"""Seconds that what was killed is not there."""

_LAUNCH = """
mutation ($selection: [AssetKeyInput!], $partitions: [String!]) {
  launchPartitionBackfill(backfillParams: {assetSelection: $selection, partitionNames: $partitions}) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
  }
}
"""
_STATUS = """
{ assetNodes { assetKey { path } partitionStats { numMaterialized numFailed numPartitions } } }
"""


@dataclass(frozen=True)
class Seen:
    """What the database tells of the backfill."""

    backfill: str = ""
    runs: tuple[str, ...] = ()
    assets: int = 0


@dataclass(frozen=True)
class Place:
    """Everything that runs."""

    dagster: Dagster
    postgresql: Postgresql

    def ask(self, query: str, variables: Mapping[str, object] | None = None) -> dict[str, Any]:
        """Return what the webserver answers to a GraphQL query."""
        body = json.dumps({"query": query, "variables": variables or {}}).encode()
        request = urllib.request.Request(  # noqa: S310 - our own server
            f"{self.dagster.address}/graphql", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310 - our own server
            found = json.load(answer)
        if "errors" in found:
            raise RuntimeError(found["errors"])
        data: dict[str, Any] = found["data"]
        return data

    def launch(self, hourly: Hourly) -> None:
        """Ask for all partitions of all assets, as the UI does."""
        selection = [{"path": name.split("/")} for name in hourly.tables]
        answer = self.ask(_LAUNCH, {"selection": selection, "partitions": hourly.partitions})
        if answer["launchPartitionBackfill"]["__typename"] != "LaunchBackfillSuccess":
            raise RuntimeError(answer)

    def statistics(self) -> dict[str, dict[str, int]]:
        """Return what the UI shows of each asset's partitions."""
        return {
            "/".join(each["assetKey"]["path"]): each["partitionStats"]
            for each in self.ask(_STATUS)["assetNodes"]
        }

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Ask the database, past Dagster."""
        told = self.postgresql.variables
        with psycopg.connect(
            host=HOST,
            port=self.postgresql.port,
            dbname=told["DAGSTER_POSTGRES_DB"],
            user=told["DAGSTER_POSTGRES_USER"],
            password=self.postgresql.password,
        ) as connection:
            return connection.execute(statement.encode()).fetchall()

    def look(self) -> Seen:
        """Return how far the backfill is."""
        backfills = self.rows("SELECT status FROM bulk_actions")
        runs = self.rows("SELECT status FROM runs ORDER BY id")
        (assets,) = self.rows(
            "SELECT count(DISTINCT asset_key) FROM event_logs "
            "WHERE dagster_event_type = 'ASSET_MATERIALIZATION'"
        )
        return Seen(backfills[0][0] if backfills else "", tuple(each[0] for each in runs), assets[0])

    def kill_daemon(self) -> None:
        """Kill the daemon; start another a little later."""
        self.dagster.daemon.kill()
        time.sleep(_DOWN)
        self.dagster.daemon.start()

    def crash_postgresql(self) -> None:
        """Let the database end without any order, and recover a little later."""
        self.postgresql.crash()
        time.sleep(_DOWN)
        self.postgresql.start()

    def kill_run(self) -> None:
        """Kill the process in which the run works: a child of the code server."""
        os.kill(_workers(self.dagster.code.pid)[0], signal.SIGKILL)


@contextmanager
def running_place(assets: int, hours: int) -> Iterator[tuple[Hourly, Place]]:
    with ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="backfill-")))
        # PostgreSQL works as another user below it.
        folder.chmod(0o755)
        server = running.enter_context(EmbeddedServer(folder / "s3"))
        ground = Ground(server.endpoint_url)
        ground.make_bucket()
        hourly = Hourly(ground, assets // 2, hours)
        hourly.land()
        hourly.write_registry(folder / "s3_assets.yaml")
        postgresql = Postgresql(folder / "postgresql", free_port())
        running.callback(postgresql.stop)
        postgresql.start()
        variables = {
            **embedded(server),
            **postgresql.variables,
            **hourly.variables,
            "S3_ASSETS_REGISTRY": str(folder / "s3_assets.yaml"),
            "PYTHONPATH": str(_CLONE),
        }
        dagster = Dagster(folder / "dagster", variables, (free_port(), free_port()))
        running.callback(dagster.stop)
        dagster.start()
        yield hourly, Place(dagster, postgresql)


def _workers(parent: int) -> list[int]:
    """Return the processes in which the code server's runs work."""
    children = Path(f"/proc/{parent}/task").glob("*/children")
    numbers = [int(number) for path in children for number in path.read_text().split()]
    return [each for each in numbers if b"spawn_main" in Path(f"/proc/{each}/cmdline").read_bytes()]
