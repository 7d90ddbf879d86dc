"""Who writes the source into a partitioned Delta table: s3-assets, and the shortest scripts without it.

All write ZSTD level 1. Each runs in a process of its own, by `benchmarks.child`.
"""

from collections.abc import Callable, Mapping
from datetime import date

from benchmarks.ground import BUCKET, Ground


def ours(place: Mapping[str, str], source: str, target: str) -> None:
    """The import of s3-assets: ledger, parts, audit, commit with the cursor."""
    from s3_assets.incremental.append import append_new
    from s3_assets.tables.open import open_table
    from s3_assets.tables.settings import DeltaSettings, ParquetSettings, Partitions

    connection = Ground(**place).connection
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


def sink_delta(place: Mapping[str, str], source: str, target: str) -> None:
    """Polars' own sink."""
    import polars as pl
    from deltalake import WriterProperties

    options = Ground(**place).options
    pl.scan_parquet(f"s3://{BUCKET}/{source}**/*.parquet", storage_options=options).sink_delta(
        f"s3://{BUCKET}/{target}",
        mode="append",
        storage_options=options,
        delta_write_options={
            "partition_by": ["day"],
            "writer_properties": WriterProperties(compression="ZSTD", compression_level=1),
        },
    )


def write_deltalake(place: Mapping[str, str], source: str, target: str) -> None:
    """A stream of Polars' batches into delta-rs."""
    import polars as pl
    from deltalake import WriterProperties
    from deltalake import write_deltalake as write

    options = Ground(**place).options
    scan = pl.scan_parquet(f"s3://{BUCKET}/{source}**/*.parquet", storage_options=options)
    write(
        f"s3://{BUCKET}/{target}",
        scan.collect_batches(lazy=True),
        mode="append",
        partition_by=["day"],
        storage_options=options,
        writer_properties=WriterProperties(compression="ZSTD", compression_level=1),
    )


LIBRARIES = ("deltalake", "obstore", "polars")
CONTESTANTS: dict[str, Callable[[Mapping[str, str], str, str], None]] = {
    "s3-assets": ours,
    "sink_delta": sink_delta,
    "write_deltalake": write_deltalake,
}
