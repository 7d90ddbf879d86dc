"""`export`, and what `plan`, `history` and `cursor` tell of exports, on a real server."""

import csv
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("registry")
Run = Callable[..., Any]
Land = Callable[..., None]

EXPORTS = """\
exports:
  out/days: { source: landing/orders, connection: lake, path_prefix: days, format: csv.gz }
  out/new: { source: landing/orders, connection: lake, path_prefix: new, format: jsonl, mode: incremental }
"""


@pytest.fixture(autouse=True)
def _exports(registry: Path) -> None:
    registry.write_text(registry.read_text() + EXPORTS)


@pytest.fixture
def visible(s3_client: Any, bucket: str) -> Callable[[str], dict[str, bytes]]:
    """The files below a folder, but for those whose names begin with _."""

    def read(prefix: str) -> dict[str, bytes]:
        listing = s3_client.list_objects_v2(Bucket=bucket, Prefix=f"{prefix}/").get("Contents", ())
        keys = [each["Key"] for each in listing if "/_" not in each["Key"]]
        return {key: s3_client.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}

    return read


def lines_of(answer: Any) -> list[str]:
    return [" ".join(line.split()) for line in answer.out.splitlines()]


def test_partitions(run: Run, land: Land, visible: Callable[[str], dict[str, bytes]]) -> None:
    land("2026-01-05", 1, 2)
    land("2026-01-06", 3)

    first = run("export", "out/days", "--from", "2026-01-05", "--to", "2026-01-06")

    assert (first.code, first.err) == (0, "")
    lines = lines_of(first)
    assert lines[0].startswith("export out/days: landing/orders -> s3://")
    assert lines[1].startswith("written 3 rows in 2 files, ")
    assert lines[1].endswith(", 2 commits")
    files = {key.split("/")[-2]: gzip.decompress(body).decode() for key, body in visible("days").items()}
    found = {day: [row["id"] for row in csv.DictReader(io.StringIO(body))] for day, body in files.items()}
    assert found == {"2026-01-05": ["1", "2"], "2026-01-06": ["3"]}

    planned = json.loads(run("plan", "out/days", "--partition", "2026-01-06", "-o", "json").out)
    assert (planned["files"], planned["partitions"]) == (1, ["2026-01-06"])
    assert [url.rpartition("days/out/days/")[2] for url in planned["replaces"]] == [
        "2026-01-06/part-00000.csv.gz"
    ]
    again = run("export", "out/days", "--partition", "2026-01-06")
    assert again.code == 0
    told = json.loads(run("history", "out/days", "-o", "json").out)
    assert [(each["unit"], each["rows"]) for each in told] == [("2026-01-06", 1), ("2026-01-05", 2)]
    assert lines_of(run("history", "out/days", "-n", "1"))[2].split()[2:5] == ["2026-01-06", "1", "1"]


def test_incremental_with_its_cursor(
    run: Run, land: Land, visible: Callable[[str], dict[str, bytes]]
) -> None:
    assert json.loads(run("cursor", "show", "out/new", "-o", "json").out) == []
    land("2026-01-05", 1)
    assert "cursor none -> 1 file" in lines_of(run("export", "out/new"))
    assert "written nothing: there is nothing new" in lines_of(run("export", "out/new"))
    land("2026-01-06", 2)
    assert json.loads(run("plan", "out/new", "-o", "json").out)["files"] == 1
    assert "cursor 1 file -> 2 files" in lines_of(run("export", "out/new"))

    (shown,) = json.loads(run("cursor", "show", "out/new", "-o", "json").out)
    assert (shown["source"], shown["told"], len(shown["earlier"])) == ("landing/orders", "2 files", 1)
    assert shown["committed_at"] is not None
    moved = run("cursor", "set", "out/new", "--number", str(shown["previous"]), "--yes")
    assert moved.code == 0
    assert "cursor 1 file -> 2 files" in lines_of(run("export", "out/new"))
    assert run("cursor", "reset", "out/new", "--yes").code == 0
    assert "cursor beginning -> 2 files" in lines_of(run("export", "out/new"))
    rows = [json.loads(line)["id"] for body in visible("new").values() for line in io.BytesIO(body)]
    assert sorted(rows) == [1, 1, 2, 2, 2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["export", "out/days"], "the export 'out/days' is run by partitions, and none was named"),
        (["export", "out/days", "--from", "2026-01-05"], "a range has two ends"),
        (["export", "out/new", "--partition", "2026-01-05"], "the export 'out/new' is of mode incremental"),
        (["export", "out/day"], "there is no export 'out/day'; did you mean 'out/days'?"),
        (["history", "out/day"], "there is no import, no table and no export 'out/day'; did you mean 'out"),
        (["cursor", "reset", "out/days", "--yes"], "nothing is read into 'out/days' with a cursor"),
    ],
)
def test_wrong_arguments(
    arguments: list[str], message: str, run: Run, land: Land, keys: Callable[[], list[str]]
) -> None:
    land("2026-01-05", 1)
    before = keys()

    answer = run(*arguments)

    assert answer.code == 1
    assert answer.err.startswith(f"error: {message}")
    assert keys() == before


def test_the_registry_tells_its_exports(run: Run) -> None:
    assert run("validate").out.rstrip().endswith("3 imports, 2 exports")
    (orders,) = [
        each for each in json.loads(run("tables", "-o", "json").out) if each["name"] == "landing/orders"
    ]
    assert orders["read_by"][-2:] == ["out/days", "out/new"]
