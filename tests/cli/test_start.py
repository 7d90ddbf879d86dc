"""What a command loads and asks before it answers: the time from its start to its end is made of that."""

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import pytest

from tests.support.proxy import RequestProxy

# Runs the program, and tells what it has loaded.
PROBE = """
import sys
from s3_assets.cli.entry import answer
try:
    answer(sys.argv[1:])
finally:
    print(*sys.modules, sep="\\n", file=sys.stderr)
"""
ROWS = pl.DataFrame({"id": range(1_000), "name": [f"order {each}" for each in range(1_000)]})

ELSEWHERE = {"boto3", "dagster", "deltalake", "pyiceberg", "s3transfer", "s3_assets.registry"}
"""What commands on a URL have no use for."""
TABLES = {"polars", "pyarrow", "obstore", "s3_assets.tables.settings"}
TEXT = {"s3_assets.explore.texts", "s3_assets.tables.text_settings", "s3_assets.tables.text"}
ERRORS = {"s3_assets.connection.symptoms", "s3_assets.connection.redaction"}


class Started(NamedTuple):
    out: str
    modules: set[str]
    packages: set[str]
    """Those that are not Python's own."""


def started(folder: Path, *arguments: str) -> Started:
    variables = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "COLUMNS": "100"}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "COVERAGE"))}
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *arguments],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
        env={**kept, **variables},
    )
    modules = set(done.stderr.split())
    packages = {each.partition(".")[0] for each in modules} - sys.stdlib_module_names
    return Started(done.stdout, modules, packages)


def test_help_loads_nothing(tmp_path: Path) -> None:
    told = started(tmp_path, "preview", "--help")

    assert "Usage: s3-assets preview" in told.out
    assert {each for each in told.packages if not each.startswith(("_", "sitecustomize"))} == {"s3_assets"}


@pytest.mark.parametrize(
    ("command", "body", "needless", "requests"),
    [
        ("ls", b"id\n1\n", ELSEWHERE | TABLES | TEXT, ["list"]),
        ("head", b"id\n1\n", ELSEWHERE | TABLES, ["list", "read"]),
        (
            "preview",
            ROWS.write_parquet,
            {*ELSEWHERE, *TEXT, *ERRORS, "botocore", "pyarrow", "s3_assets.tables.folder_writer"},
            # Its kind, its footer, that once more for the rows' types, and its rows.
            ["list", "read", "read", "read", "read"],
        ),
        (
            "preview",
            ROWS.write_csv,
            {*ELSEWHERE, *ERRORS, "botocore", "s3_assets.tables.parquet"},
            # Its kind, and its rows, which its types are told from.
            ["list", "read", "read"],
        ),
    ],
    ids=["ls", "head", "preview Parquet", "preview CSV"],
)
def test_a_small_file_is_shown_without_what_is_not_needed(
    command: str,
    body: Any,
    needless: set[str],
    requests: list[str],
    tmp_path: Path,
    proxy: RequestProxy,
    bucket: str,
    s3_client: Any,
) -> None:
    if callable(body):
        file = io.BytesIO()
        body(file)
        body = file.getvalue()
    s3_client.put_object(Bucket=bucket, Key="orders/a", Body=body)
    reach = ("--endpoint", proxy.endpoint, "--region", "us-east-1")

    told = started(tmp_path, command, f"s3://{bucket}/orders/", *reach)

    assert needless & told.modules == set()
    asked = [(each.method, "list-type=2" in each.path) for each in proxy.requests()]
    assert ["list" if listed else {"GET": "read"}.get(how, how.lower()) for how, listed in asked] == requests
    assert "a" in told.out


# Loads the definitions of a registry, then runs an import of it; tells after each what is loaded.
RUN = """
import sys
from s3_assets.definitions import defs
print(*sys.modules)
from s3_assets.registry import load_registry
load_registry().import_("orders").run()
print(*sys.modules)
"""
REGISTRY = """
connections:
  lake:
    url: s3://{bucket}/
    endpoint: {endpoint}
    region: us-east-1
    auth: {{ type: access_key, access_key_id: test, secret_access_key: {{ env: LAKE_SECRET }} }}
tables:
  raw: {{ connection: lake, format: parquet, path: raw }}
  orders: {{ connection: lake, format: delta, path: orders }}
imports:
  orders: {{ source: raw, target: orders }}
"""
ENGINES = {"boto3", "botocore", "deltalake", "obstore", "polars", "pyarrow", "pyiceberg", "daft", "ray"}
OF_OTHERS = {
    "s3_assets.explore.discover",
    "s3_assets.exports.export",
    "s3_assets.exports.key_space",
    "s3_assets.incremental.mirror",
    "s3_assets.io_managers.exports",
    "s3_assets.media.run",
    "s3_assets.sensors.discovery",
    "s3_assets.sensors.queue",
}
"""What a registry with nothing but an import has no use for."""


def test_a_run_loads_what_it_needs_alone(
    tmp_path: Path, proxy: RequestProxy, bucket: str, s3_client: Any
) -> None:
    file = io.BytesIO()
    ROWS.write_parquet(file)
    s3_client.put_object(Bucket=bucket, Key="raw/a.parquet", Body=file.getvalue())
    registry = tmp_path / "s3_assets.yaml"
    registry.write_text(REGISTRY.format(bucket=bucket, endpoint=proxy.endpoint))
    done = subprocess.run(
        [sys.executable, "-c", RUN],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={**os.environ, "S3_ASSETS_REGISTRY": str(registry), "LAKE_SECRET": "test"},
    )

    definitions, run = (set(line.split()) for line in done.stdout.splitlines())
    assert (ENGINES | OF_OTHERS) & definitions == set()
    assert (OF_OTHERS | {"boto3", "s3transfer", "pyiceberg", "daft", "ray"}) & run == set()
    listings = [each for each in proxy.requests() if "list-type=2" in each.path and "prefix=raw" in each.path]
    assert len(listings) == 1
