"""What cannot be done is refused by a typed error that reaches the run, before anything is written."""

import datetime as dt
from typing import Any

import dagster as dg
import polars as pl
import pytest

from s3_assets.builder import build_definitions
from s3_assets.errors import RegistryError
from s3_assets.registry import Registry
from tests.dagster_floor import pipeline
from tests.dagster_floor.conftest import Lake, key, user_asset
from tests.dagster_floor.pipeline import DAILY

DATE = {"column": "date", "start": "2026-01-01"}
FRAME = pl.DataFrame({"date": [dt.date(2026, 1, 2)], "n": [1]})


def returning(
    value: object, name: str = "marts/mine", metadata: dict[str, Any] | None = None, **options: Any
) -> dg.AssetsDefinition:
    @user_asset(name, metadata=metadata, **options)
    def mine():  # type: ignore[no-untyped-def]  # noqa: ANN202 - what comes, comes
        return value

    return mine


def reading(metadata: dict[str, Any] | None = None, annotation: Any = pl.LazyFrame) -> dg.AssetsDefinition:
    def mine(orders):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - annotated below
        return orders

    mine.__annotations__["orders"] = annotation
    return user_asset("marts/mine", ins={"orders": dg.AssetIn(key("lake/orders"), metadata=metadata)})(mine)


@pytest.mark.parametrize(
    ("asset", "table", "kind", "part"),
    [
        (returning([1, 2]), {}, "UnsupportedError", "returned a list"),
        (returning("text"), {}, "UnsupportedError", "pl.LazyFrame, pl.DataFrame,"),
        (reading(annotation=dict), {}, "UnsupportedError", "annotated as dict"),
        (reading({"read_mode": "newest"}), {}, "UnsupportedError", "no read_mode 'newest'"),
        (reading({"partitions": "some"}), {}, "UnsupportedError", "no partitions 'some'"),
        (returning(FRAME, metadata={"write_mode": "merge"}), {}, "UnsupportedError", "write_mode 'merge'"),
        (returning(FRAME), {"partitions": {**DATE, "column": "day"}}, "PartitionColumnError", "'day'"),
    ],
)
def test_refused(lake: Lake, asset: dg.AssetsDefinition, table: Any, kind: str, part: str) -> None:
    lake.extend({"marts/mine": table}, [asset])
    lake.run("lake/orders")
    error = lake.failure("marts/mine")

    assert error.cls_name == kind
    assert part in error.message
    assert not lake.exists("marts/mine")


@pytest.mark.parametrize(
    ("asset", "table", "kind", "part"),
    [
        (returning(FRAME, partitions_def=DAILY), {}, "PartitionColumnError", "Add 'partitions'"),
        (
            returning(FRAME, partitions_def=DAILY),
            {"partitions": {**DATE, "column": "day"}},
            "PartitionColumnError",
            "'day'",
        ),
        (
            returning(FRAME, partitions_def=dg.StaticPartitionsDefinition(["2026-01-02"])),
            {"partitions": DATE},
            "PartitionColumnError",
            "partition_columns",
        ),
        (
            returning(FRAME, partitions_def=DAILY, metadata={"write_mode": "append"}),
            {"partitions": DATE},
            "UnsupportedError",
            "partitions_def",
        ),
        (
            returning(FRAME, partitions_def=DAILY),
            {"partitions": {**DATE, "every": "month"}},
            "PartitionColumnError",
            "whole partitions",
        ),
        (
            returning(FRAME, partitions_def=DAILY),
            {"partitions": {**DATE, "timezone": "Asia/Tokyo"}},
            "PartitionColumnError",
            "Asia/Tokyo",
        ),
    ],
)
def test_refused_for_a_partition(
    lake: Lake, asset: dg.AssetsDefinition, table: Any, kind: str, part: str
) -> None:
    lake.extend({"marts/mine": table}, [asset])
    error = lake.failure("marts/mine", partition="2026-01-02")

    assert error.cls_name == kind
    assert part in error.message
    assert not lake.exists("marts/mine")


def test_an_hour_is_no_part_of_a_day(lake: Lake) -> None:
    """The last hour of a day, written to a column of dates, would have replaced the whole day."""
    hourly = dg.HourlyPartitionsDefinition("2026-01-01-00:00")
    lake.extend({"marts/mine": {"partitions": DATE}}, [returning(FRAME, partitions_def=hourly)])
    error = lake.failure("marts/mine", partition="2026-01-02-23:00")

    assert error.cls_name == "PartitionColumnError"
    assert not lake.exists("marts/mine")


def test_an_asset_without_a_table(lake: Lake) -> None:
    lake.extend({}, [returning(FRAME, "marts/totls")])
    error = lake.failure("marts/totls")

    assert "there is no table 'marts/totls'; did you mean 'marts/totals'?" in error.message


def test_an_import_whose_partition_column_is_not_there(lake: Lake) -> None:
    """A window tells nothing of the load time: only appended rows are placed by it."""
    settings = lake.registry.model_dump(exclude_unset=True)
    settings["tables"]["lake/orders"]["partitions"] = {"column": "day", "start": "2026-01-01"}
    settings["imports"] = {
        name: {**each, "mode": "replace"} if each["target"] == "lake/orders" else each
        for name, each in settings["imports"].items()
    }
    lake.use(Registry.model_validate(settings))
    error = lake.failure("lake/orders", partition="2026-01-02")

    assert error.cls_name == "PartitionColumnError"
    assert "'day'" in error.message
    assert not lake.exists("lake/orders")


def test_a_folder_without_files(lake: Lake) -> None:
    for day in (1, 2, 3):
        lake.client.delete_object(
            Bucket=lake.bucket, Key=f"base/landing/orders/date=2026-01-0{day}/first.parquet"
        )
    error = lake.failure("lake/orders")

    assert error.cls_name == "DataFilesMissingError"
    assert "landing/orders" in error.message
    assert not lake.exists("lake/orders")


def test_a_bucket_that_is_not_there(lake: Lake) -> None:
    lake.use(pipeline.registry(lake.endpoint, "bucket-of-nobody"))

    assert lake.failure("lake/orders").cls_name == "BucketMissingError"


def test_two_writers_of_one_table(lake: Lake) -> None:
    with pytest.raises(RegistryError, match="asset of yours"):
        build_definitions(lake.registry, [returning(FRAME, "lake/orders")])


@pytest.mark.parametrize(("one", "other"), [("a/b", "a_b"), ("lake", "io_manager")])
def test_two_connections_of_one_name_in_dagster(lake: Lake, one: str, other: str) -> None:
    registry = Registry(connections={one: {"url": "s3://one/"}, other: {"url": "s3://other/"}})  # type: ignore[dict-item]

    with pytest.raises(RegistryError, match="Rename"):
        build_definitions(registry)


def test_code_that_is_not_there(lake: Lake, tmp_path: Any) -> None:
    with pytest.raises(RegistryError, match=r"missing\.py"):
        build_definitions(Registry(code=(tmp_path / "missing.py",)))
