"""Exports without a source: what an asset of the user's code returns becomes files."""

import io
import json
from datetime import date
from typing import Any

import dagster as dg
import polars as pl
import pytest

from s3_assets.registry import Registry
from tests.dagster_floor.conftest import Lake, key, user_asset
from tests.dagster_floor.pipeline import DAILY

SPAN = ("2026-01-01", "2026-01-03")
BY = {"column": "date", "start": "2026-01-01"}
SINGLE_RUN = dg.BackfillPolicy.single_run()
ROWS = pl.DataFrame({"id": [1, 2, 3], "date": [date(2026, 1, day) for day in (1, 2, 2)]})
Files = dict[str, list[dict[str, Any]]]


def use(lake: Lake, asset: dg.AssetsDefinition, **export: Any) -> None:
    """Let the asset's rows be exported."""
    settings = lake.registry.model_dump(mode="python", exclude_unset=True)
    mine = {"connection": "lake", "path_prefix": "out", "format": "jsonl", **export}
    tables = {"landing/orders": settings["tables"]["landing/orders"]}
    sections = {"connections": settings["connections"], "tables": tables, "exports": {"out/mine": mine}}
    lake.use(Registry.model_validate(sections), [asset])


def returning(value: object, **options: Any) -> dg.AssetsDefinition:
    @user_asset("out/mine", **options)
    def mine():  # type: ignore[no-untyped-def]  # noqa: ANN202 - what comes, comes
        return value

    return mine


def by_day(value: object = ROWS, **options: Any) -> dg.AssetsDefinition:
    return returning(value, partitions_def=DAILY, backfill_policy=SINGLE_RUN, **options)


def added(**options: Any) -> dg.AssetsDefinition:
    """What was added to the orders since the last run."""

    @user_asset(
        "out/mine",
        ins={"orders": dg.AssetIn(key("landing/orders"), metadata={"read_mode": "added"})},
        **options,
    )
    def mine(orders: pl.LazyFrame) -> pl.LazyFrame:
        return orders.select("id", "date")

    return mine


def files(lake: Lake) -> Files:
    """The rows of all visible files, read by Python alone."""
    listing = lake.client.list_objects_v2(Bucket=lake.bucket, Prefix="base/out/").get("Contents", ())
    names = [each["Key"] for each in listing if "/_" not in each["Key"]]
    bodies = {name: lake.client.get_object(Bucket=lake.bucket, Key=name)["Body"].read() for name in names}
    return {
        name.removeprefix("base/out/out/mine/"): [json.loads(line) for line in io.BytesIO(body)]
        for name, body in bodies.items()
    }


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (ROWS, [1, 2, 3]),
        (ROWS.lazy(), [1, 2, 3]),
        (ROWS.to_arrow(), [1, 2, 3]),
        (ROWS.clear(), []),
        (pl.DataFrame(), []),
    ],
    ids=["DataFrame", "LazyFrame", "Table", "no rows", "no columns"],
)
def test_whatever_kind_of_frame_is_returned(lake: Lake, value: object, expected: list[int]) -> None:
    use(lake, returning(value))

    told = lake.metadata(lake.run("out/mine"), "out/mine")

    assert [row["id"] for rows in files(lake).values() for row in rows] == expected
    assert told["dagster/row_count"] == len(expected)
    assert told["s3_assets/manifest"].startswith(f"s3://{lake.bucket}/base/out/_s3_assets/")


def test_none_leaves_what_is_there(lake: Lake) -> None:
    use(lake, returning(ROWS))
    lake.run("out/mine")
    use(lake, returning(None))
    lake.run("out/mine")

    assert [row["id"] for rows in files(lake).values() for row in rows] == [1, 2, 3]


def test_a_range_is_a_unit_for_each_partition(lake: Lake) -> None:
    use(lake, by_day(ROWS.lazy()), partitions=BY)

    found = lake.materializations(lake.run("out/mine", span=SPAN), "out/mine")

    assert {str(name): told["dagster/partition_row_count"] for name, told in found.items()} == {
        "2026-01-01": 1,
        "2026-01-02": 2,
        "2026-01-03": 0,
    }
    assert {name: [row["id"] for row in rows] for name, rows in files(lake).items()} == {
        "2026-01-01/part-00000.jsonl": [1],
        "2026-01-02/part-00000.jsonl": [2, 3],
    }
    assert len({told["s3_assets/manifest"] for told in found.values()}) == 3


