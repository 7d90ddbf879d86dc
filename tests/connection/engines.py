"""The five engines, each by what it can do for a test: write three rows to a folder, read them back."""

from collections.abc import Callable
from typing import Any, NamedTuple

import polars as pl

from s3_assets.connection import S3Connection
from s3_assets.connection.adapters import boto
from s3_assets.connection.adapters import deltalake as delta_adapter
from s3_assets.connection.adapters import obstore as obstore_adapter
from s3_assets.connection.adapters import polars as polars_adapter
from s3_assets.connection.adapters import pyiceberg as iceberg_adapter
from s3_assets.connection.ambient import without_ambient_settings
from s3_assets.connection.diagnosis import diagnosed

FRAME = pl.DataFrame({"number": [1, 2, 3]})


class Engine(NamedTuple):
    name: str
    write: Callable[[S3Connection, str], None]
    read: Callable[[S3Connection, str], list[int]]

    def round_trip(self, connection: S3Connection, folder: str = "folder") -> list[int]:
        self.write(connection, folder)
        return self.read(connection, folder)

    def diagnosed_write(self, connection: S3Connection, folder: str = "folder") -> None:
        """Write as the floors above do, with every error of the engine turned into one of ours."""
        with diagnosed(connection, f"{connection.url}{folder}", Exception):
            self.write(connection, folder)

    def diagnosed_read(self, connection: S3Connection, folder: str = "folder") -> list[int]:
        with diagnosed(connection, f"{connection.url}{folder}", Exception):
            return self.read(connection, folder)


def _boto_write(connection: S3Connection, folder: str) -> None:
    client = boto.client(connection)
    client.put_object(Bucket=connection.location.bucket, Key=f"{folder}/boto", Body=b"123")


def _boto_read(connection: S3Connection, folder: str) -> list[int]:
    client = boto.client(connection)
    body = client.get_object(Bucket=connection.location.bucket, Key=f"{folder}/boto")["Body"].read()
    return [int(digit) for digit in body.decode()]


def _obstore_write(connection: S3Connection, folder: str) -> None:
    import obstore

    obstore.put(obstore_adapter.store(connection), f"{folder}/obstore", b"123")


def _obstore_read(connection: S3Connection, folder: str) -> list[int]:
    import obstore

    body = bytes(obstore.get(obstore_adapter.store(connection), f"{folder}/obstore").bytes())
    return [int(digit) for digit in body.decode()]


def _polars_write(connection: S3Connection, folder: str) -> None:
    options = polars_adapter.options(connection)
    FRAME.lazy().sink_parquet(f"{connection.location.url}{folder}/polars.parquet", **options)


def _polars_read(connection: S3Connection, folder: str) -> list[int]:
    options = polars_adapter.options(connection)
    frame = pl.scan_parquet(f"{connection.location.url}{folder}/polars.parquet", **options)
    return frame.collect()["number"].to_list()


def delta_table(connection: S3Connection, folder: str) -> Any:
    from deltalake import DeltaTable

    options = delta_adapter.options(connection)
    with without_ambient_settings():
        return DeltaTable(f"{connection.location.url}{folder}/delta", storage_options=options)


def _delta_write(connection: S3Connection, folder: str) -> None:
    from deltalake import write_deltalake

    options = delta_adapter.options(connection)
    with without_ambient_settings():
        url = f"{connection.location.url}{folder}/delta"
        write_deltalake(url, FRAME, mode="overwrite", storage_options=options)


def _delta_read(connection: S3Connection, folder: str) -> list[int]:
    batches = delta_table(connection, folder).scan()
    return sorted(number for batch in batches for number in pl.DataFrame(batch)["number"])


def _iceberg_write(connection: S3Connection, folder: str) -> None:
    from pyiceberg.catalog.memory import InMemoryCatalog

    told = iceberg_adapter.properties(connection)
    location = f"{connection.location.url}{folder}/iceberg"
    catalog = InMemoryCatalog("engines", **told)
    try:
        catalog.create_namespace("test")
        table = catalog.create_table("test.numbers", FRAME.to_arrow().schema, location=location)
        table.append(FRAME.to_arrow())
    finally:
        catalog.close()
    # So that the reader needs no catalog.
    with table.io.new_output(f"{location}/metadata/version-hint.text").create(overwrite=True) as hint:
        hint.write(table.metadata_location.rpartition("/")[2].encode())


def _iceberg_read(connection: S3Connection, folder: str) -> list[int]:
    from pyiceberg.table import StaticTable

    told = iceberg_adapter.properties(connection)
    table = StaticTable.from_metadata(f"{connection.location.url}{folder}/iceberg", told)
    numbers: list[int] = table.scan().to_arrow()["number"].to_pylist()
    return numbers


# delta-rs reads tables, not objects: where nothing is, it answers that there is no table (tests/tables).
OBJECT_ENGINES = (
    Engine("boto3", _boto_write, _boto_read),
    Engine("obstore", _obstore_write, _obstore_read),
    Engine("polars", _polars_write, _polars_read),
)
DELTA = Engine("delta-rs", _delta_write, _delta_read)
ICEBERG = Engine("pyiceberg", _iceberg_write, _iceberg_read)
ENGINES = (*OBJECT_ENGINES, DELTA, ICEBERG)
