"""Who writes the source into a partitioned Delta table: s3-assets, and the shortest scripts without it.

All write ZSTD level 1. Each runs in a process of its own: `python -m benchmarks.contestants NAME JSON`.
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.ground import BUCKET, Ground


def ours(ground: Ground, source: str, target: str) -> None:
    """The import of s3-assets: ledger, parts, audit, commit with the cursor."""
    from s3_assets.incremental.append import append_new
    from s3_assets.tables.open import open_table
    from s3_assets.tables.settings import DeltaSettings, ParquetSettings, Partitions

    connection = ground.connection
    append_new(
        open_table(
            "target",
            DeltaSettings(
                connection="s3", path=target, partitions=Partitions(column="day", start=date(2026, 1, 1))
            ),
            connection,
        ),
        "target/source",
        open_table("source", ParquetSettings(connection="s3", path=source), connection),
    )


def sink_delta(ground: Ground, source: str, target: str) -> None:
    """Polars' own sink."""
    import polars as pl
    from deltalake import WriterProperties

    pl.scan_parquet(f"s3://{BUCKET}/{source}**/*.parquet", storage_options=ground.options).sink_delta(
        f"s3://{BUCKET}/{target}",
        mode="append",
        storage_options=ground.options,
        delta_write_options={
            "partition_by": ["day"],
            "writer_properties": WriterProperties(compression="ZSTD", compression_level=1),
        },
    )


def write_deltalake(ground: Ground, source: str, target: str) -> None:
    """A stream of Polars' batches into delta-rs."""
    import polars as pl
    from deltalake import WriterProperties
    from deltalake import write_deltalake as write

    scan = pl.scan_parquet(f"s3://{BUCKET}/{source}**/*.parquet", storage_options=ground.options)
    write(
        f"s3://{BUCKET}/{target}",
        scan.collect_batches(lazy=True),
        mode="append",
        partition_by=["day"],
        storage_options=ground.options,
        writer_properties=WriterProperties(compression="ZSTD", compression_level=1),
    )


CONTESTANTS: dict[str, Callable[[Ground, str, str], None]] = {
    "s3-assets": ours,
    "sink_delta": sink_delta,
    "write_deltalake": write_deltalake,
}


def high_water_mark() -> int:
    """The most memory that this process ever held, in bytes, as the kernel counts it."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    # macOS counts bytes, Linux kilobytes.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> None:
    import deltalake  # noqa: F401 - imports are not measured, for nobody
    import obstore  # noqa: F401
    import polars as pl  # noqa: F401

    name, arguments = sys.argv[1], json.loads(sys.argv[2])
    ground = Ground(arguments["endpoint"])
    imported = high_water_mark()
    started = time.monotonic()
    CONTESTANTS[name](ground, arguments["source"], arguments["target"])
    seconds = time.monotonic() - started
    used = resource.getrusage(resource.RUSAGE_SELF)
    result: dict[str, Any] = {
        "seconds": seconds,
        "processor": used.ru_utime + used.ru_stime,
        "peak": high_water_mark(),
        "imported": imported,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
