"""Requests, bytes and seconds of runs that find nothing new, or one new commit, behind many old ones.

The sources are Delta and Iceberg tables. Their first commit is real; the old ones are written by hand, as
writers leave them, and their data files are not: nobody reads those. Delta: an entry for each version, and a
checkpoint. Iceberg: a snapshot for each in the metadata, with manifests that were merged.
"""

import io
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import obstore
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable, write_deltalake

from benchmarks.ground import BUCKET, Ground
from s3_assets.connection import S3Connection
from s3_assets.incremental.append import append_new
from s3_assets.incremental.cursor_edit import open_stream
from s3_assets.tables.iceberg_settings import IcebergSettings
from s3_assets.tables.open import open_table
from s3_assets.tables.positions import Limit, VersionPosition
from s3_assets.tables.settings import DeltaSettings
from s3_assets.tables.table import ReadMode, Table
from tests.support.proxy import RequestProxy

STREAM = "target/source"
TAKEN = 100
MAPS = ("partitionValues", "configuration", "options")


_TEXTS = pa.map_(pa.string(), pa.string())
_FORMAT = pa.struct({"provider": pa.string(), "options": _TEXTS})
# Delta Transaction Log Protocol, "Checkpoints": a column for each kind of action.
CHECKPOINT = pa.schema(
    {
        "protocol": pa.struct({"minReaderVersion": pa.int32(), "minWriterVersion": pa.int32()}),
        "metaData": pa.struct(
            {
                "id": pa.string(),
                "name": pa.string(),
                "description": pa.string(),
                "format": _FORMAT,
                "schemaString": pa.string(),
                "partitionColumns": pa.list_(pa.string()),
                "configuration": _TEXTS,
                "createdTime": pa.int64(),
            }
        ),
        "add": pa.struct(
            {
                "path": pa.string(),
                "partitionValues": _TEXTS,
                "size": pa.int64(),
                "modificationTime": pa.int64(),
                "dataChange": pa.bool_(),
                "stats": pa.string(),
            }
        ),
        "remove": pa.struct({"path": pa.string(), "deletionTimestamp": pa.int64(), "dataChange": pa.bool_()}),
        "txn": pa.struct({"appId": pa.string(), "version": pa.int64(), "lastUpdated": pa.int64()}),
    }
)


def _time(version: int) -> int:
    return 1_700_000_000_000 + version


def _old_file(version: int) -> dict[str, Any]:
    """A file that an old commit added, and that is not there."""
    stats = {
        "numRecords": 1000,
        "minValues": {"number": version * 1000},
        "maxValues": {"number": version * 1000 + 999},
        "nullCount": {"number": 0},
    }
    return {
        "path": f"part-{uuid5(NAMESPACE_URL, str(version))}-c000.snappy.parquet",
        "partitionValues": {},
        "size": 25_000_000,
        "modificationTime": _time(version),
        "dataChange": True,
        "stats": json.dumps(stats),
    }


def _mapped(action: dict[str, Any]) -> dict[str, Any]:
    """An action with its maps as Arrow takes them."""

    def plain(key: str, value: object) -> object:
        if not isinstance(value, dict):
            return value
        return list(value.items()) if key in MAPS else _mapped(value)

    return {key: plain(key, value) for key, value in action.items()}


class DeltaSource:
    """A Delta table with so many commits."""

    name = "Delta"

    def __init__(self, ground: Ground, commits: int) -> None:
        self._ground, self._commits = ground, commits
        self.path = f"commits-delta-{commits}/"

    def begin(self) -> None:
        self.add(0)

    def age(self) -> None:
        """Add the old commits, and the checkpoint that their last one brings."""

        def put(version: int) -> None:
            info = {"timestamp": _time(version), "operation": "WRITE"}
            lines = [json.dumps({"commitInfo": info}), json.dumps({"add": _old_file(version)})]
            obstore.put(store, self._entry(version), "\n".join(lines).encode())

        store = self._ground.store
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(put, range(1, self._commits)))
        first = bytes(obstore.get(store, self._entry(0)).bytes()).decode().splitlines()
        actions = [json.loads(line) for line in first]
        old = [{"add": _old_file(version)} for version in range(1, self._commits)]
        kept = [each for each in actions if each.keys() & set(CHECKPOINT.names)]
        buffer = io.BytesIO()
        pq.write_table(pa.Table.from_pylist([_mapped(each) for each in [*kept, *old]], CHECKPOINT), buffer)
        last = self._commits - 1
        obstore.put(store, f"{self.path}_delta_log/{last:020d}.checkpoint.parquet", buffer.getvalue())
        told = json.dumps({"version": last, "size": len(kept) + len(old)})
        obstore.put(store, f"{self.path}_delta_log/_last_checkpoint", told.encode())

    def _entry(self, version: int) -> str:
        return f"{self.path}_delta_log/{version:020d}.json"

    def add(self, number: int) -> None:
        write_deltalake(
            f"s3://{BUCKET}/{self.path}",
            pl.DataFrame({"number": [number]}),
            mode="append",
            storage_options=self._ground.options,
        )

    def positions(self) -> tuple[VersionPosition, VersionPosition]:
        """The first version and the newest."""
        handle = self._handle()
        identity = str(handle.metadata().id)
        return VersionPosition(0, identity), VersionPosition(handle.version(), identity)

    def table(self, connection: S3Connection) -> Table[Any]:
        return open_table("source", DeltaSettings(connection="s3", path=self.path), connection)

    def _handle(self) -> DeltaTable:
        return DeltaTable(f"s3://{BUCKET}/{self.path}", storage_options=self._ground.options)


