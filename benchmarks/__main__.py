"""`python -m benchmarks`: everything side by side in one run, written as a Markdown table."""

import argparse
import tempfile
from pathlib import Path

from benchmarks import data, ledger, speed
from benchmarks.ground import Ground
from s3_assets.embedded.server import EmbeddedServer

ROWS = 30_000_000


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--size", type=float, default=1.0, help="1 is 30 million rows, 2.7 GB in memory")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each contestant")
    parser.add_argument("--files", type=int, default=10_000, help="old files for the ledger")
    parser.add_argument("--only", choices=["import", "memory", "ledger"], help="one benchmark alone")
    parser.add_argument("--output", type=Path, help="write the tables to this file, too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder, EmbeddedServer(folder) as server:
        ground = Ground(server.endpoint_url)
        ground.make_bucket()
        tables = []
        if options.only != "ledger":
            total = max(int(ROWS * options.size), data.DAYS)
            tables += imports(ground, total, options.repeat, options.only)
        if options.only in (None, "ledger"):
            tables.append(ledger.compare(ground, options.files))
    text = "\n\n".join(tables) + "\n"
    print(text)
    if options.output:
        options.output.write_text(text)


def imports(ground: Ground, total: int, repeat: int, only: str | None) -> list[str]:
    stored, memory = data.fill(ground.store, "x1/", total)
    print(f"{total:,} rows: {stored / 1e9:.2f} GB on the server, {memory / 1e9:.2f} GB in memory", flush=True)
    tables = []
    if only in (None, "import"):
        tables.append(speed.compare(ground, "x1/", total, memory, repeat))
    if only in (None, "memory"):
        for times in (2, 4):
            data.copy(ground.store, "x1/", f"x{times}/", times)
        tables.append(speed.growth(ground, total, repeat))
    return tables


if __name__ == "__main__":
    main()
