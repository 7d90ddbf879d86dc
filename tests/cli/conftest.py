"""A registry in a folder of its own, and the commands run on it."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from s3_assets.embedded.server import EmbeddedServer

TEMPLATE = """\
connections:
  lake:
    url: s3://{bucket}/
    endpoint: {endpoint}
    region: us-east-1
    auth: {{ type: access_key, access_key_id: {key}, secret_access_key: {secret} }}
    transport: {{ max_retries: 0, connect_timeout: 5, read_timeout: 10 }}
tables:
  landing/orders:
    connection: lake
    path: landing/orders
    format: parquet
    partitions: &daily {{ column: date, start: 2026-01-05 }}
    description: As they come.
  landing/feed: {{ connection: lake, path: landing/feed, format: delta }}
  lake/orders:
    connection: lake
    path: lake/orders
    format: delta
    partitions: *daily
  lake/days: {{ connection: lake, path: lake/days, format: delta, partitions: *daily }}
  lake/feed: {{ connection: lake, path: lake/feed, format: delta }}
imports:
  orders: {{ source: landing/orders, target: lake/orders }}
  days: {{ source: landing/orders, target: lake/days, mode: replace }}
  feed: {{ source: landing/feed, target: lake/feed }}
"""


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str


Command = Callable[..., Answer]


def write_registry(
    folder: Path, bucket: str, endpoint: str, *, key: str = "test", secret: str = "test"
) -> Path:
    file = folder / "s3_assets.yaml"
    text = TEMPLATE.format(bucket=bucket, endpoint=endpoint, key=key, secret=secret)
    file.write_text(text)
    return file


@pytest.fixture
def registry(tmp_path: Path, s3_server: EmbeddedServer, bucket: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return write_registry(tmp_path, bucket, s3_server.endpoint_url)


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run a command in this process: as quick as a function, and with its very output and exit code."""
    from s3_assets.cli.main import application

    monkeypatch.setenv("COLUMNS", "100")

    def command(*arguments: object) -> Answer:
        capfd.readouterr()
        code = 0
        try:
            application(args=[str(argument) for argument in arguments], prog_name="s3-assets")
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        return Answer(code, *capfd.readouterr())

    return command


@pytest.fixture
def run_process() -> Command:
    """Run a command as the process that a person would start."""

    def command(*arguments: object, cwd: Path | None = None, **variables: str) -> Answer:
        done = subprocess.run(
            [str(Path(sys.executable).with_name("s3-assets")), *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **variables},
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    return command


@pytest.fixture
def land(s3_client: Any, bucket: str) -> Callable[..., None]:
    """Put a Parquet file of orders for a day into the landing folder."""
    import io

    import polars as pl

    def put(day: str, *ids: int, name: str = "a") -> None:
        buffer = io.BytesIO()
        pl.DataFrame({"id": ids, "name": [f"order {each}" for each in ids]}).write_parquet(buffer)
        key = f"landing/orders/date={day}/{name}.parquet"
        s3_client.put_object(Bucket=bucket, Key=key, Body=buffer.getvalue())

    return put


@pytest.fixture
def keys(s3_client: Any, bucket: str) -> Callable[[], list[str]]:
    def list_keys() -> list[str]:
        return [each["Key"] for each in s3_client.list_objects_v2(Bucket=bucket).get("Contents", ())]

    return list_keys
