"""What workers write: the rows of every format, the same as this process alone writes, each of them once."""

import hashlib
import hmac
from collections.abc import Iterable
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake
from pyiceberg.table import StaticTable

from s3_assets.engines.ray.engine import RayEngine
from s3_assets.engines.ray.settings import RaySettings
from s3_assets.errors import RowsRefusedError
from s3_assets.metrics import Meter
from s3_assets.progress import Progress
from s3_assets.tables.table import Table
from tests.distributed.ground import FILE_ROWS, ZONE, Ground, row
from tests.servers.ray_keeper import KEYS, SECRET

FORMATS = ("delta", "iceberg", "parquet")


def plain(numbers: Iterable[int]) -> list[tuple[Any, ...]]:
    return [tuple(row(number).values()) for number in numbers]


def shaped(numbers: Iterable[int]) -> list[tuple[Any, ...]]:
    """The rows behind filters and placement, in plain Python."""
    found = []
    for number in numbers:
        made = row(number)
        digest = hmac.digest(KEYS[SECRET].encode(), made["email"].encode(), hashlib.sha256).hex()
        day = made["at"].astimezone(ZoneInfo(ZONE)).date()
        found.append((number, made["at"], Decimal(made["price"]), digest, "lake", day))
    return found


def rows_of(ground: Ground, table: Table[Any]) -> list[tuple[Any, ...]]:
    """The target's rows as a library alone reads them, and not we."""
    where = f"s3://{ground.bucket}/{table.name}"
    format_ = table.settings.format
    if format_ == "delta":
        batches = [pl.DataFrame(each) for each in DeltaTable(where, storage_options=ground.options).scan()]
        found = pl.concat(batches)
    elif format_ == "iceberg":
        keys = [key for key in ground.keys(f"{table.name}/metadata/") if key.endswith(".metadata.json")]
        newest = max(keys, key=lambda key: int(key.removeprefix("v").partition(".")[0]))
        properties = {
            "py-io-impl": "pyiceberg.io.pyarrow.PyArrowFileIO",
            "s3.endpoint": ground.endpoint,
            "s3.access-key-id": "test",
            "s3.secret-access-key": "test",
            "s3.region": "us-east-1",
        }
        handle = StaticTable.from_metadata(f"{where}/metadata/{newest}", properties)
        found = pl.DataFrame(handle.scan().to_arrow())
    else:
        found = pl.read_parquet(
            f"{where}/**/*.parquet",
            hive_partitioning=True,
            try_parse_hive_dates=True,
            storage_options=ground.options,
        )
    return sorted(each for each in found.with_columns(pl.col("at").dt.convert_time_zone("UTC")).rows())


@pytest.mark.parametrize("format_", FORMATS)
def test_the_target_has_what_one_process_alone_writes(
    format_: str, ground: Ground, engine: RayEngine
) -> None:
    ground.add(3)
    target = ground.table(format_, "ours", placed=True)
    alone = ground.table(format_, "alone", placed=True)
    run = ground.import_(ground.landed(), target, engine, shaped=True)

    first = run.run()
    nothing = run.run()
    ground.add(2)
    second = run.run()
    ground.import_(ground.landed(), alone, None, shaped=True).run()

    assert (first.rows, nothing.nothing_new, second.rows) == (3 * FILE_ROWS, True, 2 * FILE_ROWS)
    assert rows_of(ground, target) == shaped(ground.numbers)
    assert rows_of(ground, target) == rows_of(ground, alone)
    assert target.schema() == alone.schema()


@pytest.mark.parametrize("format_", ["delta", "iceberg"])
def test_tables_are_read_by_their_files(format_: str, ground: Ground, engine: RayEngine) -> None:
    """What is new in a table is cut as well; the target has no partitions."""
    ground.add(2)
    source = ground.table(format_, "source", placed=True)
    target = ground.table("delta", "target")
    ground.import_(ground.landed(), source, None, shaped=True).run()
    assert ground.import_(source, target, engine).run().rows == 2 * FILE_ROWS
    ground.add(1)
    ground.import_(ground.landed(), source, None, shaped=True).run()

    assert ground.import_(source, target, engine).run().rows == FILE_ROWS

    assert rows_of(ground, target) == shaped(ground.numbers)


def test_rows_that_cannot_be_cut_are_read_here(ground: Ground) -> None:
    """Of a MERGE only the change feed tells which rows are new; no cluster is asked for, and that is told."""
    where, options = f"s3://{ground.bucket}/source", ground.options
    feed = {"delta.enableChangeDataFeed": "true"}
    rows = pl.DataFrame([row(number) for number in range(3)])
    write_deltalake(where, rows.head(2), configuration=feed, storage_options=options)
    source, target = ground.table("delta", "source"), ground.table("delta", "target")
    run = ground.import_(source, target, RayEngine(RaySettings(address="nowhere:1")))
    ground.import_(source, target, None).run()
    handle = DeltaTable(where, storage_options=options)
    merge = handle.merge(rows, "s.id = t.id", source_alias="s", target_alias="t")
    merge.when_not_matched_insert_all().execute()

    outcome = run.run()

    assert outcome.rows == 1
    assert [each for each in outcome.notes if "could not be cut for ray" in each]
    assert [each[0] for each in rows_of(ground, target)] == [0, 1, 2]


def test_what_workers_count_comes_here(ground: Ground, engine: RayEngine) -> None:
    ground.add(3)
    lines: list[str] = []
    seen: list[pl.DataFrame] = []
    progress = Progress("import", lines.append, interval=0.0, look=seen.append)
    with Meter().active() as meter:
        ground.import_(ground.landed(), ground.table("delta", "target"), engine).run(progress=progress)

    assert (progress.rows, progress.files, len(lines)) == (3 * FILE_ROWS, 3, 3)
    assert f"{3 * FILE_ROWS} rows, 3 files" in lines[-1]
    assert sum(frame.height for frame in seen) == 3 * FILE_ROWS
    parts = [key for key in ground.keys("target/") if key.startswith("part-")]
    assert progress.bytes == sum(
        ground.client.head_object(Bucket=ground.bucket, Key=f"target/{key}")["ContentLength"] for key in parts
    )
    assert {"cluster", "write", "audit", "commit"} <= set(meter.seconds_by_phase())
    assert "polars" in meter.unseen


def test_a_refusal_in_a_worker_is_the_error_that_it_was(ground: Ground, engine: RayEngine) -> None:
    ground.add(2)
    bad = pl.DataFrame([{**row(number), "price": "much"} for number in range(200, 203)])
    with pl.Config():
        body = __import__("io").BytesIO()
        bad.write_parquet(body)
    ground.client.put_object(Bucket=ground.bucket, Key="landed/part-900.parquet", Body=body.getvalue())
    target = ground.table("delta", "target", placed=True)

    with pytest.raises(RowsRefusedError) as refused:
        ground.import_(ground.landed(), target, engine, shaped=True).run()

    alone = ground.import_(ground.landed(), target, None, shaped=True)
    with pytest.raises(RowsRefusedError) as expected:
        alone.run()
    assert str(refused.value) == str(expected.value)
    assert "much" in str(refused.value)
    assert target.scan().collect().is_empty()