class IcebergSource:
    """An Iceberg table with so many snapshots."""

    name = "Iceberg"

    def __init__(self, ground: Ground, commits: int) -> None:
        from pyiceberg.catalog import load_catalog

        self._commits = commits
        self._store = ground.store
        self._catalog = load_catalog("default", **ground.iceberg)
        self.path = f"commits.iceberg_{commits}"

    def begin(self) -> None:
        self._catalog.create_namespace_if_not_exists("commits")
        self._catalog.create_table(self.path, pa.schema([("number", pa.int64())]))
        self.add(0)

    def age(self) -> None:
        """Put ancestors before the one snapshot that there is."""
        key = self._catalog.load_table(self.path).metadata_location.removeprefix(f"s3://{BUCKET}/")
        metadata = json.loads(bytes(obstore.get(self._store, key).bytes()))
        (newest,) = metadata["snapshots"]
        began = newest["timestamp-ms"] - self._commits
        old = [
            {
                "snapshot-id": number,
                **({"parent-snapshot-id": number - 1} if number > 1 else {}),
                "sequence-number": number,
                "timestamp-ms": began + number,
                "manifest-list": newest["manifest-list"].replace("snap-", f"old-{number}-"),
                "summary": {
                    "operation": "append",
                    "added-data-files": "1",
                    "added-files-size": "25000000",
                    "added-records": "1000",
                    "total-data-files": str(number),
                    "total-records": str(1000 * number),
                },
                "schema-id": 0,
            }
            for number in range(1, self._commits)
        ]
        newest |= {"parent-snapshot-id": self._commits - 1, "sequence-number": self._commits}
        log = [{"snapshot-id": each["snapshot-id"], "timestamp-ms": each["timestamp-ms"]} for each in old]
        metadata |= {
            "snapshots": [*old, newest],
            "snapshot-log": [*log, *metadata["snapshot-log"]],
            "last-sequence-number": self._commits,
        }
        obstore.put(self._store, key, json.dumps(metadata).encode())

    def add(self, number: int) -> None:
        self._catalog.load_table(self.path).append(pa.table({"number": pa.array([number], pa.int64())}))

    def positions(self) -> tuple[VersionPosition, VersionPosition]:
        """The first snapshot and the newest."""
        metadata = self._catalog.load_table(self.path).metadata
        identity = str(metadata.table_uuid)
        newest = metadata.current_snapshot_id
        if newest is None:
            raise RuntimeError
        return VersionPosition(1, identity), VersionPosition(newest, identity)

    def table(self, connection: S3Connection) -> Table[Any]:
        return open_table("source", IcebergSettings(connection="s3", table=self.path), connection)


SOURCES: tuple[Callable[[Ground, int], DeltaSource | IcebergSource], ...] = (DeltaSource, IcebergSource)


def compare(ground: Ground, counts: tuple[int, ...]) -> str:
    """For each number of old commits: a run with nothing new, one with one new commit, a limited plan."""
    told = f"and the plan of a catch-up over all of them with a limit of {TAKEN} files"
    lines = [
        f"Imports from tables with old commits into a Delta table, {told}:",
        "",
        "| source | old commits | | s | requests | of the source | KB of the source |",
        "|---|---:|---|---:|---:|---:|---:|",
    ]
    with RequestProxy(ground.endpoint) as proxy:
        for make in SOURCES:
            for count in counts:
                lines += _measured(ground, proxy, make(ground, count), count)
    return "\n".join(lines)


def _measured(
    ground: Ground, proxy: RequestProxy, source: DeltaSource | IcebergSource, count: int
) -> list[str]:
    target = f"commits-target-{source.name.lower()}-{count}/"

    def tables(connection: S3Connection) -> tuple[Table[Any], Table[Any]]:
        made = open_table("target", DeltaSettings(connection="s3", path=target), connection)
        return made, source.table(connection)

    def run() -> int:
        written, read = tables(ground.through(proxy.endpoint).connection)
        return append_new(written, STREAM, read).rows

    def plan() -> int:
        read = source.table(ground.through(proxy.endpoint).connection)
        return read.plan(ReadMode.ADDED, since=first, limit=Limit(files=TAKEN)).files

    source.begin()
    written, read = tables(ground.connection)
    append_new(written, STREAM, read)
    source.age()
    first, newest = source.positions()
    open_stream(written, STREAM).move(newest)
    lines = [_line(source, count, "nothing new", proxy, run, 0)]
    source.add(1)
    lines.append(_line(source, count, "one new commit", proxy, run, 1))
    if isinstance(source, DeltaSource):
        # Of the snapshots that are written by hand there are no manifests to plan with.
        lines.append(_line(source, count, f"plan of {TAKEN} files", proxy, plan, min(TAKEN, count)))
    return lines


def _line(
    source: DeltaSource | IcebergSource,
    count: int,
    name: str,
    proxy: RequestProxy,
    work: Callable[[], int],
    expected: int,
) -> str:
    proxy.reset()
    started = time.monotonic()
    found = work()
    seconds = time.monotonic() - started
    if found != expected:
        raise RuntimeError(f"{source.name}, {count:,} commits, {name}: {found}, not {expected}")
    requests = proxy.requests()
    own = [each for each in requests if "commits-target" not in each.path]
    size = sum(each.bytes_out for each in own)
    print(f"  {source.name}, {count:,}, {name}: {seconds:.2f} s, {len(requests)} requests", flush=True)
    return (
        f"| {source.name} | {count:,} | {name} | {seconds:.2f} | {len(requests)} | {len(own)} | "
        f"{size / 1000:,.0f} |"
    )
