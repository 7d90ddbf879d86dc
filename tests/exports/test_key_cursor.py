"""The cursor in keys of incremental exports: the time of what was read last, as the source itself has it."""

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from s3_assets.embedded.server import EmbeddedServer
from s3_assets.registry.loading import parse_registry

REGISTRY = """\
connections:
  lake:
    url: "s3://{bucket}/"
    endpoint: "{endpoint}"
    region: us-east-1
    auth: {{ type: access_key, access_key_id: test, secret_access_key: test }}
tables:
  raw: {{ connection: lake, path: raw, format: parquet }}
  delta: {{ connection: lake, path: delta, format: delta }}
  iceberg: {{ connection: lake, warehouse_path: iceberg, format: iceberg }}
imports:
  to_delta: {{ source: raw, target: delta }}
  to_iceberg: {{ source: raw, target: iceberg }}
exports:
  out:
    source: {source}
    connection: lake
    path_prefix: out
    key: "{{cursor_date_time}}/{{cursor_iso_date_time}}-{{part}}.{{extension}}"
    mode: incremental
    format: jsonl
    filters: {{ add_time: loaded_at, rename: {{ id: number }} }}
"""
LATER = datetime(2031, 1, 2, 3, 4, 5, tzinfo=UTC)


def newest_time(client: Any, bucket: str, source: str) -> datetime:
    """When the source was changed last, read by boto3 and json alone."""
    found = client.list_objects_v2(Bucket=bucket, Prefix=f"{source}/")["Contents"]
    if source == "raw":
        newest: datetime = max(each["LastModified"] for each in found)
        return newest

    def read(key: str) -> str:
        return client.get_object(Bucket=bucket, Key=key)["Body"].read().decode()  # type: ignore[no-any-return]

    if source == "delta":
        commit = max(
            each["Key"] for each in found if each["Key"].endswith(".json") and "_delta_log" in each["Key"]
        )
        lines = [json.loads(line) for line in read(commit).splitlines()]
        (milliseconds,) = [each["commitInfo"]["timestamp"] for each in lines if "commitInfo" in each]
    else:
        metadata = max(
            (each for each in found if each["Key"].endswith(".metadata.json")),
            key=lambda each: int(Path(each["Key"]).name.split(".")[0].split("-")[0].removeprefix("v")),
        )
        told = json.loads(read(metadata["Key"]))
        (milliseconds,) = [
            each["timestamp-ms"]
            for each in told["snapshots"]
            if each["snapshot-id"] == told["current-snapshot-id"]
        ]
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


@pytest.mark.parametrize("source", ["raw", "delta", "iceberg"])
def test_the_time_of_the_newest_commit_or_file(
    source: str, s3_server: EmbeddedServer, bucket: str, s3_client: Any
) -> None:
    text = REGISTRY.format(bucket=bucket, endpoint=s3_server.endpoint_url, source=source)
    registry = parse_registry(text, Path("s3_assets.yaml"), {})
    body = io.BytesIO()
    pl.DataFrame({"id": [1, 2]}).write_parquet(body)
    s3_client.put_object(Bucket=bucket, Key="raw/first.parquet", Body=body.getvalue())
    if source != "raw":
        registry.import_(f"to_{source}").run()

    # Another time than now, so that the load time is not taken for it.
    outcome = registry.export("out").run(moment=LATER)

    time = newest_time(s3_client, bucket, source)
    key = f"out/{time:%Y_%m_%d_%H_%M_%S}/{time:%Y-%m-%dT%H:%M:%SZ}-00000.jsonl"
    written = s3_client.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    rows = [json.loads(line) for line in written.splitlines()]
    assert [each["number"] for each in rows] == [1, 2]
    assert {datetime.fromisoformat(each["loaded_at"]) for each in rows} == {LATER}
    assert outcome.rows == 2
