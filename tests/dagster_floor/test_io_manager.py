"""User assets: frames in and out, the partitions of the run, and nothing else."""

import datetime as dt
import warnings
from typing import Any

import dagster as dg
import polars as pl
import pyarrow as pa
import pytest

from tests.dagster_floor.conftest import Lake, key, user_asset
from tests.dagster_floor.pipeline import DAILY
from tests.support.proxy import RequestProxy

DAYS = ("2026-01-01", "2026-01-03")


def test_lazy_in_lazy_out_for_one_partition(lake: Lake) -> None:
    lake.run("lake/orders")
    lake.run("marts/totals", partition="2026-01-02")

    expected = [{"date": dt.date(2026, 1, 2), "orders": 100, "amount": 2475.0}]
    assert lake.rows("marts/totals").to_dicts() == expected


def test_a_range_in_one_run_is_one_commit_and_one_event_per_partition(lake: Lake) -> None:
    lake.run("lake/orders")
    result = lake.run("marts/totals", span=DAYS)

    found = lake.materializations(result, "marts/totals")
    assert {day: each["dagster/partition_row_count"] for day, each in found.items()} == {
        "2026-01-01": 1,
        "2026-01-02": 1,
        "2026-01-03": 1,
    }
    writes = [each for each in lake.delta("marts/totals").history() if each["operation"] == "WRITE"]
    assert len(writes) == 1


def test_frame_in_arrow_out_to_parquet(lake: Lake) -> None:
    lake.run("lake/orders")
    lake.run("marts/totals", span=DAYS)
    lake.run("marts/files", partition="2026-01-02")

    (found,) = lake.client.list_objects_v2(Bucket=lake.bucket, Prefix="base/marts/files/date=")["Contents"]
    body = lake.client.get_object(Bucket=lake.bucket, Key=found["Key"])["Body"].read()
    assert "date=2026-01-02" in found["Key"]
    assert pl.read_parquet(body)["orders"].to_list() == [200]


def test_each_kind_of_frame_arrives_as_annotated(lake: Lake) -> None:
    seen: dict[str, type] = {}

    @user_asset("marts/a", ins={"orders": dg.AssetIn(key("lake/orders"))})
    def lazy(orders: pl.LazyFrame) -> pl.LazyFrame:
        seen["lazy"] = type(orders)
        return orders

    @user_asset("marts/b", ins={"orders": dg.AssetIn(key("lake/orders"))})
    def eager(orders: pl.DataFrame) -> pl.DataFrame:
        seen["eager"] = type(orders)
        return orders

    @user_asset("marts/c", ins={"orders": dg.AssetIn(key("lake/orders"))})
    def arrow(orders: pa.Table) -> pa.Table:
        seen["arrow"] = type(orders)
        return orders

    @user_asset("marts/d", ins={"orders": dg.AssetIn(key("lake/orders"))})
    def unannotated(orders):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - that is the test
        seen["unannotated"] = type(orders)
        return orders

    names = ["marts/a", "marts/b", "marts/c", "marts/d"]
    lake.extend({name: {} for name in names}, [lazy, eager, arrow, unannotated])
    lake.run("lake/orders")
    lake.run(*names)

    assert seen == {
        "lazy": pl.LazyFrame,
        "eager": pl.DataFrame,
        "arrow": pa.Table,
        "unannotated": pl.LazyFrame,
    }
    assert {lake.rows(name).height for name in names} == {300}


@pytest.mark.parametrize("kind", [pl.DataFrame, pa.RecordBatchReader])
def test_a_lost_file_is_told_of(lake: Lake, kind: type) -> None:
    def taken(orders):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - the type is a parameter
        return orders

    taken.__annotations__["orders"] = kind
    asset = user_asset("marts/a", ins={"orders": dg.AssetIn(key("lake/orders"))})(taken)
    lake.extend({"marts/a": {}}, [asset])
    lake.run("lake/orders")
    listed = lake.client.list_objects_v2(Bucket=lake.bucket, Prefix="base/lake/orders/date=")["Contents"]
    lake.client.delete_object(Bucket=lake.bucket, Key=listed[0]["Key"])

    assert "ObjectMissingError" in lake.failure("marts/a").message


def test_reads_only_the_partitions_of_the_run(counted: tuple[Lake, RequestProxy]) -> None:
    lake, proxy = counted
    lake.run("lake/orders")
    proxy.reset()

    result = lake.run("marts/totals", partition="2026-01-02")

    assert lake.metadata(result, "marts/totals")["s3_assets/read_files"] == 1
    assert lake.metadata(result, "marts/totals")["s3_assets/read_files_of"] == 3
    read = {
        request.path
        for request in proxy.requests()
        if request.method == "GET" and "/lake/orders/" in request.path and ".parquet" in request.path
    }
    assert read
    assert all("2026-01-02" in path for path in read)


