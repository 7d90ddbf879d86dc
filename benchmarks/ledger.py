"""What it costs to tell new files from old ones: each way among more and more old files; a large ledger."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

import obstore
from deltalake import write_deltalake

from benchmarks import data, ledger_size
from benchmarks.ground import BUCKET, Ground
from s3_assets.incremental.append import append_new
from s3_assets.incremental.cursor_edit import open_stream
from s3_assets.tables.open import open_table
from s3_assets.tables.settings import DeltaSettings, ParquetSettings, Partitions
from s3_assets.tables.table import ReadMode, Table
from tests.support.proxy import RequestProxy
from tests.support.proxy_state import RecordedRequest

SOURCE = "many/"
STREAM = "target/source"
Way = Literal["exact", "path_order", "modified_time"]
WAYS: tuple[Way, ...] = ("exact", "path_order", "modified_time")
ROWS = 10
KILOBYTE = 1e3


def compare(ground: Ground, old_files: Sequence[int], in_ledger: int) -> str:
    return f"{curves(ground, sorted(old_files))}\n\n{ledger_size.measure(ground, in_ledger)}"


@dataclass(frozen=True)
class Run:
    """One import: its seconds, and what went to the server and back."""

    seconds: float
    requests: Sequence[RecordedRequest]

    def cells(self) -> str:
        listings = [each for each in self.requests if _lists_source(each)]
        opened = sum(SOURCE in each.path and "/part-" in each.path for each in self.requests)
        received = sum(each.bytes_out for each in self.requests) / KILOBYTE
        sent = sum(each.bytes_in for each in self.requests) / KILOBYTE
        cells = len(self.requests), len(listings), opened, f"{received:,.0f}", f"{sent:,.0f}"
        return " | ".join([*map(str, cells), f"{self.seconds:.2f}"])


def curves(ground: Ground, old_files: Sequence[int]) -> str:
    """Imports that have read so many files before, by each way of telling new ones."""
    body = data.parquet(data.rows(0, ROWS, ROWS))
    lines = [
        "An import that has read so many files before:",
        "",
        "| incremental | old files | run | requests | listings | old files read | KB in | KB out | s |",
        "|---|---:|---|---:|---:|---:|---:|---:|---:|",
    ]
    there = 0
    with RequestProxy(ground.endpoint) as proxy:
        for count in old_files:
            _fill(ground, range(there, count), body)
            there = count
            for way in WAYS:
                _begin(ground, way, count)
                for run, new in (("nothing new", 0), ("one new file", 1)):
                    if new:
                        # Behind all others by name and by time.
                        obstore.put(ground.store, f"{SOURCE}z-{count:07d}-{way}.parquet", body)
                    done = _run(ground, proxy, way, count, ROWS * new)
                    lines.append(f"| {way} | {count:,} | {run} | {done.cells()} |")
                    print(lines[-1], flush=True)
    ground.clear(SOURCE)
    return "\n".join(lines)


def _fill(ground: Ground, numbers: range, body: bytes) -> None:
    store = ground.store
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: obstore.put(store, f"{SOURCE}part-{n:07d}.parquet", body), numbers))


def _tables(ground: Ground, way: Way, count: int) -> tuple[Table[Any], Table[Any]]:
    path = f"ledger-{way}-{count}"
    partitions = Partitions(column="day", start=date(2026, 1, 1))
    target = DeltaSettings(connection="s3", path=path, partitions=partitions)
    source = ParquetSettings(connection="s3", path=SOURCE, incremental=way)
    return (
        open_table("target", target, ground.connection),
        open_table("source", source, ground.connection),
    )


def _begin(ground: Ground, way: Way, count: int) -> None:
    """Make a target whose cursor has read all that is there: what a run costs does not depend on the rows."""
    target, source = _tables(ground, way, count)
    write_deltalake(
        f"s3://{BUCKET}/{target.settings.path}",
        data.rows(0, ROWS, ROWS),
        partition_by=["day"],
        storage_options=ground.options,
    )
    open_stream(target, STREAM).move(source.plan(ReadMode.ADDED).until)


def _run(ground: Ground, proxy: RequestProxy, way: Way, count: int, rows: int) -> Run:
    target, source = _tables(ground.through(proxy.endpoint), way, count)
    proxy.reset()
    started = time.monotonic()
    done = append_new(target, STREAM, source)
    seconds = time.monotonic() - started
    if done.rows != rows:
        raise RuntimeError(f"{way} among {count:,} files read {done.rows} rows, not {rows}")
    return Run(seconds, proxy.requests())


def _lists_source(request: RecordedRequest) -> bool:
    query = parse_qs(urlsplit(request.path).query)
    return "list-type" in query and query.get("prefix", [""])[0].startswith(SOURCE)
