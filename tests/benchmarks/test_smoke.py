"""The benchmarks run, and count rows right; their figures mean nothing at this size."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.extent import EVERYTHING

REPOSITORY = Path(__file__).parents[2]


# Of each benchmark a word of its table; an ordinary run tries two.
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
