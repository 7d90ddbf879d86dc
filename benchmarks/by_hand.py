"""The shortest scripts with the libraries that s3-assets is made of: count the rows, add up one column."""

import io
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import polars as pl

from benchmarks.ground import BUCKET, Ground

_RANGE = 8 * 1024 * 1024


def _counted(frame: pl.LazyFrame) -> tuple[int, float]:
    rows, amount = frame.select(pl.len(), pl.col("amount").sum()).collect(engine="streaming").row(0)
    return rows, amount


def _files(place: Mapping[str, str], path: str) -> list[str]:
    import obstore

    found = [item["path"] for chunk in obstore.list(Ground(**place).store, f"{path}/") for item in chunk]
    return sorted(found)


def polars(place: Mapping[str, str], kind: str, path: str) -> tuple[int, float]:
    """Polars' own scan of each format."""
    ground = Ground(**place)
    url, options = f"s3://{BUCKET}/{path}", ground.options
    if kind == "parquet":
        return _counted(pl.scan_parquet(f"{url}/**/*.parquet", storage_options=options))
    if kind == "delta":
        return _counted(pl.scan_delta(url, storage_options=options))
    if kind == "iceberg":
        from benchmarks.formats import ICEBERG_NAMESPACE, iceberg_catalog

        table = iceberg_catalog(ground).load_table(f"{ICEBERG_NAMESPACE}.{path}")
        return _counted(pl.scan_iceberg(table, storage_options=options))
    if kind in {"csv", "tsv"}:
        separator = "\t" if kind == "tsv" else ","
        return _counted(pl.scan_csv(f"{url}/*.{kind}", separator=separator, storage_options=options))
    if kind == "jsonl":
        return _counted(pl.scan_ndjson(f"{url}/*.{kind}", storage_options=options))
    return _whole_json(ground, _files(place, path))


def _whole_json(ground: Ground, files: list[str]) -> tuple[int, float]:
    """Polars scans no JSON: each file is read as a whole, one after the other."""
    import obstore

    rows, amount = 0, 0.0
    for file in files:
        frame = pl.read_json(bytes(obstore.get(ground.store, file).bytes()))
        rows, amount = rows + frame.height, amount + float(frame["amount"].sum())
    return rows, amount


def polars_avro(place: Mapping[str, str], kind: str, path: str) -> tuple[int, float]:
    """polars-avro on files that obstore's fsspec opens, with larger batches than its default."""
    del kind
    import polars_avro

    opened = [_opened(place, file) for file in _files(place, path)]
    return _counted(polars_avro.scan_avro(opened, batch_size=32_768))


def fastavro(place: Mapping[str, str], kind: str, path: str) -> tuple[int, float]:
    """fastavro, row by row."""
    del kind
    import fastavro

    rows, amount = 0, 0.0
    schema = {
        "type": "record",
        "name": "topLevelRecord",
        "fields": [{"name": "amount", "type": ["null", "double"]}],
    }
    for file in _files(place, path):
        with _opened(place, file) as stream:
            records: Iterator[Any] = fastavro.reader(stream, reader_schema=schema)
            for record in records:
                rows, amount = rows + 1, amount + record["amount"]
    return rows, amount


class _Opened(io.RawIOBase):
    """An object of obstore as a file of Python's, which both libraries ask for."""

    def __init__(self, found: Any) -> None:  # noqa: ANN401 - obstore exports no name for it
        self._found = found

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return int(self._found.seek(offset, whence))

    def tell(self) -> int:
        return int(self._found.tell())

    def readinto(self, buffer: Any, /) -> int:  # noqa: ANN401 - any buffer
        read = self._found.read(len(buffer))
        buffer[: len(read)] = memoryview(read)
        return len(read)


def _opened(place: Mapping[str, str], file: str) -> BinaryIO:
    import obstore

    found = obstore.open_reader(Ground(**place).store, file, buffer_size=_RANGE)
    return io.BufferedReader(_Opened(found), _RANGE)


def pyiceberg(place: Mapping[str, str], kind: str, path: str) -> tuple[int, float]:
    """PyIceberg's own reader, one column, batch by batch."""
    del kind
    import pyarrow.compute

    from benchmarks.formats import ICEBERG_NAMESPACE, iceberg_catalog

    table = iceberg_catalog(Ground(**place)).load_table(f"{ICEBERG_NAMESPACE}.{path}")
    rows, amount = 0, 0.0
    for batch in table.scan(selected_fields=("amount",)).to_arrow_batch_reader():
        rows, amount = rows + batch.num_rows, amount + pyarrow.compute.sum(batch["amount"]).as_py()
    return rows, amount
