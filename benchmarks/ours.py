"""What s3-assets does in the benchmarks of formats: read a table, write a table."""

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl
from pydantic import TypeAdapter

from benchmarks.ground import Ground
from s3_assets.tables.any_settings import AnyTableSettings

LIBRARIES = ("obstore", "polars", "s3_assets.tables.open", "s3_assets.tables.any_settings")
ENGINES: Mapping[str, tuple[str, ...]] = {
    "delta": ("deltalake",),
    "iceberg": ("pyiceberg.catalog.sql", "pyarrow.parquet"),
    "avro": ("polars_avro", "fastavro"),
}
"""What a format loads besides, which is not measured for its rivals either."""
_ROWS_AT_ONCE = 100_000
# Made when it is imported, as a registry makes its models.
_SETTINGS: TypeAdapter[Any] = TypeAdapter(AnyTableSettings)


def table(place: Mapping[str, str], kind: str, path: str) -> Any:  # noqa: ANN401 - a table of any format
    """The table, as a registry would open it: with nothing said that need not be said."""
    from s3_assets.tables.open import open_table

    told = {"format": kind, "connection": "s3", "path": path}
    if kind == "iceberg":
        told["table"] = f"benchmark.{path}"
    return open_table("rows", _SETTINGS.validate_python(told), Ground(**place).connection)


def writes(place: Mapping[str, str], kind: str) -> bool:
    """Whether the format says that it can be written."""
    from s3_assets.tables.table import Capability

    return Capability.WRITE_WINDOW in table(place, kind, "none").capabilities


def scan(place: Mapping[str, str], kind: str, path: str) -> tuple[int, float]:
    """Count the rows and add up one column."""
    found = (
        table(place, kind, path).scan().select(pl.len(), pl.col("amount").sum()).collect(engine="streaming")
    )
    rows, amount = found.row(0)
    return rows, amount


def read(place: Mapping[str, str], kind: str, path: str) -> None:
    """Read all columns of all rows into a Parquet file that nobody keeps."""
    table(place, kind, path).scan().sink_parquet("/dev/null", compression="zstd", compression_level=1)


def write(place: Mapping[str, str], kind: str, path: str, rows: int) -> int:
    """Write so many rows, made as they are written, into a new table."""
    from s3_assets.incremental.overwrite import overwrite

    return overwrite(table(place, kind, path), generated(rows), window=None).commit.rows


def generated(rows: int) -> pl.LazyFrame:
    """So many rows, of which a few are held at a time."""
    from polars.io.plugins import register_io_source

    from benchmarks import data

    def batches(
        columns: list[str] | None, predicate: pl.Expr | None, limit: int | None, size: int | None
    ) -> Iterator[pl.DataFrame]:
        del size
        left = rows if limit is None else min(rows, limit)
        for start in range(0, left, _ROWS_AT_ONCE):
            batch = data.rows(start, min(_ROWS_AT_ONCE, left - start), rows)
            batch = batch if columns is None else batch.select(columns)
            yield batch if predicate is None else batch.filter(predicate)

    return register_io_source(batches, schema=data.rows(0, 1, rows).schema)
