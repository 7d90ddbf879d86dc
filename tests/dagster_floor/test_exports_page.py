"""docs/dagster-exports.md: its example is run by the very command that it names, in a folder of its own."""

import csv
import gzip
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from s3_assets.embedded.server import EmbeddedServer
from s3_assets.registry.loading import parse_registry

REPOSITORY = Path(__file__).parents[2]
PAGE = (REPOSITORY / "docs" / "dagster-exports.md").read_text(encoding="utf-8")
ORDERS = [
    {"id": 1, "ordered": "2026-01-05", "amount": 19.5, "note": 'a "quoted"; word'},
    {"id": 2, "ordered": "2026-01-05", "amount": 0.5, "note": "two\nlines"},
    {"id": 3, "ordered": "2026-01-06", "amount": 7.0, "note": None},
]
DEADLINE = 120


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def declared(endpoint: str, bucket: str) -> str:
    """The page's registry, on the test's server: both connections share a bucket."""
    auth = "auth: { type: access_key, access_key_id: test, secret_access_key: test }"
    (text,) = blocks("yaml")
    for place in ("lake", "partner"):
        url = f'url: "s3://{bucket}/{place}/", endpoint: "{endpoint}", region: us-east-1, {auth}'
        text = text.replace(f'url: "s3://company-{place}/"', url)
    return text


@pytest.fixture
def folder(tmp_path: Path, s3_server: EmbeddedServer, bucket: str, s3_client: Any) -> Path:
    """What a person has who follows the page, and the first orders."""
    (tmp_path / "s3_assets.yaml").write_text(declared(s3_server.endpoint_url, bucket))
    (code,) = blocks("python")
    (tmp_path / "totals.py").write_text(code)
    shutil.copy(REPOSITORY / "dagster.yaml", tmp_path)
    body = "".join(f"{json.dumps(each)}\n" for each in ORDERS).encode()
    s3_client.put_object(Bucket=bucket, Key="lake/raw/orders/first.jsonl", Body=body)
    return tmp_path


def test_one_command_imports_transforms_and_exports(folder: Path, bucket: str, s3_client: Any) -> None:
    (command,) = [each for block in blocks("console") for each in block.splitlines() if "dagster" in each]
    program, *arguments = shlex.split(command)

    done = subprocess.run(
        [str(Path(sys.executable).parent / program), *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    listing = s3_client.list_objects_v2(Bucket=bucket, Prefix="partner/")["Contents"]
    shown = {
        each["Key"]: s3_client.get_object(Bucket=bucket, Key=each["Key"])["Body"].read() for each in listing
    }
    (packed,) = [body for key, body in shown.items() if key.endswith(".csv.gz")]
    rows = list(csv.DictReader(io.StringIO(gzip.decompress(packed).decode(), newline="")))
    assert [(int(row["id"]), row["ordered"], float(row["amount"]), row["note"] or None) for row in rows] == [
        tuple(each.values()) for each in ORDERS
    ]
    totals = pl.read_parquet(io.BytesIO(shown["partner/totals/totals-00000.parquet"]))
    assert totals.with_columns(pl.col("ordered").cast(pl.String)).rows() == [
        ("2026-01-05", 2, 20.0),
        ("2026-01-06", 1, 7.0),
    ]
    assert "partner/totals/_SUCCESS" in shown
    manifests = [json.loads(body) for key, body in shown.items() if "/manifests/" in key]
    assert sorted((each["export"], each["totals"]["rows"]) for each in manifests) == [
        ("partner/orders", 3),
        ("partner/totals", 2),
    ]


def test_the_commands_name_an_export_of_the_page() -> None:
    (text,) = blocks("yaml")
    exports = parse_registry(text.replace("code: [totals.py]", ""), Path("s3_assets.yaml"), {}).exports
    named = [
        line.split()[-1] for block in blocks("console") for line in block.splitlines() if "s3-a" in line[:5]
    ]

    assert named == ["partner/orders"] * 4
    assert set(exports) == {"partner/orders", "partner/totals"}
