"""Requests and seconds of an import that finds nothing new, and one new file, among many old ones."""

import time
from concurrent.futures import ThreadPoolExecutor

import obstore

from benchmarks import data
from benchmarks.contestants import ours
from benchmarks.ground import Ground
from tests.support.proxy import RequestProxy

SOURCE = "many/"
TARGET = "ledger-target/"


def compare(ground: Ground, files: int) -> str:
    store = ground.store
    body = data.parquet(data.rows(0, 10, 140))
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda n: obstore.put(store, f"{SOURCE}part-{n:05d}.parquet", body), range(files)))
    lines = [
        f"An import that has read {files:,} files before:",
        "",
        "| | s | requests | of old files |",
        "|---|---:|---:|---:|",
    ]
    with RequestProxy(ground.endpoint) as proxy:
        for name, new in ((f"first run, {files:,} files", 0), ("nothing new", 0), ("one new file", 1)):
            if new:
                obstore.put(store, f"{SOURCE}a-late-one.parquet", body)
            proxy.reset()
            started = time.monotonic()
            ours(ground.through(proxy.endpoint).place, SOURCE, TARGET)
            seconds = time.monotonic() - started
            requests = proxy.requests()
            old = sum("/part-0" in each.path and SOURCE in each.path for each in requests)
            lines.append(f"| {name} | {seconds:.2f} | {len(requests)} | {old} |")
    return "\n".join(lines)
