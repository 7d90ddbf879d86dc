"""docs/observability.md: registry, commands and lines of Python are run, names are those of the code."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from s3_assets.embedded.server import EmbeddedServer
from s3_assets.metadata.requests import REQUESTS, request_line, request_metadata
from s3_assets.metrics import Meter, Request
from s3_assets.registry.observe import ObserveSettings
from tests.servers.collector import collector

REPOSITORY = Path(__file__).parents[2]
PAGE = (REPOSITORY / "docs" / "observability.md").read_text(encoding="utf-8")
AUTH = "auth: { type: access_key, access_key_id: test, secret_access_key: not-for-the-collector }"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def cells(column: str) -> list[str]:
    """The first cells of the table whose first title is that."""
    rows = re.search(rf"^\| {re.escape(column)} \|.*?\n\n", PAGE + "\n", re.MULTILINE | re.DOTALL)
    assert rows
    return [line.split(" | ")[0].strip("| `") for line in rows[0].strip().splitlines()[2:]]


def test_the_command_with_a_collector(
    tmp_path: Path, s3_server: EmbeddedServer, bucket: str, s3_client: Any
) -> None:
    (registry,) = blocks("yaml")
    place = f'url: "s3://{bucket}/", endpoint: "{s3_server.endpoint_url}", region: us-east-1, {AUTH}'
    (tmp_path / "s3_assets.yaml").write_text(registry.replace('url: "s3://company-lake/"', place))
    s3_client.put_object(Bucket=bucket, Key="raw/orders/one.jsonl", Body=json.dumps({"id": 1}).encode())
    install, (variable, *command) = [shlex.split(each) for each in [*blocks("console")][1:]]
    assert install[:2] == ["pip", "install"]
    assert [shlex.split(blocks("console")[0])] == [command]
    with collector(tmp_path / "arrived") as found:
        name, _, url = variable.partition("=")
        assert url == "http://127.0.0.1:4318"
        done = subprocess.run(
            [str(Path(sys.executable).with_name(command[0])), *command[1:]],
            cwd=tmp_path,
            env={**os.environ, name: found.url, "PYTHONPATH": str(REPOSITORY)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        spans = found.spans()
    assert done.returncode == 0, done.stderr
    assert {each["name"] for each in spans} >= {
        "dagster.run",
        "dagster.step",
        "s3_assets.commit",
        "S3/PutObject",
    }
    assert len({each["traceId"] for each in spans}) == 1
    assert "not-for-the-collector" not in found.text + done.stderr


def test_the_lines_of_python(
    s3_server: EmbeddedServer,
    bucket: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in {"ENDPOINT": s3_server.endpoint_url, "KEY": "test", "SECRET": "test"}.items():
        monkeypatch.setenv(f"LAKE_{name}", value)
    (code,) = blocks("python")

    exec(compile(code.replace("company-lake", bucket), "example", "exec"), {})  # noqa: S102 - the page's own lines

    assert capsys.readouterr().out == blocks("text")[-1]


def test_every_key_and_setting_is_told() -> None:
    meter = Meter()
    meter.note(Request("boto3", "GetObject", "GET", 0.0, 0.1, 200, bytes_read=3_100))
    meter.note(Request("boto3", "HeadObject", "HEAD", 0.0, 0.0, 404))
    meter.used("polars")
    with meter.active():
        pass

    told = [name for name in cells("metadata") if name.startswith(REQUESTS)]

    assert told == list(request_metadata(meter))
    assert cells("field of `observe`") == list(ObserveSettings.model_fields)
    line = request_line(meter)
    assert line == "S3: 2 requests (1 refused), 3.1 kB read, 0 B written, 0.1 s; those of polars are not seen"
    assert blocks("text")[0].startswith("S3: 12 requests (1 refused), 3.1 kB read, 0 B written, 0.1 s")
