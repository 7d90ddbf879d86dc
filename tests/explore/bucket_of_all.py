"""A bucket with every layout, mixed, and with the traps; and what lies in it, written by hand."""

import io
import json
from pathlib import Path
from typing import Any

import polars as pl

DATA = Path(__file__).parent.parent / "data"

ORDERS = b"id;amount\n1;2.5\n2;3.5\n"
PEOPLE = b"id,name,city\n1,Ann,Bern\n2,Bo,Oslo\n"
PRICES = b"sku,price\na,1.5\nb,2.5\n"
LINES = b'{"id": 1, "text": "a"}\n{"id": 2, "text": "b"}\n'
PNG = b"\x89PNG\r\n\x1a\n" + bytes(32)
MANIFEST = {
    "entries": [
        {"dataPath": "told/sales", "structureFormat": "csv", "separator": ";", "isPartitioned": True},
        {"dataPath": "told/many", "structureFormat": "parquet", "depth": 1},
        {"dataPath": "told/**/*.jsonl", "structureFormat": "json", "excludePaths": ["old"]},
        {"dataPath": "told/scans", "unstructuredFormats": ["tif"]},
        {"dataPath": "told/nothing", "structureFormat": "avro"},
    ]
}


def parquet(**columns: Any) -> bytes:
    buffer = io.BytesIO()
    pl.DataFrame(columns or {"id": [1, 2], "name": ["a", "b"]}).write_parquet(buffer)
    return buffer.getvalue()


def objects() -> dict[str, bytes]:
    """Return all keys of the bucket, and their bodies."""
    rows = parquet()
    return {
        # Tables with a log, one of them inside a Hive folder of another table.
        **delta("lake/events"),
        **delta("raw/clicks/date=2026-01-07"),
        "ice/db/trips/metadata/00000-aa.metadata.json": b"{}",
        "ice/db/trips/metadata/snap-1.avro": b"Obj\x01",
        "ice/db/trips/data/part-0.parquet": rows,
        # Hive folders: days, with markers of Spark; and two levels, months below a region.
        **{f"raw/clicks/date=2026-01-{day:02d}/part-0.parquet": rows for day in range(1, 31) if day != 7},
        "raw/clicks/_SUCCESS": b"",
        "raw/clicks/date=2026-01-01/.part-0.parquet.crc": b"crc",
        "raw/clicks/date=2026-01-02/_SUCCESS": b"done",
        "raw/clicks/_temporary/0/part-9.parquet": rows,
        **{
            f"raw/usage/region={region}/month={month}-01/u.csv": PEOPLE
            for region in ("eu", "us")
            for month in ("2026-01", "2026-02", "2026-03")
        },
        # Folders of one format; of two; with files beside folders.
        **{f"landing/orders/o{number}.csv": ORDERS for number in range(5)},
        "landing/orders/empty.csv": b"",
        "landing/orders/readme.md": b"# Orders\n",
        **{f"landing/mixed/{number}.jsonl": LINES for number in range(3)},
        **{f"landing/mixed/{number}.parquet": rows for number in range(3)},
        "beside/a1.csv": PEOPLE,
        "beside/a2.csv": PEOPLE,
        "beside/deeper/p.parquet": rows,
        # Each file a table of its own.
        "dumps/people.csv": PEOPLE,
        "dumps/prices.csv": PRICES,
        # Dates that are no Hive folders, and tables inside dates.
        **{f"logs/2026/0{month}/1{day}/app.jsonl.gz": packed(LINES) for month in (1, 2) for day in range(3)},
        **{f"snapshots/2026-01-0{day}/people/p.csv": PEOPLE for day in (1, 2)},
        **{f"snapshots/2026-01-0{day}/prices/p.csv": PRICES for day in (1, 2)},
        # Media, in folders below each other.
        "photos/2026/01/a.jpg": b"\xff\xd8\xff" + bytes(9),
        "photos/2026/02/b.png": PNG,
        "scans/left/1.tif": b"II*\x00" + bytes(9),
        "scans/right/2.tif": b"II*\x00" + bytes(9),
        # What nobody wants: prose, code, empty and hidden folders, what s3-assets writes.
        "docs/notes.md": b"# Notes\n",
        "docs/letter.txt": b"Dear all,\nthis is a letter.\n",
        "code/job.py": b"print(1)\n",
        "empty/": b"",
        "empty/also.csv": b"",
        "_s3_assets/exports/x/log/commit-00000000000000000000.json": b"{}",
        ".trash/old.csv": PEOPLE,
        # Spoken of by the manifest.
        "openmetadata.json": json.dumps(MANIFEST, indent=2).encode(),
        "told/sales/day=2026-01-01/s.csv": ORDERS,
        "told/sales/day=2026-01-02/s.csv": ORDERS,
        "told/many/one/x/p.parquet": rows,
        "told/many/two/p.parquet": rows,
        "told/deep/er/lines.jsonl": LINES,
        "told/deep/old/lines.jsonl": LINES,
        "told/scans/1.tif": b"II*\x00" + bytes(9),
    }


WANTED = {
    "lake/events/": "delta",
    "raw/clicks/date=2026-01-07/": "delta",
    "ice/db/trips/": "iceberg",
    "raw/clicks/": "parquet",
    "raw/usage/": "csv",
    "landing/orders/": "csv",
    "landing/mixed/": "jsonl parquet",
    "beside/": "csv",
    "beside/deeper/": "parquet",
    "dumps/": "csv csv",
    "logs/": "jsonl",
    "snapshots/": "csv csv",
    "photos/": "media",
    "scans/": "media",
    "told/sales/": "csv",
    "told/many/one/": "parquet",
    "told/many/two/": "parquet",
    "told/deep/er/": "jsonl",
    "told/scans/": "media",
}
"""Folders, and what is to be found in each, sorted."""


def delta(folder: str) -> dict[str, bytes]:
    """Return a table of another writer, below a folder."""
    root = DATA / "delta" / "cdf-table"
    files = [path for path in root.rglob("*") if path.is_file() and "_change_data" not in path.parts]
    return {f"{folder}/{path.relative_to(root).as_posix()}": path.read_bytes() for path in files}


def packed(data: bytes) -> bytes:
    import gzip

    return gzip.compress(data, mtime=0)
