"""`deploy/run.py` for real: all processes, a run through queue, daemon and code server, its output on S3."""

import json
import signal
import subprocess
import sys
import time
import urllib.request
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from s3_assets.embedded.demo_landing import Landing
from s3_assets.embedded.server import EmbeddedServer
from tests.production.files import CLONE
from tests.servers.programs import free_port, need
from tests.support.extent import EVERYTHING

pytestmark = [
    pytest.mark.skipif(not EVERYTHING, reason="six processes, half a minute: EVERYTHING=1"),
    pytest.mark.timeout(600),
]
LAUNCH = """
mutation { launchRun(executionParams: {
  selector: {repositoryLocationName: "s3_assets", repositoryName: "__repository__", jobName: "__ASSET_JOB",
             assetSelection: [{path: ["copies", "events"]}]}, mode: "default"
}) { __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }
"""


def ask(port: int, query: str) -> Any:
    body = json.dumps({"query": query}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)["data"]


def test_a_run_from_the_ui_to_s3(tmp_path: Path) -> None:
    need("pg_ctlcluster")
    tmp_path.chmod(0o755)
    for above in tmp_path.parents[:2]:
        # PostgreSQL works as another user below them.
        above.chmod(0o755)
    shared = {"connection": "shop", "format": "parquet"}
    registry = {
        "connections": {
            "shop": {
                "url": "s3://shop/",
                "endpoint": {"env": "S3_ASSETS_DEMO_ENDPOINT"},
                "auth": {"type": "access_key", "access_key_id": "test", "secret_access_key": "test"},
            }
        },
        "tables": {
            "landing/events": {**shared, "path": "landing/events"},
            "copies/events": {**shared, "format": "delta", "path": "copies/events"},
        },
        "imports": {"events": {"source": "landing/events", "target": "copies/events"}},
    }
    (tmp_path / "s3_assets.yaml").write_text(yaml.safe_dump(registry))
    port, folder = free_port(), tmp_path / "all"
    with EmbeddedServer(folder / "s3") as server:
        landing, logs = (Landing(server.endpoint_url, name) for name in ("shop", "dagster-logs"))
        landing.make_bucket()
        body = BytesIO()
        pl.DataFrame({"id": range(3)}).write_parquet(body)
        landing.put("landing/events/1.parquet", body.getvalue())
        command = [sys.executable, "deploy/run.py", "--folder", str(folder), "--port", str(port)]
        with subprocess.Popen(
            [*command, "--registry", str(tmp_path / "s3_assets.yaml")],
            cwd=CLONE,
            stdout=subprocess.PIPE,
            text=True,
        ) as program:
            try:
                assert program.stdout is not None
                assert program.stdout.readline().startswith(f"http://127.0.0.1:{port} ")
                run = ask(port, LAUNCH)["launchRun"]["run"]["runId"]
                status = ""
                while status not in {"SUCCESS", "FAILURE"}:
                    time.sleep(1)
                    status = ask(port, f'{{ runOrError(runId: "{run}") {{ ... on Run {{ status }} }} }}')[
                        "runOrError"
                    ]["status"]
            finally:
                program.send_signal(signal.SIGTERM)

        assert status == "SUCCESS"
        assert program.returncode == 0
        assert any(f"/{run}/" in key for key in logs.sizes("compute-logs/"))
        assert any(key.endswith(".parquet") for key in landing.sizes("copies/events/"))
