"""The benchmarks run, and count rows right; their figures mean nothing at this size."""

import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.timeout(180)
def test_all_of_them_at_a_tiny_size(tmp_path: Path) -> None:
    output = tmp_path / "figures.md"
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "benchmarks",
            *("--size", "0.0005", "--repeat", "1", "--files", "20", "--output", str(output)),
            *("--objects", "30", "--copies", "5"),
            *("--old-files", "20,40", "--in-ledger", "2000", "--commits", "20,40"),
            *("--mirrored", "2000"),
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
    for found in ("| s3-assets |", "| sink_delta |", "| write_deltalake |", "| 4 x |", "| one new file |"):
        assert found in text
    for found in ("| polars-avro |", "| fastavro |", "| avro | read | 4 x", "| s3-assets | 20 |"):
        assert found in text
    assert "| 100 new |" in text
    assert "| s3-assets media |" in text
    for source, target in (("delta", "iceberg"), ("parquet", "delta")):
        assert f"| {source} | {target} | 2,000 |" in text
    assert "failed" not in text
