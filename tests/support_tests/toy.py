"""Functions for children: small enough that what they must leave behind is known by looking at them."""

import os
import socket
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


def client(endpoint: str) -> Any:
    import boto3
    from botocore.config import Config

    # Exact counts need exactly one try.
    config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
    return boto3.session.Session().client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=config,
    )


def put_five(endpoint: str, bucket: str, prefix: str) -> int:
    s3 = client(endpoint)
    for number in range(1, 6):
        s3.put_object(Bucket=bucket, Key=f"{prefix}/{number}", Body=b"x" * number)
    return 5


def put_under_new_name(endpoint: str, bucket: str, prefix: str) -> None:
    """Not exactly once, on purpose: what a crash leaves behind, the next run adds to."""
    s3 = client(endpoint)
    s3.put_object(Bucket=bucket, Key=f"{prefix}/data/{uuid.uuid4()}", Body=b"row")
    s3.put_object(Bucket=bucket, Key=f"{prefix}/done", Body=b"")


def list_only_once(endpoint: str, bucket: str, prefix: str) -> None:
    """Sends three requests the first time and two from then on, as a run that finds nothing new."""
    s3 = client(endpoint)
    marker = f"{prefix}/marker"
    s3.list_objects_v2(Bucket=bucket, Prefix=prefix)
    if not s3.list_objects_v2(Bucket=bucket, Prefix=marker).get("KeyCount"):
        s3.put_object(Bucket=bucket, Key=marker, Body=b"")


def stop_amid_body(endpoint: str, bucket: str, prefix: str) -> None:
    """Send one half of an object, and then, over another connection, the request that is armed to kill."""
    address = urlsplit(endpoint)
    with socket.create_connection((address.hostname or "", address.port or 0)) as half:
        head = (
            f"PUT /{bucket}/{prefix}/half HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Length: 1000\r\n\r\n"
        )
        half.sendall(head.encode() + b"x" * 500)
        time.sleep(0.2)
        client(endpoint).put_object(Bucket=bucket, Key=f"{prefix}/whole", Body=b"x")
        half.sendall(b"x" * 500)


def write_and_read_delta(endpoint: str, location: str) -> list[int]:
    import obstore
    import polars as pl
    from deltalake import write_deltalake

    options = {
        "aws_endpoint_url": endpoint,
        "aws_access_key_id": "test",
        "aws_secret_access_key": "test",
        "aws_region": "us-east-1",
        "aws_allow_http": "true",
    }
    rows = pl.DataFrame({"number": list(range(1000)), "day": ["a", "b"] * 500})
    for _ in range(2):
        write_deltalake(location, rows, mode="append", storage_options=options, partition_by=["day"])
    found = pl.scan_delta(location, storage_options=options).collect().height
    store = obstore.store.from_url(
        location,
        endpoint=endpoint,
        region="us-east-1",
        access_key_id="test",
        secret_access_key="test",
        client_options={"allow_http": True},
    )
    return [found, sum(len(part) for part in obstore.list(store))]


def identify(greeting: str) -> dict[str, Any]:
    sys.stdout.write("said by the child\n")
    return {"greeting": greeting, "pid": os.getpid(), "group": os.getpgrp()}


def fail() -> None:
    raise LookupError("on purpose")


def sleep(seconds: float) -> None:
    time.sleep(seconds)


def touch(path: str) -> None:
    Path(path).touch(exist_ok=False)


def background_thread() -> None:
    threading.Thread(target=time.sleep, args=(60,), daemon=True, name="in the background").start()
