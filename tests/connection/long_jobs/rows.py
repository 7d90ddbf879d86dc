"""What the jobs find and what they leave: made and counted on the server itself, without s3-assets."""

import io
import json
from array import array
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from s3_assets.embedded.server import ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY
from tests.connection.long_jobs.jobs import JOBS, PARTS, ROWS, Job, Order, digest, part
from tests.connection.long_jobs.slow_server import SLOWLY, STREAM


def lay_out(client: Any, endpoint: str, order: Order) -> None:
    """Put there what the job reads, if it reads: the numbers from 0 on, a file or a range for each step."""
    numbers = pa.table({"number": pa.array(range(order.steps * ROWS), pa.int64())})
    match JOBS[order.job]:
        case Job(engine="boto3" | "obstore", what="read"):
            content = array("q", range(order.steps * ROWS)).tobytes()
            for name in (STREAM, "ranges.bin"):
                client.put_object(Bucket=order.bucket, Key=f"{order.job}/{SLOWLY}{name}", Body=content)
        case Job(engine="Polars", what="read") | Job(what="import"):
            for step in range(order.steps):
                file = io.BytesIO()
                pq.write_table(numbers.slice(step * ROWS, ROWS), file)
                key = f"{order.job}/{SLOWLY}{step:03}.parquet"
                client.put_object(Bucket=order.bucket, Key=key, Body=file.getvalue())
        case Job(engine="delta-rs", what="read"):
            _lay_out_delta(endpoint, order.source, numbers)
        case Job(engine="PyIceberg", what="read"):
            hint = _lay_out_iceberg(endpoint, order.source.rstrip("/"), numbers)
            key = f"{order.job}/{SLOWLY}metadata/version-hint.text"
            client.put_object(Bucket=order.bucket, Key=key, Body=hint.encode())


def _lay_out_delta(endpoint: str, url: str, numbers: pa.Table) -> None:
    from deltalake import write_deltalake

    options = {
        "aws_endpoint_url": endpoint,
        "aws_allow_http": "true",
        "aws_region": REGION,
        "aws_access_key_id": ACCESS_KEY_ID,
        "aws_secret_access_key": SECRET_ACCESS_KEY,
    }
    steps = pa.array([number // ROWS for number in range(len(numbers))], pa.int64())
    # A file for each partition: where delta-rs cuts files by their size is its own affair.
    write_deltalake(url, numbers.append_column("step", steps), storage_options=options, partition_by=["step"])


def _lay_out_iceberg(endpoint: str, location: str, numbers: pa.Table) -> str:
    """Make the table, and return the name of its metadata."""
    from pyiceberg.catalog.memory import InMemoryCatalog

    catalog = InMemoryCatalog(
        "layout",
        **{
            "s3.endpoint": endpoint,
            "s3.region": REGION,
            "s3.access-key-id": ACCESS_KEY_ID,
            "s3.secret-access-key": SECRET_ACCESS_KEY,
        },
    )
    try:
        catalog.create_namespace("layout")
        size = {"write.target-file-size-bytes": str(ROWS * 8)}
        table = catalog.create_table("layout.numbers", numbers.schema, location=location, properties=size)
        table.append(numbers)
        return Path(table.metadata_location).name
    finally:
        catalog.close()


def expected(steps: int) -> str:
    """The digest of the numbers that each job reads or writes."""
    return digest(range(steps * ROWS))


def written(client: Any, bucket: str, job: str) -> str:
    """The digest of the Parquet that a job left, as PyArrow reads it; of a Delta table what its log lists."""
    keys = _keys(client, bucket, f"{job}/target/" if job == "import" else f"{job}/")
    log = [key for key in keys if "/_delta_log/" in key and key.endswith(".json")]
    files = [key for key in keys if key.endswith(".parquet") and "/_" not in key]
    if log:
        table = log[0].partition("_delta_log/")[0]
        actions = [json.loads(line) for key in log for line in _body(client, bucket, key).splitlines()]
        files = [f"{table}{action['add']['path']}" for action in actions if "add" in action]
    with ThreadPoolExecutor(4) as pool:
        bodies = list(pool.map(lambda key: _body(client, bucket, key), files))
    tables = [pq.read_table(io.BytesIO(body)) for body in bodies]
    return digest(number for table in tables for number in table["number"].to_pylist())


def uploaded_whole(client: Any, bucket: str, job: str) -> bool:
    """Whether the upload of a job is its parts in their order."""
    content = memoryview(_body(client, bucket, f"{job}/parts.bin"))
    size = len(part(0))
    return len(content) == PARTS * size and all(
        content[number * size : (number + 1) * size] == part(number) for number in range(PARTS)
    )


def _keys(client: Any, bucket: str, prefix: str) -> list[str]:
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return sorted(found["Key"] for page in pages for found in page.get("Contents", []))


def _body(client: Any, bucket: str, key: str) -> bytes:
    body: bytes = client.get_object(Bucket=bucket, Key=key)["Body"].read()
    return body
