"""What a run left behind, counted and added up by PyArrow and PyIceberg; Polars writes most of it."""

from collections.abc import Iterable
from typing import Any

import obstore
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet
from isal import isal_zlib

from benchmarks.formats import iceberg_catalog
from benchmarks.ground import BUCKET, Ground
from benchmarks.suite.job import WrongResultError

_CLOSE = 1e-9
_GZIP = 16 + isal_zlib.MAX_WBITS
_COLUMN = "amount"


def same(who: str, found: tuple[int, float], expected: tuple[int, float]) -> None:
    """Compare rows and a sum; sums of fractions depend a little on the order.

    Raises:
        WrongResultError: they differ.

    """
    rows, amount = expected
    if found[0] != rows or abs(found[1] - amount) > _CLOSE * max(abs(amount), 1):
        raise WrongResultError(f"{who}: {found[0]:,} rows and {found[1]}, not {rows:,} and {amount}")


def delta(ground: Ground, target: str) -> tuple[int, float]:
    """The live files as delta-rs names them; a table below the prefix will do."""
    from deltalake import DeltaTable

    logs = [path for path in _keys(ground, target) if "/_delta_log/" in path]
    root = logs[0].partition("/_delta_log/")[0]
    table = DeltaTable(f"s3://{BUCKET}/{root}", storage_options=ground.options)
    return _files(ground, [uri.removeprefix(f"s3://{BUCKET}/") for uri in table.file_uris()])


def iceberg(ground: Ground, target: str) -> tuple[int, float]:
    """The table of the catalog, or one that lies below the prefix by itself."""
    from pyiceberg.table import StaticTable

    catalog, named = iceberg_catalog(ground), _named(ground, target)
    if named is None:
        newest = max(path for path in _keys(ground, target) if path.endswith(".metadata.json"))
        table: Any = StaticTable.from_metadata(f"s3://{BUCKET}/{newest}", ground.iceberg)
    else:
        table = catalog.load_table(named)
    batches = table.scan(selected_fields=(_COLUMN,)).to_arrow_batch_reader()
    return _added(batches)


def forget(ground: Ground, target: str) -> None:
    """Take the table out of the catalog."""
    named = _named(ground, target)
    if named is not None:
        iceberg_catalog(ground).drop_table(named)


def _named(ground: Ground, target: str) -> str | None:
    """What the catalog calls the table: the target's name, or an asset's."""
    catalog = iceberg_catalog(ground)
    names = (f"benchmark.{target.rstrip('/')}", "benchmark.rows")
    return next((name for name in names if catalog.table_exists(name)), None)


def parquet(ground: Ground, target: str) -> tuple[int, float]:
    return _files(ground, [path for path in _keys(ground, target) if path.endswith(".parquet")])


def csv_gz(ground: Ground, target: str) -> tuple[int, float]:
    """Lines without the header of each file; the sum is left to those who parse."""
    rows = 0
    for path in _keys(ground, target):
        if ".csv" in path and not path.endswith(".json"):
            rows += _lines(ground, path) - 1
    return rows, 0.0


def _lines(ground: Ground, path: str) -> int:
    lines, unpacker = 0, isal_zlib.decompressobj(_GZIP)
    for chunk in obstore.get(ground.store, path).stream():
        rest = bytes(chunk)
        while rest:
            lines += unpacker.decompress(rest).count(b"\n")
            rest = unpacker.unused_data
            if unpacker.eof:
                unpacker = isal_zlib.decompressobj(_GZIP)
    return lines


def _files(ground: Ground, paths: Iterable[str]) -> tuple[int, float]:
    rows, amount = 0, 0.0
    for path in paths:
        body = pa.py_buffer(bytes(obstore.get(ground.store, path).bytes()))
        more, sum_of_it = _added(pyarrow.parquet.ParquetFile(body).iter_batches(columns=[_COLUMN]))
        rows, amount = rows + more, amount + sum_of_it
    return rows, amount


def _added(batches: Iterable[Any]) -> tuple[int, float]:
    rows, amount = 0, 0.0
    for batch in batches:
        rows, amount = rows + batch.num_rows, amount + (pyarrow.compute.sum(batch[_COLUMN]).as_py() or 0.0)
    return rows, amount


def _keys(ground: Ground, prefix: str) -> list[str]:
    return [item["path"] for chunk in obstore.list(ground.store, prefix) for item in chunk]
