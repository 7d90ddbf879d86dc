"""The same rows in every format, each written by software that is not this project."""

import io
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import obstore
import polars as pl

from benchmarks import data
from benchmarks.ground import BUCKET, Ground

FORMATS = ("parquet", "delta", "iceberg", "avro", "csv", "tsv", "jsonl", "json")
FILE_MEGABYTES = 64
ICEBERG_NAMESPACE = "benchmark"
_SAMPLE_ROWS = 50_000
_BLOCK_ROWS = 1_000


@dataclass(frozen=True)
class Filled:
    """A table as it was written: what a scan has to find."""

    format: str
    path: str
    rows: int
    bytes: int
    files: int
    amount: float
    """The sum of the column that contestants add up."""


def parquet(frame: pl.DataFrame) -> bytes:
    return data.parquet(frame)


def avro(frame: pl.DataFrame) -> bytes:
    import polars_avro

    buffer = io.BytesIO()
    # Each frame becomes a block; those of other writers, such as Java's, have 64 KB before they are packed.
    polars_avro.write_avro(frame.iter_slices(_BLOCK_ROWS), buffer, codec=polars_avro.Codec.Snappy)
    return buffer.getvalue()


def csv(frame: pl.DataFrame) -> bytes:
    return frame.write_csv().encode()


def tsv(frame: pl.DataFrame) -> bytes:
    return frame.write_csv(separator="\t").encode()


def jsonl(frame: pl.DataFrame) -> bytes:
    return frame.write_ndjson().encode()


def json(frame: pl.DataFrame) -> bytes:
    return frame.write_json().encode()


ENCODERS: dict[str, Callable[[pl.DataFrame], bytes]] = {
    "parquet": parquet,
    "delta": parquet,
    "iceberg": parquet,
    "avro": avro,
    "csv": csv,
    "tsv": tsv,
    "jsonl": jsonl,
    "json": json,
}


def rows_of(kind: str, megabytes: float) -> tuple[int, int]:
    """How many rows have so many stored bytes, and how many of them go into one file."""
    sample = data.rows(0, _SAMPLE_ROWS, _SAMPLE_ROWS)
    each = len(ENCODERS[kind](sample)) / sample.height
    files = max(math.ceil(megabytes / FILE_MEGABYTES), 1)
    per_file = max(math.ceil(megabytes * 1e6 / each / files), 1)
    return per_file * files, per_file


def fill(ground: Ground, kind: str, path: str, megabytes: float, *, times: int = 1) -> Filled:
    """Write the rows so many times."""
    total, per_file = rows_of(kind, megabytes)
    amount = 0.0

    def frames() -> Iterator[pl.DataFrame]:
        nonlocal amount
        for _ in range(times):
            for start in range(0, total, per_file):
                frame = data.rows(start, min(per_file, total - start), total)
                amount += float(frame["amount"].sum())
                yield frame

    write(ground, kind, path, frames())
    prefix = f"{path}/"
    found = [
        item
        for chunk in obstore.list(ground.store, prefix)
        for item in chunk
        if not any(name in item["path"] for name in ("/_delta_log/", "/metadata/"))
    ]
    return Filled(kind, path, total * times, sum(item["size"] for item in found), len(found), amount)


def write(ground: Ground, kind: str, path: str, frames: Iterator[pl.DataFrame]) -> None:
    """Write each frame into a file, or append it to the table."""
    _WRITERS.get(kind, _write_files)(ground, kind, path, frames)


def _write_files(ground: Ground, kind: str, path: str, frames: Iterator[pl.DataFrame]) -> None:
    for number, frame in enumerate(frames):
        obstore.put(ground.store, f"{path}/part-{number:05d}.{kind}", ENCODERS[kind](frame))


def _write_delta(ground: Ground, kind: str, path: str, frames: Iterator[pl.DataFrame]) -> None:
    del kind
    from deltalake import WriterProperties, write_deltalake

    for frame in frames:
        write_deltalake(
            f"s3://{BUCKET}/{path}",
            frame,
            mode="append",
            storage_options=ground.options,
            writer_properties=WriterProperties(compression="ZSTD", compression_level=1),
        )


def _write_iceberg(ground: Ground, kind: str, path: str, frames: Iterator[pl.DataFrame]) -> None:
    del kind
    catalog = iceberg_catalog(ground)
    catalog.create_namespace_if_not_exists(ICEBERG_NAMESPACE)
    table: Any = None
    for frame in frames:
        rows = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
        if table is None:
            table = catalog.create_table(
                f"{ICEBERG_NAMESPACE}.{path}", rows.schema, location=f"s3://{BUCKET}/{path}"
            )
        table.append(rows)


def iceberg_catalog(ground: Ground) -> Any:  # noqa: ANN401 - one of PyIceberg's catalogs
    from pyiceberg.catalog import load_catalog

    return load_catalog("default", **ground.iceberg)


_WRITERS: dict[str, Callable[[Ground, str, str, Iterator[pl.DataFrame]], None]] = {
    "delta": _write_delta,
    "iceberg": _write_iceberg,
}
