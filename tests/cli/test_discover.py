"""`discover`: what a person gets to see, and the registry that it is added to."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from s3_assets.registry.loading import load_registry
from tests.cli.conftest import Command

CSV = b"id;name\n1;Zoe\n2;Bo\n"


@pytest.fixture
def put(s3_client: Any, bucket: str) -> Callable[..., None]:
    def put_objects(*keys: str, body: bytes = CSV) -> None:
        for key in keys:
            s3_client.put_object(Bucket=bucket, Key=key, Body=body)

    return put_objects


def parquet() -> bytes:
    buffer = io.BytesIO()
    pl.DataFrame({"id": [1, 2]}).write_parquet(buffer)
    return buffer.getvalue()


def test_written_once_and_what_is_new_later(
    run: Command, registry: Path, bucket: str, put: Callable[..., None]
) -> None:
    put("landing/orders/date=2026-01-05/a.parquet", "raw/days/day=2026-01-05/a.parquet", body=parquet())
    put("raw/people/a.csv")
    put("pictures/a/1.png", "pictures/b/2.png", body=b"\x89PNG")
    before = load_registry(registry)
    lines = registry.read_text().splitlines()

    first = run("discover", f"s3://{bucket}/", "--write", registry)
    made = load_registry(registry)
    put("later/x.csv")
    second = run("discover", f"s3://{bucket}", "--write", registry, "--output", "json")

    assert (first.code, second.code) == (0, 0), first.err + second.err
    # What was there stays as it was, line for line; what it reads is not found again.
    kept = iter(registry.read_text().splitlines())
    assert all(line in kept for line in lines)
    assert {name: made.tables[name] for name in before.tables} == before.tables
    assert set(made.tables) - set(before.tables) == {"raw/days", "raw/people", "pictures_inventory"}
    assert made.media["pictures"].extensions == ("png",)
    text = registry.read_text()
    assert "    # 1 file of .csv" in text[text.index("  raw/people:") :]
    told = json.loads(second.out)
    assert [each["name"] for each in told["found"]] == ["later"]
    assert {each["name"] for each in told["known"]} == {
        "landing/orders",
        "raw/days",
        "raw/people",
        "pictures",
    }
    assert "4 are in the registry already" in second.err
    # The entries read what lies there.
    shown = run("preview", "raw/people", "--output", "json")
    assert json.loads(shown.out) == [{"id": 1, "name": "Zoe"}, {"id": 2, "name": "Bo"}]


def test_without_any_registry(
    run: Command,
    bucket: str,
    s3_server: Any,
    tmp_path: Path,
    put: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    put("a/one.csv", "b/one.csv")
    reached = ("--endpoint", s3_server.endpoint_url, "--region", "us-east-1")

    printed = run("discover", f"s3://{bucket}/", *reached)
    stopped = run("discover", f"s3://{bucket}/", *reached, "--most-requests", "3", "--output", "json")
    written = run("discover", f"s3://{bucket}/", *reached, "--write", "made.yaml")
    again = run("discover", f"s3://{bucket}/", "--write", "made.yaml")

    assert [each.code for each in (printed, stopped, written, again)] == [0, 0, 0, 0]
    assert [line.split()[:2] for line in printed.out.splitlines()[1:]] == [["a", "csv"], ["b", "csv"]]
    told = json.loads(stopped.out)
    assert (told["complete"], told["requests"], told["found"]) == (False, 3, [])
    assert f"s3://{bucket}/a/" in told["not_looked_at"]
    assert "the requests are spent" in stopped.err
    assert set(load_registry("made.yaml").tables) == {"a", "b"}
    assert again.err.startswith("0 found with")
