"""The shortest scripts that do the suite's jobs with the libraries that s3-assets is made of.

None keeps a cursor beside the rows, audits what it wrote or tells what it did, and all of them write the rows
twice when they are run twice. All write ZSTD level 1 where s3-assets does.
"""

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.formats import iceberg_catalog
from benchmarks.ground import BUCKET, Ground


def rows_of(place: Mapping[str, str], kind: str, source: str) -> pl.LazyFrame:
    url, options = f"s3://{BUCKET}/{source}", Ground(**place).options
    if kind == "parquet":
        return pl.scan_parquet(f"{url}**/*.parquet", storage_options=options)
    return pl.scan_ndjson(f"{url}*.{kind}", storage_options=options)


def sink_delta(place: Mapping[str, str], kind: str, source: str, into: str, target: str) -> None:
    """Polars' own sink."""
    del into
    from deltalake import WriterProperties

    rows_of(place, kind, source).sink_delta(
        f"s3://{BUCKET}/{target}",
        mode="append",
        storage_options=Ground(**place).options,
        delta_write_options={"writer_properties": WriterProperties(compression="ZSTD", compression_level=1)},
    )


def write_deltalake(place: Mapping[str, str], kind: str, source: str, into: str, target: str) -> None:
    """A stream of Polars' batches into delta-rs."""
    del into
    import deltalake

    deltalake.write_deltalake(
        f"s3://{BUCKET}/{target}",
        rows_of(place, kind, source).collect_batches(lazy=True),
        mode="append",
        storage_options=Ground(**place).options,
        writer_properties=deltalake.WriterProperties(compression="ZSTD", compression_level=1),
    )


def sink_iceberg(place: Mapping[str, str], kind: str, source: str, into: str, target: str) -> None:
    """Polars' own sink into a table that PyIceberg creates."""
    del into
    rows = rows_of(place, kind, source)
    table = _created(place, target, rows)
    rows.sink_iceberg(table, mode="append", storage_options=Ground(**place).options, compression_level=1)


def pyiceberg(place: Mapping[str, str], kind: str, source: str, into: str, target: str) -> None:
    """A stream of Polars' batches into PyIceberg's own writer."""
    del into
    import pyarrow as pa

    rows = rows_of(place, kind, source)
    table, schema = _created(place, target, rows), _arrow_schema(rows)
    batches = (
        batch
        for frame in rows.collect_batches(lazy=True)
        for batch in frame.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(schema).to_batches()
    )
    table.append(pa.RecordBatchReader.from_batches(schema, batches))


def _created(place: Mapping[str, str], target: str, rows: pl.LazyFrame) -> Any:  # noqa: ANN401 - PyIceberg's
    path = target.rstrip("/")
    catalog = iceberg_catalog(Ground(**place))
    catalog.create_namespace_if_not_exists("benchmark")
    return catalog.create_table(
        f"benchmark.{path}",
        _arrow_schema(rows),
        location=f"s3://{BUCKET}/{path}",
        properties={"write.parquet.compression-codec": "zstd", "write.parquet.compression-level": "1"},
    )


def _arrow_schema(rows: pl.LazyFrame) -> Any:  # noqa: ANN401 - PyArrow's
    empty = rows.collect_schema().to_frame()
    return empty.to_arrow(compat_level=pl.CompatLevel.oldest()).schema


def pushdown(place: Mapping[str, str], kind: str, path: str, day: str) -> tuple[int, float]:
    """Polars' own scan, a day's rows, one column."""
    ground = Ground(**place)
    url, options = f"s3://{BUCKET}/{path}", ground.options
    match kind:
        case "parquet":
            rows = pl.scan_parquet(f"{url}/**/*.parquet", storage_options=options)
        case "delta":
            rows = pl.scan_delta(url, storage_options=options)
        case _:
            table = iceberg_catalog(ground).load_table(f"benchmark.{path}")
            rows = pl.scan_iceberg(table, storage_options=options)
    found = (
        rows.filter(pl.col("day") == date.fromisoformat(day))
        .select(pl.len(), pl.col("amount").sum())
        .collect(engine="streaming")
        .row(0)
    )
    return found[0], found[1]


def pyiceberg_pushdown(place: Mapping[str, str], kind: str, path: str, day: str) -> tuple[int, float]:
    del kind
    import pyarrow.compute

    table = iceberg_catalog(Ground(**place)).load_table(f"benchmark.{path}")
    rows, amount = 0, 0.0
    scan = table.scan(row_filter=f"day = '{day}'", selected_fields=("amount",))
    for batch in scan.to_arrow_batch_reader():
        rows, amount = rows + batch.num_rows, amount + (pyarrow.compute.sum(batch["amount"]).as_py() or 0.0)
    return rows, amount


def new_files(place: Mapping[str, str], kind: str, source: str, into: str, target: str, state: str) -> None:
    """List, leave out the names that a local file has, write the rest, and keep the names."""
    del kind, into
    import obstore
    from deltalake import write_deltalake as write

    ground, kept = Ground(**place), Path(state) / "names.json"
    known = set(json.loads(kept.read_text())) if kept.exists() else set()
    there = {item["path"] for chunk in obstore.list(ground.store, source) for item in chunk}
    if new := sorted(there - known):
        urls = [f"s3://{BUCKET}/{each}" for each in new]
        rows = pl.scan_parquet(urls, storage_options=ground.options)
        write(
            f"s3://{BUCKET}/{target}",
            rows.collect_batches(lazy=True),
            mode="append",
            storage_options=ground.options,
        )
    kept.write_text(json.dumps(sorted(there)))


def load_definitions(file: str, count: int) -> int:
    """As many plain `@asset` functions, with the same keys and dependencies and nothing else."""
    del file
    from benchmarks.definitions_child import Meter, plain

    definitions = plain(Meter(), count)
    definitions.get_repository_def()
    return len(definitions.resolve_asset_graph().get_all_asset_keys())
