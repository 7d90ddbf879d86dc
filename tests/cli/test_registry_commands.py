"""`validate` and `tables`: what is declared, without touching the network."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import write_registry


@pytest.fixture(autouse=True)
def _nobody_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No server at the endpoint, and a network that nobody may ask."""
    monkeypatch.chdir(tmp_path)
    write_registry(tmp_path, "bucket", "http://127.0.0.1:9")
    monkeypatch.setattr("socket.socket.connect", pytest.fail)
    monkeypatch.setattr("socket.getaddrinfo", pytest.fail)


def test_validate(run: Callable[..., Any]) -> None:
    answer = run("validate")

    assert (answer.code, answer.err) == (0, "")
    assert answer.out == "s3_assets.yaml is sound: 1 connection, 5 tables, 3 imports\n"


def test_validate_lists_problems(run: Callable[..., Any], tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text("connections:\n  lake: { url: s3://bucket/, regin: x }\n  lake: 5\n")

    answer = run("validate", file)

    assert answer.code == 1
    assert answer.out == ""
    assert (
        "error: bad.yaml is wrong:\n  - bad.yaml:3:3: connections.lake: this key stands here twice"
        in answer.err
    )


def test_validate_finds_missing_code(run: Callable[..., Any], tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text("code: [own.py]\n")

    answer = run("validate", "bad.yaml")

    assert answer.code == 1
    assert "bad.yaml:1:8: code.0: there is no file 'own.py' beside bad.yaml; check its path" in answer.err


def test_tables(run: Callable[..., Any]) -> None:
    answer = run("tables")

    assert answer.code == 0
    lines = [line.split() for line in answer.out.splitlines()]
    assert lines[0] == ["table", "format", "place", "partitions", "import"]
    assert lines[1][:3] == ["landing/orders", "parquet", "s3://bucket/landing/orders/"]
    assert "date by day" in answer.out
    assert "orders: writes it" in answer.out


def test_tables_as_json(run: Callable[..., Any]) -> None:
    tables = json.loads(run("tables", "--output", "json").out)

    assert [table["name"] for table in tables] == [
        "landing/orders",
        "landing/feed",
        "lake/orders",
        "lake/days",
        "lake/feed",
    ]
    assert tables[0] == {
        "name": "landing/orders",
        "format": "parquet",
        "connection": "lake",
        "place": "s3://bucket/landing/orders/",
        "partition_column": "date",
        "partition_every": "day",
        "written_by": None,
        "read_by": ["orders", "days"],
        "description": "As they come.",
    }
