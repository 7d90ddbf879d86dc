"""The long jobs, one process each: a read and a write of each engine, and an import.

``python -m tests.connection.long_jobs.jobs`` runs one: its order on standard input, its result on standard
output. A read is as slow as the server; a write is as slow as the rows that it is given.
"""

import hashlib
import json
import sys
import threading
import time
from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from s3_assets.connection import (
    AccessKeyAuth,
    AssumeRole,
    IamRoleAuth,
    RoleSource,
    S3Connection,
    ServiceEndpoints,
)
from s3_assets.connection.ambient import without_ambient_settings
from tests.connection.long_jobs.slow_server import SLOWLY, STREAM

ROWS = 8192
"""In each step of a job (a file, a range, a batch): delta-rs holds fewer back until there are so many."""
_BYTES = ROWS * 8
PART = 5 * 1024 * 1024
"""Bytes in each part of a multipart upload: the least that S3 takes."""
PARTS = 16
USER = ("AKIALONGJOBS", "secret-of-long-jobs")


@dataclass(frozen=True)
class Order:
    """What a process is to do."""

    job: str
    endpoint: str
    bucket: str
    sts: str
    role: str
    seconds: float
    steps: int

    @property
    def url(self) -> str:
        """The job's own folder."""
        return f"s3://{self.bucket}/{self.job}/"

    @property
    def source(self) -> str:
        """Where a read finds its rows."""
        return f"{self.url}{SLOWLY}"

    def connection(self) -> S3Connection:
        """The connection by the job's way to credentials."""
        way = JOBS[self.job].way
        role = AssumeRole(role_arn=self.role, session_name=self.job)
        key, secret = USER
        return S3Connection(
            name="lake",
            url=f"s3://{self.bucket}/",
            endpoint=self.endpoint,
            region="eu-west-3",
            auth=AccessKeyAuth(access_key_id=key, secret_access_key=secret)
            if way == STS
            else IamRoleAuth(source=RoleSource.METADATA),
            assume_role=() if way == CONTAINER else (role,),
            service_endpoints=ServiceEndpoints(sts=self.sts),
        )

    def slow_batches(self) -> Iterator[Any]:
        """All rows in as many batches as there are steps, as long as the job is to last."""
        import pyarrow as pa

        for step in range(self.steps):
            if step:
                time.sleep(self.seconds / (self.steps - 1))
            numbers = pa.array(range(step * ROWS, (step + 1) * ROWS), pa.int64())
            yield pa.record_batch({"number": numbers})

    def slow_reader(self) -> Any:
        """The same as a stream of Arrow."""
        import pyarrow as pa

        return pa.RecordBatchReader.from_batches(pa.schema({"number": pa.int64()}), self.slow_batches())

    def slow_parts(self) -> Iterator[bytes]:
        """The parts of an upload, as long as the job is to last."""
        for number in range(PARTS):
            if number:
                time.sleep(self.seconds / (PARTS - 1))
            yield part(number)


Readings = list[list[int]]
"""The numbers of each time that a job read all rows; none for a job that writes."""


def digest(numbers: Iterable[int]) -> str:
    """How many numbers, and which, in whatever order they came."""
    content = array("q", sorted(numbers))
    return f"{len(content)} {hashlib.sha256(content.tobytes()).hexdigest()}"