def test_reads_all_partitions_where_the_input_says_so(lake: Lake) -> None:
    @user_asset(
        "marts/share",
        partitions_def=DAILY,
        ins={"orders": dg.AssetIn(key("lake/orders"), metadata={"partitions": "all"})},
    )
    def share(context: dg.AssetExecutionContext, orders: pl.LazyFrame) -> pl.LazyFrame:
        day = dt.date.fromisoformat(context.partition_key)
        return orders.select(pl.lit(day).alias("date"), pl.len().alias("of")).head(1)

    daily = {"partitions": {"column": "date", "start": "2026-01-01"}}
    lake.extend({"marts/share": daily}, [share])
    lake.run("lake/orders")
    lake.run("marts/share", partition="2026-01-02")

    assert lake.rows("marts/share")["of"].to_list() == [300]


def test_a_week_reads_its_days(lake: Lake) -> None:
    @user_asset(
        "marts/weekly",
        partitions_def=dg.WeeklyPartitionsDefinition("2026-01-01", day_offset=4),
        ins={"totals": dg.AssetIn(key("marts/totals"))},
    )
    def weekly(context: dg.AssetExecutionContext, totals: pl.LazyFrame) -> pl.LazyFrame:
        week = dt.date.fromisoformat(context.partition_key)
        return totals.select(pl.lit(week).alias("week"), pl.col("orders").sum())

    table = {"partitions": {"column": "week", "every": "week", "start": "2026-01-01"}}
    lake.extend({"marts/weekly": table}, [weekly])
    lake.land("2026-01-08", "next", 5, 1)
    lake.run("lake/orders")
    lake.run("marts/totals", span=("2026-01-01", "2026-01-08"))
    lake.run("marts/weekly", partition="2026-01-01")

    assert lake.rows("marts/weekly").to_dicts() == [{"week": dt.date(2026, 1, 1), "orders": 300}]


def test_the_day_before_the_first_is_no_rows(lake: Lake) -> None:
    with warnings.catch_warnings():
        # The parameter is beta in Dagster; here it is the user who has chosen it.
        warnings.simplefilter("ignore", dg.BetaWarning)
        mapping = dg.TimeWindowPartitionMapping(
            start_offset=-1, end_offset=-1, allow_nonexistent_upstream_partitions=True
        )

    @user_asset(
        "marts/before",
        partitions_def=DAILY,
        ins={"totals": dg.AssetIn(key("marts/totals"), partition_mapping=mapping)},
    )
    def before(context: dg.AssetExecutionContext, totals: pl.DataFrame) -> pl.DataFrame:
        day = dt.date.fromisoformat(context.partition_key)
        return pl.DataFrame({"date": [day], "rows": [totals.height], "columns": [len(totals.columns)]})

    lake.extend({"marts/before": {"partitions": {"column": "date", "start": "2026-01-01"}}}, [before])
    lake.run("lake/orders")
    lake.run("marts/totals", span=DAYS)
    lake.run("marts/before", partition="2026-01-01")
    lake.run("marts/before", partition="2026-01-02")

    assert lake.rows("marts/before").sort("date").rows() == [
        (dt.date(2026, 1, 1), 0, 3),
        (dt.date(2026, 1, 2), 1, 3),
    ]


def test_without_partitions_reads_the_rows_of_a_day_that_has_not_ended(lake: Lake) -> None:
    @user_asset("marts/all", ins={"totals": dg.AssetIn(key("marts/totals"))})
    def everything(totals: pl.LazyFrame) -> pl.LazyFrame:
        return totals

    tomorrow = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1)
    lake.extend({"marts/all": {}}, [everything])
    lake.land(tomorrow, "early", 5, 1)
    lake.run("lake/orders")
    orders = pl.DataFrame({"date": [tomorrow], "orders": [5], "amount": [1.0]})
    import deltalake

    deltalake.write_deltalake(
        lake.url("marts/totals"), orders, partition_by=["date"], storage_options=lake.storage_options
    )

    lake.run("marts/all")

    assert lake.rows("marts/all")["date"].to_list() == [tomorrow]


def test_appends_where_the_output_says_so(lake: Lake) -> None:
    @user_asset("marts/log", metadata={"write_mode": "append"})
    def log() -> pl.DataFrame:
        return pl.DataFrame({"at": [1]})

    lake.extend({"marts/log": {}}, [log])
    lake.run("marts/log")
    lake.run("marts/log")

    assert lake.rows("marts/log").height == 2


def test_replaces_a_table_without_partitions(lake: Lake) -> None:
    lake.run("lake/orders")
    for _ in range(2):
        lake.run("marts/whole")

    assert lake.rows("marts/whole")["rows"].to_list() == [300]


