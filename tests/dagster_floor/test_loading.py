"""Definitions are loaded without the network, without engines, and by the thousand."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).parents[2]
HEAVY = ("polars", "deltalake", "boto3", "botocore", "obstore", "pyarrow")
# Runs in a process of its own, in which nothing is imported yet and nobody may call.
LOADS = """
import json, resource, socket, sys, time

calls = []

def refuse(*arguments, **options):
    calls.append(str(arguments[1:]))
    raise OSError("no network while definitions are loaded")

socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse

def figures():
    # Not the peak of resource: a process that was started by a larger one inherits that one's.
    with open("/proc/self/status") as lines:
        peak = next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)
    return time.perf_counter(), peak / 1024

import dagster
started, before = figures()
from s3_assets.definitions import defs
loaded, _ = figures()
defs.get_repository_def()
graph = defs.resolve_asset_graph()
ended, after = figures()
print(json.dumps({
    "assets": len(graph.get_all_asset_keys()),
    "materializable": len(graph.materializable_asset_keys),
    "sensors": len(defs.sensors or ()),
    "calls": calls,
    "heavy": [name for name in HEAVY if name in sys.modules],
    "seconds": loaded - started,
    "resolve_seconds": ended - loaded,
    "megabytes": after,
    "dagster_megabytes": before,
}))
""".replace("HEAVY", repr(HEAVY))


def load(folder: Path, registry: dict[str, Any]) -> dict[str, Any]:
    """Load a registry's definitions in a fresh process; warnings are errors there, too."""
    file = folder / "s3_assets.yaml"
    file.write_text(yaml.safe_dump(registry))
    environment = {**os.environ, "S3_ASSETS_REGISTRY": str(file), "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", LOADS],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def registry(count: int, connections: int = 4) -> dict[str, Any]:
    """As many sources, and an import of each and an export of its target; every other one by partitions."""
    tables: dict[str, Any] = {}
    for number in range(count):
        shared = {
            "connection": f"lake{number % connections}",
            "partitions": {"column": "date", "start": "2026-01-01"},
        }
        tables[f"landing/t{number}"] = {**shared, "format": "parquet", "path": f"landing/t{number}"}
        tables[f"lake/t{number}"] = {**shared, "format": "delta", "path": f"lake/t{number}"}
    auth = {"type": "access_key", "access_key_id": "test", "secret_access_key": {"env": "NOT_SET"}}
    return {
        "connections": {
            f"lake{number}": {"url": f"s3://bucket{number}/", "endpoint": "http://127.0.0.1:1", "auth": auth}
            for number in range(connections)
        },
        "tables": tables,
        "imports": {
            f"t{number}": {
                "source": f"landing/t{number}",
                "target": f"lake/t{number}",
                "mode": "replace" if number % 2 else "append",
            }
            for number in range(count)
        },
        "exports": {
            f"out/t{number}": {
                "source": f"lake/t{number}",
                "connection": f"lake{number % connections}",
                "path_prefix": "out",
                "format": "csv.gz",
                "mode": "partitions" if number % 2 else "incremental",
            }
            for number in range(count)
        },
    }


def test_no_network_and_no_engine(tmp_path: Path) -> None:
    found = load(tmp_path, registry(2))

    assert found["calls"] == []
    assert found["heavy"] == []
    assert found["assets"] == 6


def test_a_thousand_tables(tmp_path: Path) -> None:
    found = load(tmp_path, registry(500))

    print(  # noqa: T201 - the figures are what the test is for; `pytest -rP` shows them
        f"1,000 tables, 500 imports, 500 exports: definitions in {found['seconds']:.2f} s, resolved in "
        f"{found['resolve_seconds']:.2f} s more; peak {found['megabytes']:.0f} MB, of which Dagster alone "
        f"{found['dagster_megabytes']:.0f} MB"
    )
    assert found["calls"] == []
    assert found["assets"] == 1500
    assert found["materializable"] == 1000
    assert found["sensors"] == 4


def test_code_beside_the_registry_joins(tmp_path: Path) -> None:
    (tmp_path / "assets.py").write_text(
        "import dagster as dg\n\n@dg.asset(key=['marts', 'mine'])\ndef mine() -> None:\n    pass\n"
    )
    found = load(tmp_path, {**registry(1), "code": ["assets.py"]})

    assert found["assets"] == 4