def part(number: int) -> bytes:
    """The content of one part."""
    return number.to_bytes(8, "little") * (PART // 8)


def numbers_of(content: bytes) -> list[int]:
    """The numbers in an object that is no table."""
    return array("q", content).tolist()


def _boto_read(order: Order) -> Readings:
    """One answer that outlives its key, while the same client asks for ranges."""
    from s3_assets.connection.adapters import boto

    client = boto.client(order.connection())
    key = f"{order.job}/{SLOWLY}"
    streamed: list[bytes] = []

    def stream() -> None:
        body = client.get_object(Bucket=order.bucket, Key=f"{key}{STREAM}")["Body"]
        streamed.extend(body.iter_chunks(_BYTES))

    beside = threading.Thread(target=stream)
    beside.start()
    ranges = []
    for start in range(0, order.steps * _BYTES, _BYTES):
        span = f"bytes={start}-{start + _BYTES - 1}"
        ranges.append(
            client.get_object(Bucket=order.bucket, Key=f"{key}ranges.bin", Range=span)["Body"].read()
        )
    beside.join()
    return [numbers_of(b"".join(streamed)), numbers_of(b"".join(ranges))]


def _obstore_read(order: Order) -> Readings:
    """One answer that outlives its key, while a reader of the same store asks for ranges."""
    import obstore

    from s3_assets.connection.adapters import obstore as adapter

    store = adapter.store(order.connection())
    key = f"{order.job}/{SLOWLY}"
    streamed: list[bytes] = []

    def stream() -> None:
        answer = obstore.get(store, f"{key}{STREAM}").stream(min_chunk_size=_BYTES)
        streamed.extend(bytes(chunk) for chunk in answer)

    beside = threading.Thread(target=stream)
    beside.start()
    ranges = []
    reader = obstore.open_reader(store, f"{key}ranges.bin", buffer_size=_BYTES)
    while content := bytes(reader.read(_BYTES)):
        ranges.append(content)
    beside.join()
    return [numbers_of(b"".join(streamed)), numbers_of(b"".join(ranges))]


def _polars_read(order: Order) -> Readings:
    import polars as pl

    from s3_assets.connection.adapters import polars as adapter

    frame = pl.scan_parquet(f"{order.source}*.parquet", **adapter.options(order.connection()))
    return [[number for batch in frame.collect_batches() for number in batch["number"].to_list()]]


def _delta_read(order: Order) -> Readings:
    import polars as pl
    from deltalake import DeltaTable

    from s3_assets.connection.adapters import deltalake as adapter

    options = adapter.options(order.connection())
    with without_ambient_settings():
        table = DeltaTable(order.source, storage_options=options)
    return [[number for batch in table.scan() for number in pl.DataFrame(batch)["number"].to_list()]]


def _iceberg_read(order: Order) -> Readings:
    from pyiceberg.table import StaticTable

    from s3_assets.connection.adapters import pyiceberg as adapter

    table = StaticTable.from_metadata(order.source.rstrip("/"), adapter.properties(order.connection()))
    batches = table.scan().to_arrow_batch_reader()
    return [[number for batch in batches for number in batch["number"].to_pylist()]]


class _Parts:
    """A file that can be read once, as `upload_fileobj` takes it."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts = parts

    def read(self, size: int) -> bytes:
        content = next(self._parts, b"")
        if len(content) > size:
            raise ValueError(f"{size} bytes are less than a part")
        return content


def _boto_write(order: Order) -> Readings:
    from boto3.s3.transfer import TransferConfig

    from s3_assets.connection.adapters import boto

    config = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART)
    parts = _Parts(order.slow_parts())
    client = boto.client(order.connection(), transfers=True)
    client.upload_fileobj(parts, order.bucket, f"{order.job}/parts.bin", Config=config)
    return []


def _obstore_write(order: Order) -> Readings:
    import obstore

    from s3_assets.connection.adapters import obstore as adapter

    store = adapter.store(order.connection())
    obstore.put(store, f"{order.job}/parts.bin", order.slow_parts(), use_multipart=True, chunk_size=PART)
    return []


def _polars_write(order: Order) -> Readings:
    import polars as pl
    from polars.io.plugins import register_io_source

    from s3_assets.connection.adapters import polars as adapter

    def rows(*_: object) -> Iterator[pl.DataFrame]:
        for batch in order.slow_batches():
            yield pl.DataFrame(batch)

    frame = register_io_source(rows, schema={"number": pl.Int64})
    target = pl.PartitionBy(order.url, max_rows_per_file=ROWS)
    frame.sink_parquet(target, engine="streaming", **adapter.options(order.connection()))
    return []


def _delta_write(order: Order) -> Readings:
    from deltalake import write_deltalake

    from s3_assets.connection.adapters import deltalake as adapter

    options = adapter.options(order.connection())
    with without_ambient_settings():
        write_deltalake(order.url, order.slow_reader(), storage_options=options, target_file_size=_BYTES)
    return []


def _iceberg_write(order: Order) -> Readings:
    from pyiceberg.catalog.memory import InMemoryCatalog

    from s3_assets.connection.adapters import pyiceberg as adapter

    catalog = InMemoryCatalog("long", **adapter.properties(order.connection()))
    try:
        catalog.create_namespace("long")
        reader = order.slow_reader()
        size = {"write.target-file-size-bytes": str(_BYTES)}
        location = order.url.rstrip("/")
        table = catalog.create_table("long.numbers", reader.schema, location=location, properties=size)
        table.append(reader)
    finally:
        catalog.close()
    return []


def _import(order: Order) -> Readings:
    from s3_assets import DeltaSettings, ImportSettings, ParquetSettings, Registry
    from s3_assets.movement.imports import ImportMode

    registry = Registry(
        connections={"lake": order.connection()},
        tables={
            # Said, so that the rows are read from the start, and not the schemas of all files before.
            "raw": ParquetSettings(
                connection="lake", path=f"{order.job}/{SLOWLY}", columns={"number": "int64"}
            ),
            "target": DeltaSettings(connection="lake", path=f"{order.job}/target/"),
        },
        imports={"long": ImportSettings(source="raw", target="target", mode=ImportMode.APPEND)},
    )
    outcome = registry.import_("long").run()
    if outcome.rows != order.steps * ROWS:
        raise RuntimeError(f"{outcome.rows} rows were imported")
    return []


STS = "role of a user"
CONTAINER = "container"
CHAINED = "role of a container"


class Job(NamedTuple):
    """One job: whose, which, by which way to credentials."""

    engine: str
    what: str
    way: str
    run: Callable[[Order], Readings]


JOBS = {
    "boto3-read": Job("boto3", "read", STS, _boto_read),
    "boto3-write": Job("boto3", "write", CONTAINER, _boto_write),
    "obstore-read": Job("obstore", "read", CONTAINER, _obstore_read),
    "obstore-write": Job("obstore", "write", STS, _obstore_write),
    "polars-read": Job("Polars", "read", STS, _polars_read),
    "polars-write": Job("Polars", "write", CONTAINER, _polars_write),
    "delta-rs-read": Job("delta-rs", "read", CONTAINER, _delta_read),
    "delta-rs-write": Job("delta-rs", "write", STS, _delta_write),
    "pyiceberg-read": Job("PyIceberg", "read", STS, _iceberg_read),
    "pyiceberg-write": Job("PyIceberg", "write", CONTAINER, _iceberg_write),
    "import": Job("s3-assets", "import", CHAINED, _import),
}
"""By name, which is also the folder and the session's name at STS."""


def command(order: Order) -> tuple[list[str], str]:
    """The command of the job's process, and its standard input."""
    return [sys.executable, "-W", "error", "-m", "tests.connection.long_jobs.jobs"], json.dumps(asdict(order))


def main() -> None:
    """Run the job that the standard input orders, and write a digest of each of its readings."""
    order = Order(**json.load(sys.stdin))
    json.dump([digest(numbers) for numbers in JOBS[order.job].run(order)], sys.stdout)


if __name__ == "__main__":
    main()