def test_a_result_with_a_value_keeps_its_metadata_and_data_version(lake: Lake) -> None:
    @user_asset("marts/mine")
    def mine() -> dg.MaterializeResult[Any]:
        return dg.MaterializeResult(
            value=pl.DataFrame({"a": [1]}), metadata={"mine": 1}, data_version=dg.DataVersion("of the user")
        )

    lake.extend({"marts/mine": {}}, [mine])
    result = lake.run("marts/mine")

    assert lake.metadata(result, "marts/mine").items() >= {"mine": 1, "s3_assets/rows_written": 1}.items()
    assert _data_version(lake, "marts/mine") == "of the user"


def test_nothing_returned_is_nothing_written(lake: Lake) -> None:
    @user_asset("marts/none")
    def none():  # type: ignore[no-untyped-def]  # noqa: ANN202 - without an annotation, None gets through
        return None

    lake.extend({"marts/none": {}}, [none])
    lake.run("marts/none")

    assert not lake.exists("marts/none")


def test_several_outputs_of_one_step(lake: Lake) -> None:
    @dg.multi_asset(
        outs={"one": dg.AssetOut(key=key("marts/one")), "two": dg.AssetOut(key=key("marts/two"))},
        ins={"orders": dg.AssetIn(key("lake/orders"))},
    )
    def both(orders: pl.LazyFrame) -> tuple[pl.LazyFrame, pl.LazyFrame]:
        return orders.head(1), orders.head(2)

    lake.extend({"marts/one": {}, "marts/two": {}}, [both])
    lake.run("lake/orders")
    result = lake.run("marts/one", "marts/two")

    assert [lake.rows(name).height for name in ("marts/one", "marts/two")] == [1, 2]
    assert lake.metadata(result, "marts/two")["s3_assets/read_files"] == 3


def test_a_check_reads_the_table(lake: Lake) -> None:
    @dg.asset_check(asset=key("lake/orders"))
    def has_rows(orders: pl.LazyFrame) -> dg.AssetCheckResult:
        count = orders.select(pl.len()).collect().item()
        return dg.AssetCheckResult(passed=count == 300, metadata={"rows": count})

    lake.definitions = dg.Definitions.merge(lake.definitions, dg.Definitions(asset_checks=[has_rows]))
    result = lake.run("lake/orders")

    (evaluation,) = result.get_asset_check_evaluations()
    assert evaluation.passed, evaluation.metadata


def test_a_value_is_loaded_outside_of_a_run(lake: Lake) -> None:
    lake.run("lake/orders")

    frame: Any = lake.definitions.load_asset_value(key("lake/orders"), instance=lake.instance)

    assert frame.collect().height == 300


def test_a_retried_step_reads_anew(lake: Lake) -> None:
    tries: list[int] = []

    @user_asset(
        "marts/retried",
        ins={"orders": dg.AssetIn(key("lake/orders"), metadata={"read_mode": "added"})},
        retry_policy=dg.RetryPolicy(max_retries=1),
    )
    def retried(orders: pl.DataFrame) -> pl.DataFrame:
        tries.append(orders.height)
        if len(tries) == 1:
            raise OSError("once")
        return orders

    lake.extend({"marts/retried": {}}, [retried])
    lake.run("lake/orders")
    lake.run("marts/retried")

    assert tries == [300, 300]
    assert lake.rows("marts/retried").height == 300


def test_an_unchanged_table_keeps_its_data_version(lake: Lake) -> None:
    lake.run("lake/orders")
    lake.run("marts/history")
    first = _data_version(lake, "marts/history")
    lake.run("marts/history")

    assert _data_version(lake, "marts/history") == first == str(lake.delta("marts/history").version())


def _data_version(lake: Lake, name: str) -> str | None:
    event = lake.instance.get_latest_materialization_event(key(name))
    assert event is not None
    assert event.asset_materialization is not None
    return (event.asset_materialization.tags or {}).get("dagster/data_version")


@pytest.mark.parametrize("kind", ["lazy", "eager"])
def test_rows_outside_are_refused_and_nothing_is_written(lake: Lake, kind: str) -> None:
    days = [dt.date(2025, 12, 31), dt.date(2026, 1, 2), dt.date(2026, 2, 1)]

    @user_asset("marts/outside", partitions_def=DAILY)
    def outside():  # type: ignore[no-untyped-def]  # noqa: ANN202 - lazy or not
        frame = pl.DataFrame({"date": days})
        return frame.lazy() if kind == "lazy" else frame

    lake.extend({"marts/outside": {"partitions": {"column": "date", "start": "2026-01-01"}}}, [outside])
    error = lake.failure("marts/outside", partition="2026-01-02")

    assert error.cls_name == "RowsOutsideWindowError"
    assert all(part in error.message for part in ("2 ", "2025-12-31", "2026-02-01"))
    files = lake.client.list_objects_v2(Bucket=lake.bucket, Prefix="base/marts/outside/date=")
    assert files["KeyCount"] == 0


def test_no_warning_comes_from_our_own_code(lake: Lake) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        lake.extend({})
        lake.definitions.resolve_asset_graph()