@pytest.mark.parametrize("span", [("2026-01-02", "2026-01-02"), ("2026-01-02", "2026-01-03")])
def test_rows_of_no_partition_of_the_run_are_refused(lake: Lake, span: tuple[str, str]) -> None:
    late = pl.DataFrame({"id": [4, 5], "date": [date(2026, 1, 9), None]})
    use(lake, by_day(pl.concat([ROWS, late])), partitions=BY)

    error = lake.failure("out/mine", span=span)

    assert error.cls_name == "RowsOutsideWindowError"
    assert "3 rows lie outside" in error.message
    assert "the smallest is 2026-01-01, the largest 2026-01-09" in error.message
    assert files(lake) == {}
    assert not lake.client.list_multipart_uploads(Bucket=lake.bucket).get("Uploads")


def test_partitions_that_are_no_time_go_one_by_one(lake: Lake) -> None:
    use(
        lake,
        returning(ROWS, partitions_def=dg.StaticPartitionsDefinition(["de/at", "fr"])),
        mode="partitions",
    )
    for _ in range(2):
        lake.run("out/mine", partition="de/at")
    lake.run("out/mine", partition="fr")

    assert [len(rows) for rows in files(lake).values()] == [3, 3]


def test_what_was_added_is_exported_once_with_its_cursor(lake: Lake) -> None:
    use(lake, added(), mode="incremental")

    first = lake.metadata(lake.run("out/mine"), "out/mine")
    idle = lake.metadata(lake.run("out/mine"), "out/mine")
    lake.land("2026-01-02", "late", 2, 9000)
    last = lake.metadata(lake.run("out/mine"), "out/mine")

    assert first["s3_assets/cursor_to/landing/orders"] == {"files": 3}
    written = first["s3_assets/manifest"].removeprefix(f"s3://{lake.bucket}/")
    manifest = json.loads(lake.client.get_object(Bucket=lake.bucket, Key=written)["Body"].read())
    assert [each["table"] for each in manifest["sources"]] == ["landing/orders"]
    assert (idle["s3_assets/skipped"], idle["s3_assets/rows_written"]) == (True, 0)
    assert last["s3_assets/cursor_from/landing/orders"] == {"files": 3}
    assert last["s3_assets/rows_written"] == 2
    assert sorted(row["id"] for rows in files(lake).values() for row in rows) == [
        *range(1000, 1100),
        *range(2000, 2100),
        *range(3000, 3100),
        *range(9000, 9002),
    ]


def test_each_partition_has_a_cursor_of_its_own(lake: Lake) -> None:
    asset = added(partitions_def=DAILY, backfill_policy=SINGLE_RUN)
    use(lake, asset, mode="incremental", partitions=BY)

    lake.run("out/mine", span=("2026-01-01", "2026-01-02"))
    lake.land("2026-01-01", "late", 2, 9000)
    lake.run("out/mine", span=SPAN)

    assert sorted(len(rows) for rows in files(lake).values()) == [102, 200]


@pytest.mark.parametrize(
    ("asset", "export", "partition", "part"),
    [
        (by_day(), {"mode": "full"}, "2026-01-02", "would replace the files of the others"),
        (by_day(), {"mode": "incremental"}, "2026-01-02", "a second one would add their rows once more"),
        (returning(ROWS), {"partitions": BY}, None, "the asset has no partitions"),
        (by_day(), {"partitions": {**BY, "column": "day"}}, "2026-01-02", "'day' is not among the columns"),
        (by_day(), {"partitions": {**BY, "every": "month"}}, "2026-01-02", "whole partitions of the export"),
        (
            returning(ROWS, partitions_def=dg.WeeklyPartitionsDefinition("2026-01-04")),
            {"partitions": BY},
            "2026-01-04",
            "is several of the export's, one per day",
        ),
        (added(), {"mode": "full"}, None, "would drop what was exported before"),
        (returning([1]), {}, None, "returned a list"),
    ],
)
def test_refused(
    lake: Lake, asset: dg.AssetsDefinition, export: Any, partition: str | None, part: str
) -> None:
    use(lake, asset, **export)

    error = lake.failure("out/mine", partition=partition)

    assert part in error.message
    assert files(lake) == {}


def test_a_range_needs_to_know_whose_rows_are_whose(lake: Lake) -> None:
    use(lake, by_day(), mode="partitions")

    assert "Add 'partitions' with its column to the export" in lake.failure("out/mine", span=SPAN).message


def test_an_export_is_no_input(lake: Lake) -> None:
    @user_asset("marts/reader", ins={"mine": dg.AssetIn(key("out/mine"))}, io_manager_key="io_manager")
    def reader(mine: pl.LazyFrame) -> None:
        mine.collect()

    use(lake, returning(ROWS))
    lake.use(lake.registry, [returning(ROWS), reader])
    lake.run("out/mine")
    error = lake.failure("marts/reader")

    assert error.cls_name == "UnsupportedError"
    assert "an export is files for others" in error.message
    assert "declare a table of its folder" in error.message
