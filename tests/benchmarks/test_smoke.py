"""The benchmarks run, and count rows right; their figures mean nothing at this size."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.extent import EVERYTHING

REPOSITORY = Path(__file__).parents[2]


# Of each benchmark a word of its table; an ordinary run tries one of them, and one job of the suite.
FOUND = {
    "import": ("| s3-assets |", "| sink_delta |", "| write_deltalake |"),
    "exports": ("| s3-assets",),
    "memory": ("| 4 x |",),
    "ledger": ("| one new file |",),
    "formats": ("| polars-avro |", "| fastavro |", "| avro | read | 4 x"),
    "smallfiles": ("| s3-assets | 20 |",),
    "media": ("| 100 new |", "| s3-assets media |"),
    "newuser": ("| 38 | 0 | 0 | 1 |",),
    "listing": ("| s3-assets du |", "| boto3 paginator |", "| seven tables"),
    "tick": ("| nothing changed | 0 |", "| some changed | 9 |"),
    "definitions": ("| plain @asset | 40 |", "| s3-assets | 40 |"),
    "mirror": ("| delta | iceberg | 2,000 |", "| parquet | delta | 2,000 |"),
}


@pytest.mark.timeout(180)
@pytest.mark.parametrize("only", [*FOUND] if EVERYTHING else ["import"])
def test_one_at_a_tiny_size(only: str, tmp_path: Path) -> None:
    output = tmp_path / "figures.md"
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "benchmarks",
            *("--only", only),
            *("--size", "0.0005", "--repeat", "1", "--files", "20", "--output", str(output)),
            *("--objects", "30", "--copies", "5"),
            *("--defined", "40"),
            *("--old-files", "20,40", "--in-ledger", "2000", "--commits", "20,40"),
            *("--watched", "9", "--mirrored", "2000", "--keys", "8000", "--layouts", "uneven"),
            # Rivals would be installed first: seconds for them, minutes for this test.
            *("--formats", "avro", "--megabytes", "0.1", "--no-rivals"),
        ],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-2000:]
    text = output.read_text()
    for found in FOUND[only]:
        assert found in text
    assert "failed" not in text


# One of the suite that needs little, then the others.
JOBS = "day-parquet"
OTHERS = (
    "import-parquet-delta,incremental-delta,import-parquet-iceberg,import-jsonl-delta,export-parquet,export-csv-gz,"
    "definitions,day-delta,day-iceberg,listing-counted,listing-named,discovery,nothing-new-files,nothing-new-delta,tick,"
    "tick-again"
)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "jobs", [JOBS, OTHERS] if EVERYTHING else [JOBS], ids=lambda jobs: jobs.partition(",")[0]
)
def test_suite_at_a_tiny_size(jobs: str, tmp_path: Path) -> None:
    arguments = ["--size", "0.0005", "--repeat", "1", "--growth", "1,2" if jobs == OTHERS else "0"]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks", "suite", *arguments),
            *("--only", jobs, "--no-rivals", "--output", str(tmp_path)),
        ],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-2000:]
    results = json.loads((tmp_path / "results.json").read_text())
    for job in results["jobs"]:
        assert [each["failed"] for each in job["contestants"]] == [""] * len(job["contestants"])
        assert all(each["runs"] for each in job["contestants"])
    assert len(results["jobs"]) == len(jobs.split(","))
    assert "failed" not in (tmp_path / "suite.md").read_text()
    if jobs == OTHERS:
        assert {len(each["points"]) for each in results["growth"]} == {2}
