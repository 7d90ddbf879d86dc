"""Polars reads and writes Iceberg tables under our connection, whatever the environment says by then."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from pyiceberg.catalog.sql import SqlCatalog

from s3_assets.connection import AnonymousAuth, S3Connection, Transport
from s3_assets.connection.adapters import pyiceberg as iceberg_adapter
from s3_assets.connection.adapters.polars_iceberg import scan_options, sink_options
from tests.connection.conftest import Connect
from tests.connection.recorder import Recorder
from tests.connection.test_expiring import LIFETIME, expiring  # noqa: F401 - a fixture

AMBIENT = {
    "AWS_ACCESS_KEY_ID": "AKIAAMBIENT",
    "AWS_SECRET_ACCESS_KEY": "ambient",
    "AWS_SESSION_TOKEN": "ambient",
}


@pytest.fixture(autouse=True)
def _planned_by_pyiceberg(monkeypatch: pytest.MonkeyPatch) -> None:
    # Otherwise Polars warns that it has a planner of its own to install.
    monkeypatch.setenv("POLARS_ICEBERG_PLANNER", "pyiceberg")


@pytest.fixture
def catalogs(tmp_path: Path) -> Iterator[Any]:
    opened: list[SqlCatalog] = []

    def make(connection: S3Connection) -> SqlCatalog:
        catalog = SqlCatalog(
            "test",
            uri=f"sqlite:///{tmp_path}/catalog.db",
            warehouse=f"{connection.url}warehouse",
            **iceberg_adapter.properties(connection),
        )
        opened.append(catalog)
        catalog.create_namespace_if_not_exists("db")
        return catalog

    yield make
    for catalog in opened:
        catalog.close()


def _table(catalog: SqlCatalog, files: int) -> Any:
    table = catalog.create_table("db.numbers", pa.schema({"number": pa.int64()}))
    for number in range(files):
        table.append(pa.table({"number": pa.array([number], pa.int64())}))
    return table


def _scan(table: Any, connection: S3Connection) -> list[int]:
    return (
        pl.scan_iceberg(table, storage_options=scan_options(connection)).collect()["number"].sort().to_list()
    )


@pytest.mark.parametrize("ambient", [{}, AMBIENT], ids=["clean", "ambient"])
def test_a_scan_and_a_sink_use_our_key(
    connect: Connect,
    catalogs: Any,
    recorder: Recorder,
    ambient: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in ambient.items():
        monkeypatch.setenv(name, value)
    lake = connect()
    table = _table(catalogs(lake), 2)
    assert _scan(table, lake) == [0, 1]
    frame = pl.LazyFrame({"number": [7]})
    frame.sink_iceberg(table, mode="append", storage_options=sink_options(lake))
    assert _scan(table.refresh(), lake) == [0, 1, 7]
    from_metadata = pl.scan_iceberg(
        table.metadata_location, storage_options={**iceberg_adapter.properties(lake), **scan_options(lake)}
    )
    assert from_metadata.collect()["number"].sort().to_list() == [0, 1, 7]

    assert recorder.key_ids() == {"AKIAOWN"}
    assert {seen.token for seen in recorder.seen} == {None}
    assert {seen.region for seen in recorder.seen} == {"eu-west-3"}


@pytest.mark.parametrize("ambient", [{}, AMBIENT], ids=["clean", "ambient"])
def test_keys_that_end_are_changed_in_the_middle_of_a_scan(
    expiring: S3Connection,  # noqa: F811
    catalogs: Any,
    recorder: Recorder,
    ambient: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("POLARS_ROW_GROUP_PREFETCH_SIZE", "1")
    in_groups = {"write.parquet.row-group-limit": "20000", "write.parquet.compression-codec": "uncompressed"}
    catalog = catalogs(expiring)
    table = catalog.create_table("db.long", pa.schema({"number": pa.int64()}), properties=in_groups)
    table.append(pa.table({"number": pa.array(range(800_000), pa.int64())}))
    for name, value in ambient.items():
        monkeypatch.setenv(name, value)
    before = len(recorder.seen)

    total = 0
    frame = pl.scan_iceberg(table, storage_options=scan_options(expiring))
    for batch in frame.collect_batches(chunk_size=20_000, lazy=True):
        total += sum(batch["number"].to_list())
        time.sleep(LIFETIME / 12)
    reads = [seen for seen in recorder.seen[before:] if ".parquet" in seen.path]

    assert total == 800_000 * 799_999 // 2
    assert len({seen.key_id for seen in reads}) >= 3
    assert {str(seen.key_id)[:4] for seen in reads} == {"ASIA"}
    assert {seen.token for seen in reads} == {"t"}


def test_keys_that_end_write(expiring: S3Connection, catalogs: Any, recorder: Recorder) -> None:  # noqa: F811
    table = _table(catalogs(expiring), 1)
    for number in (7, 8):
        time.sleep(LIFETIME)
        frame = pl.LazyFrame({"number": [number]})
        frame.sink_iceberg(table, mode="append", storage_options=sink_options(expiring))
        table.refresh()

    assert _scan(table, expiring) == [0, 7, 8]
    assert (
        len({seen.key_id for seen in recorder.seen if seen.method == "PUT" and ".parquet" in seen.path}) > 1
    )


def test_a_public_table_is_read_without_a_signature(
    connect: Connect, catalogs: Any, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = _table(catalogs(connect()), 1)
    before = len(recorder.seen)
    for name, value in AMBIENT.items():
        monkeypatch.setenv(name, value)
    public = connect(auth=AnonymousAuth(), name="public")
    assert _scan(catalogs(public).load_table("db.numbers"), public) == [0]

    assert {seen.key_id for seen in recorder.seen[before:]} == {None}
    assert table.name() == ("db", "numbers")


def test_values_in_keys_are_not_taken_apart(connect: Connect, catalogs: Any) -> None:
    from pyiceberg.partitioning import PartitionField, PartitionSpec
    from pyiceberg.schema import Schema
    from pyiceberg.transforms import IdentityTransform
    from pyiceberg.types import NestedField, StringType

    lake = connect()
    spec = PartitionSpec(PartitionField(1, 1000, IdentityTransform(), "word"))
    table = catalogs(lake).create_table("db.odd", Schema(NestedField(1, "word", StringType())), None, spec)
    words = ["a b", "a%20b", "a/b", "a:b", "é", "a+b"]
    table.append(pa.table({"word": words}))
    found = pl.scan_iceberg(table, storage_options=scan_options(lake)).collect()

    assert sorted(found["word"]) == sorted(words)


def test_retries_are_numbers_for_a_scan_and_unsaid_for_a_sink(connect: Connect) -> None:
    lake = connect(transport=Transport(max_retries=7))

    assert scan_options(lake)["max_retries"] == 7
    assert all(isinstance(value, str) for value in sink_options(lake).values())
