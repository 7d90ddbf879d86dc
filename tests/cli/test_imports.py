"""`import` and `preview` on a real server."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("registry")
Run = Callable[..., Any]
Land = Callable[..., None]


def rows(run: Run, table: str) -> list[Any]:
    found: list[Any] = json.loads(run("preview", table, "--output", "json", "-n", 100).out)
    return sorted(found, key=lambda row: (row["date"], row["id"]))


def test_append(run: Run, land: Land) -> None:
    land("2026-01-05", 1, 2)
    land("2026-01-06", 3)

    first = run("import", "orders")

    assert (first.code, first.err) == (0, "")
    lines = [" ".join(line.split()) for line in first.out.splitlines()]
    assert lines[0] == "import orders: landing/orders -> lake/orders"
    assert lines[1].startswith("read 2 of 2 files, ")
    assert lines[2].startswith("written 3 rows in 2 files, ")
    assert "version 1" in lines
    assert "cursor none -> 2 files" in lines

    land("2026-01-05", 4, name="late")
    second = run("import", "lake/orders")  # by its target

    lines = [" ".join(line.split()) for line in second.out.splitlines()]
    assert lines[1].startswith("read 1 of 3 files, ")
    assert "cursor 2 files -> 3 files" in lines
    third = run("import", "orders")
    assert "nothing: there is nothing new" in third.out
    assert [(row["date"], row["id"]) for row in rows(run, "lake/orders")] == [
        ("2026-01-05", 1),
        ("2026-01-05", 2),
        ("2026-01-05", 4),
        ("2026-01-06", 3),
    ]


def test_replace_windows(run: Run, land: Land) -> None:
    for index, day in enumerate(("2026-01-05", "2026-01-06", "2026-01-07")):
        land(day, index)

    assert run("import", "days", "--window", "2026-01-06").code == 0
    assert [row["id"] for row in rows(run, "lake/days")] == [1]
    land("2026-01-06", 7, name="more")
    assert run("import", "days", "--from", "2026-01-06", "--to", "2026-01-07").code == 0
    assert [row["id"] for row in rows(run, "lake/days")] == [1, 7, 2]
    assert run("import", "days").code == 0
    assert [row["id"] for row in rows(run, "lake/days")] == [0, 1, 7, 2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["orders", "--window", "2026-01-05"], "the import 'orders' appends what is new, whatever its date"),
        (["days", "--window", "2026-01-05", "--to", "2026-01-06"], "--partition names one"),
        (["days", "--from", "2026-01-05"], "a range has two ends"),
        (["days", "--window", "tomorrow"], "'tomorrow' names no day"),
        (["days", "--window", "2025-12-31"], "'2025-12-31' lies before the first partition, 2026-01-05"),
        (["days", "--from", "2026-01-07", "--to", "2026-01-06"], "the range ends at 2026-01-06, before"),
        (["ordrs"], "there is no import 'ordrs'; did you mean 'orders'?"),
    ],
)
def test_wrong_arguments(
    arguments: list[str], message: str, run: Run, land: Land, keys: Callable[[], list[str]]
) -> None:
    land("2026-01-05", 1)
    before = keys()

    answer = run("import", *arguments)

    assert answer.code == 1
    assert answer.err.startswith(f"error: {message}")
    assert keys() == before


def test_preview(run: Run, land: Land) -> None:
    land("2026-01-05", *range(50))

    answer = run("preview", "landing/orders", "--rows", "3")

    assert answer.code == 0
    lines = [line.split() for line in answer.out.splitlines()]
    assert lines[0][0] == "landing/orders"
    assert lines[1] == ["id", "name", "date"]
    assert lines[2] == ["int64", "string", "date"]
    assert len(lines) == 6
    assert lines[3] == ["0", "order", "0", "2026-01-05"]


def test_preview_of_an_import(run: Run, registry: Path, land: Land, keys: Callable[[], list[str]]) -> None:
    land("2026-01-05", 7)
    import_ = "  orders: { source: landing/orders, target: lake/orders"
    filtered = f"{import_}, filters: {{ rename: {{ name: title }} }} }}"
    registry.write_text(registry.read_text().replace(f"{import_} }}", filtered))
    before = keys()

    answer = run("preview", "orders", "-o", "json")

    assert answer.err == ""
    assert json.loads(answer.out) == [{"id": 7, "title": "order 7", "date": "2026-01-05"}]
    assert keys() == before


def test_commits_of_batches(run: Run, registry: Path, land: Land) -> None:
    for index, day in enumerate(("2026-01-05", "2026-01-06", "2026-01-07")):
        land(day, index)
    batched = "  orders: { source: landing/orders, target: lake/orders, batch: { files: 1 } }"
    text = registry.read_text().replace("  orders: { source: landing/orders, target: lake/orders }", batched)
    registry.write_text(text)

    written = next(line for line in run("import", "orders").out.splitlines() if "written" in line)
    assert written.split()[:6] == ["written", "3", "rows", "in", "3", "files,"]
    assert written.rstrip().endswith(", 3 commits")


def test_preview_of_an_unknown_table(run: Run) -> None:
    answer = run("preview", "landing/order")

    assert answer.code == 1
    assert "there is no table 'landing/order'; did you mean 'landing/orders'?" in answer.err


def test_as_a_process(run_process: Run, registry: Path, land: Land) -> None:
    land("2026-01-05", 1)

    answer = run_process("import", "orders", cwd=registry.parent)

    assert (answer.code, answer.err) == (0, "")
    assert "1 row in 1 file" in answer.out
    assert "\x1b" not in answer.out
