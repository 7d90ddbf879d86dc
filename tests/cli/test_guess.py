"""`guess`: what a person gets to see, and the registry that it is added to."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from s3_assets.registry.loading import load_registry
from tests.cli.conftest import Command

CSV = "id;name;at\n1;Zoë;28.01.2026\n2;NULL;NULL\n"


@pytest.fixture
def put(s3_client: Any, bucket: str) -> Callable[[str, str], None]:
    def put_object(key: str, text: str) -> None:
        s3_client.put_object(Bucket=bucket, Key=key, Body=text.encode())

    return put_object


@pytest.fixture
def _orders(put: Callable[[str, str], None]) -> None:
    for day in ("2026-01-28", "2026-01-29"):
        put(f"raw/orders/date={day}/a.csv", CSV)


@pytest.mark.usefixtures("_orders")
def test_entry_is_printed_and_reads_the_rows(
    run: Command, registry: Path, bucket: str, tmp_path: Path
) -> None:
    answer = run("guess", f"s3://{bucket}/raw/orders/")

    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith("tables:\n  raw/orders:\n    # looked at 2 of 2 files, 82 B\n")
    connections = registry.read_text().split("tables:")[0]
    (tmp_path / "new.yaml").write_text(connections + answer.out)
    shown = run("--registry", tmp_path / "new.yaml", "preview", "raw/orders", "-o", "json")
    assert json.loads(shown.out)[0] == {"id": 1, "name": "Zoë", "at": "2026-01-28", "date": "2026-01-28"}
    assert json.loads(shown.out)[3] == {"id": 2, "name": None, "at": None, "date": "2026-01-29"}


@pytest.mark.usefixtures("_orders")
def test_written_into_a_registry(run: Command, registry: Path, bucket: str) -> None:
    before, tables = registry.read_text(), load_registry(registry).tables

    answer = run("guess", f"s3://{bucket}/raw/orders/", "--write", registry, "--name", "raw/sales")

    assert (answer.code, answer.out) == (0, "")
    line = before[: before.index("imports:")].count("\n") + 1
    assert f"the table 'raw/sales' is in s3_assets.yaml, line {line}; looked at 2 of 2 files" in answer.err
    after = registry.read_text()
    assert after.splitlines()[line - 1] == "  raw/sales:"
    # Line for line what it was, with the entry in between.
    kept = after.splitlines()[: line - 1] + after.splitlines()[-len(before.splitlines()) + line - 1 :]
    assert kept == before.splitlines()
    assert {name: each for name, each in load_registry(registry).tables.items() if name in tables} == tables


@pytest.mark.usefixtures("_orders")
def test_nothing_is_overwritten(run: Command, registry: Path, bucket: str) -> None:
    before = registry.read_bytes()

    answer = run("guess", f"s3://{bucket}/raw/orders/", "--write", registry, "--name", "landing/orders")

    assert answer.code == 1
    assert "there is a table 'landing/orders' in" in answer.err
    assert registry.read_bytes() == before
    assert sorted(registry.parent.iterdir()) == [registry]


@pytest.mark.usefixtures("_orders")
def test_without_any_registry(
    run: Command, bucket: str, s3_server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    url = f"s3://{bucket}/raw/orders/"
    reached = ("--endpoint", s3_server.endpoint_url, "--region", "us-east-1")

    printed = run("guess", url, *reached)
    written = run("guess", url, *reached, "--write", "made.yaml")
    again = run("guess", url, "--write", "made.yaml", "--name", "again")

    assert [printed.code, written.code, again.code] == [0, 0, 0]
    assert printed.out.startswith("connections:\n")
    made = load_registry("made.yaml")
    assert (list(made.tables), len(made.connections)) == (["raw/orders", "again"], 1)
    assert len(json.loads(run("-r", "made.yaml", "preview", "again", "-o", "json").out)) == 4


@pytest.mark.usefixtures("_orders")
def test_as_json(run: Command, registry: Path, bucket: str) -> None:
    told = json.loads(run("guess", f"s3://{bucket}/raw/orders/", "--output", "json").out)

    assert told["settings"] == {
        "path": "raw/orders/",
        "format": "csv",
        "delimiter": ";",
        "null_values": ["", "NULL"],
        "formats": {"at": "%d.%m.%Y"},
        "partitions": {"column": "date", "every": "day", "start": "2026-01-28"},
    }
    assert told["columns"][-1] == {"name": "date", "type": "date"}
    assert (told["connection"], told["name"]) == ("lake", "raw/orders")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["s3://{bucket}/nothing/"], "there is nothing"),
        (["s3://other-bucket/x/", "-c", "lake"], "which s3://other-bucket/x/ is not in"),
        (["s3://{bucket}/x/", "-c", "lek"], "there is no connection 'lek'"),
        (["s3://{bucket}/x/", "-c", "lake", "--region", "eu-west-1"], "--connection names all"),
        (["s3://{bucket}/x/", "--profile", "p", "--anonymous"], "exclude each other"),
        (["landing/orders"], "is not an S3 URL"),
    ],
    ids=["nothing", "elsewhere", "unknown", "twice", "both", "no URL"],
)
def test_errors(arguments: list[str], told: str, run: Command, registry: Path, bucket: str) -> None:
    answer = run("guess", *(each.format(bucket=bucket) for each in arguments))

    assert (answer.code, answer.out) == (1, "")
    assert told in answer.err
