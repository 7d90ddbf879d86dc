"""`history`: what past runs did, told by the commits of Delta, Iceberg and folder targets."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake

from s3_assets.embedded.server import EmbeddedServer
from tests.cli.conftest import Command

Land = Callable[..., None]


@pytest.fixture
def options(s3_server: EmbeddedServer) -> dict[str, str]:
    return {
        "aws_endpoint_url": s3_server.endpoint_url, "aws_allow_http": "true", "aws_region": "us-east-1",
        "aws_access_key_id": "test", "aws_secret_access_key": "test",
    }  # fmt: skip


def told(run: Command, *arguments: object) -> list[dict[str, Any]]:
    answer = run("history", *arguments, "--output", "json")
    assert (answer.code, answer.err) == (0, "")
    found: list[dict[str, Any]] = json.loads(answer.out)
    return found


def lines(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_of_a_delta_target(
    run: Command, registry: Path, bucket: str, land: Land, options: dict[str, str]
) -> None:
    land("2026-01-05", 1, 2)
    run("import", "orders")
    land("2026-01-06", 3)
    run("import", "orders")
    run("import", "orders")  # nothing new: no commit
    url = f"s3://{bucket}/lake/orders"
    frame = pl.DataFrame({"id": [9], "name": ["x"], "date": [pl.Series(["2026-01-07"]).str.to_date()[0]]})
    write_deltalake(url, frame, mode="append", storage_options=options)

    commits = told(run, "orders")

    ours = DeltaTable(url, storage_options=options).history()
    assert [each["number"] for each in commits] == [each["version"] for each in ours] == [3, 2, 1, 0]
    assert [each["ours"] for each in commits] == [False, True, True, False]
    assert [each["rows"] for each in commits] == [1, 1, 2, 0]
    assert [each["files"] for each in commits] == [1, 1, 1, 0]
    sizes = pl.DataFrame(DeltaTable(url, version=1, storage_options=options).get_add_actions())["size_bytes"]
    assert commits[2]["bytes"] == sizes.sum()
    second = commits[1]
    assert (second["import"], second["by"]) == ("orders", "s3-assets import")
    assert second["cursors"].keys() == {"lake/orders/landing/orders"}
    assert 0 <= second["seconds"] < 60
    assert [(each["from"], each["to"], each["files"]) for each in second["reads"]] == [
        ("1 file", "2 files", 1)
    ]

    assert told(run, "lake/orders", "--limit", 1) == commits[:1]
    answer = lines(run("history", "lake/orders").out)
    assert answer[0] == ["lake/orders", f"{url}/"]
    assert answer[2][2:5] == ["3", "1", "1"]
    assert answer[2][-2:] == ["foreign:", "WRITE"]
    assert "1 file -> 2 files" in " ".join(answer[3])
    assert answer[-1][-2:] == ["CREATE", "TABLE"]


def test_of_iceberg_and_folder_targets(run: Command, registry: Path, land: Land) -> None:
    registry.write_text(
        registry.read_text()
        .replace(
            "imports:\n",
            "  ice: { connection: lake, warehouse_path: ice, format: iceberg }\n"
            "  folder: { connection: lake, path: folder, format: parquet }\n"
            "imports:\n"
            "  ice: { source: landing/orders, target: ice }\n"
            "  folder: { source: landing/orders, target: folder, mode: replace }\n",
        )
    )  # fmt: skip
    land("2026-01-05", 1, 2)
    for name in ("ice", "folder"):
        assert told(run, "folder") == []
        assert run("import", name).code == 0
    land("2026-01-06", 3, 4, 5)
    for name in ("ice", "folder"):
        assert run("import", name).code == 0

    iceberg, folder = told(run, "ice"), told(run, "folder")

    assert [each["rows"] for each in iceberg] == [3, 2]
    assert [each["operation"] for each in iceberg] == ["append", "append"]
    assert [each["rows"] for each in folder] == [5, 2]
    assert [each["operation"] for each in folder] == ["replace", "replace"]
    for each in (*iceberg, *folder):
        assert each["ours"]
        assert each["time"] > "2026"
        assert each["bytes"] > 0
    assert iceberg[0]["cursors"].keys() == {"ice/landing/orders"}
    assert [each["import"] for each in (iceberg[0], folder[0])] == ["ice", "folder"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ordrs", "there is no import, no table and no export 'ordrs'; did you mean 'orders'?"),
        ("lake/orders", "there is no Delta table"),
    ],
)
def test_errors(name: str, message: str, run: Command, registry: Path) -> None:
    answer = run("history", name)

    assert (answer.code, answer.out) == (1, "")
    assert message in answer.err
