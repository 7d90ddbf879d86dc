"""`read_mode: added`: what was added since this consumer last succeeded, exactly once."""

import datetime as dt

import dagster as dg
import polars as pl

from tests.dagster_floor.conftest import Lake, key, user_asset
from tests.dagster_floor.pipeline import DAILY

ADDED = {"read_mode": "added"}


def test_reads_what_was_added_since_its_last_success(lake: Lake) -> None:
    lake.run("lake/orders")
    lake.run("marts/history")
    lake.land("2026-01-02", "late", 10, 9000)
    lake.run("lake/orders")
    second = lake.run("marts/history")

    assert lake.metadata(second, "marts/history")["s3_assets/rows_written"] == 10
    assert sorted(lake.rows("marts/history")["id"]) == sorted(lake.rows("lake/orders")["id"])


def test_nothing_new_writes_nothing(lake: Lake) -> None:
    lake.run("lake/orders")
    lake.run("marts/history")
    before = lake.delta("marts/history").version()

    result = lake.run("marts/history")

    assert lake.delta("marts/history").version() == before
    found = lake.metadata(result, "marts/history")
    assert found["s3_assets/rows_written"] == 0
    assert "s3_assets/cursor_to/lake/orders" not in found


def test_nothing_new_before_there_is_a_table(lake: Lake) -> None:
    @user_asset("marts/empty", ins={"payments": dg.AssetIn(key("landing/payments"), metadata=ADDED)})
    def empty(payments: pl.LazyFrame) -> pl.LazyFrame:
        return payments

    lake.pay([])
    lake.extend({"marts/empty": {}}, [empty])
    result = lake.run("marts/empty")

    assert lake.metadata(result, "marts/empty")["s3_assets/rows_written"] == 0


def test_a_consumer_that_failed_reads_the_same_again(lake: Lake) -> None:
    broken = [False]
    seen: list[int] = []

    @user_asset("marts/fragile", ins={"orders": dg.AssetIn(key("lake/orders"), metadata=ADDED)})
    def fragile(orders: pl.DataFrame) -> pl.DataFrame:
        seen.append(orders.height)
        if broken[0]:
            raise OSError("as the test wants it")
        return orders

    lake.extend({"marts/fragile": {}}, [fragile])
    lake.run("lake/orders")
    lake.run("marts/fragile")
    lake.land("2026-01-02", "late", 10, 9000)
    lake.run("lake/orders")
    broken[0] = True
    lake.run("marts/fragile", fails=True)
    broken[0] = False
    lake.run("marts/fragile")

    assert seen == [300, 10, 10]
    assert lake.rows("marts/fragile").height == 310


def test_a_consumer_that_returned_nothing_has_not_read(lake: Lake) -> None:
    seen: list[int] = []

    @user_asset("marts/later", ins={"orders": dg.AssetIn(key("lake/orders"), metadata=ADDED)})
    def later(orders: pl.DataFrame):  # type: ignore[no-untyped-def]  # noqa: ANN202 - a frame or nothing
        seen.append(orders.height)
        return orders if len(seen) > 1 else None

    lake.extend({"marts/later": {}}, [later])
    lake.run("lake/orders")
    lake.run("marts/later")
    lake.run("marts/later")

    assert seen == [300, 300]
    assert lake.rows("marts/later").height == 300


def test_two_inputs_share_one_commit(lake: Lake) -> None:
    @user_asset(
        "marts/both",
        ins={
            "orders": dg.AssetIn(key("lake/orders"), metadata=ADDED),
            "payments": dg.AssetIn(key("lake/payments"), metadata=ADDED),
        },
    )
    def both(orders: pl.LazyFrame, payments: pl.LazyFrame) -> pl.LazyFrame:
        return pl.concat([orders.select("id", "date"), payments.select("id", "date")])

    lake.extend({"marts/both": {}}, [both])
    lake.pay(["2026-01-01"])
    lake.run("lake/orders", "lake/payments")
    first = lake.metadata(lake.run("marts/both"), "marts/both")
    lake.pay(["2026-01-02"])
    lake.run("lake/payments")
    second = lake.metadata(lake.run("marts/both"), "marts/both")

    writes = [each for each in lake.delta("marts/both").history() if each["operation"] == "WRITE"]
    assert (first["s3_assets/rows_written"], second["s3_assets/rows_written"]) == (301, 1)
    assert len(writes) == 2
    assert second["s3_assets/cursor_from/lake/payments"]["version"] == 1
    assert second["s3_assets/cursor_to/lake/payments"]["version"] == 2
    assert second["s3_assets/cursor_to/lake/orders"]["version"] == 1


def test_added_beside_a_table_read_as_it_is_now(lake: Lake) -> None:
    @user_asset(
        "marts/joined",
        ins={
            "orders": dg.AssetIn(key("lake/orders"), metadata=ADDED),
            "payments": dg.AssetIn(key("lake/payments")),
        },
    )
    def joined(orders: pl.LazyFrame, payments: pl.LazyFrame) -> pl.LazyFrame:
        return orders.join(payments.select("date").unique(), on="date", how="semi")

    lake.extend({"marts/joined": {}}, [joined])
    lake.pay(["2026-01-02"])
    lake.run("lake/orders", "lake/payments")
    lake.run("marts/joined")

    assert lake.rows("marts/joined")["date"].unique().to_list() == [dt.date(2026, 1, 2)]


def test_reads_files_that_were_added_to_a_folder(lake: Lake) -> None:
    @user_asset("marts/files_added", ins={"orders": dg.AssetIn(key("landing/orders"), metadata=ADDED)})
    def files_added(orders: pl.LazyFrame) -> pl.LazyFrame:
        return orders

    lake.extend({"marts/files_added": {}}, [files_added])
    lake.run("marts/files_added")
    lake.land("2026-01-02", "late", 10, 9000)
    result = lake.run("marts/files_added")

    assert lake.metadata(result, "marts/files_added")["s3_assets/read_files"] == 1
    assert lake.rows("marts/files_added").height == 310


def test_a_step_of_several_assets_has_no_cursor(lake: Lake) -> None:
    @dg.multi_asset(
        outs={"one": dg.AssetOut(key=key("marts/one")), "two": dg.AssetOut(key=key("marts/two"))},
        ins={"orders": dg.AssetIn(key("lake/orders"), metadata=ADDED)},
    )
    def both(orders: pl.LazyFrame) -> tuple[pl.LazyFrame, pl.LazyFrame]:
        return orders, orders

    lake.extend({"marts/one": {}, "marts/two": {}}, [both])
    lake.run("lake/orders")
    error = lake.failure("marts/one", "marts/two")

    assert error.cls_name == "UnsupportedError"
    assert "2 assets" in error.message


def test_a_run_of_partitions_does_not_append_without_a_cursor(lake: Lake) -> None:
    @user_asset(
        "marts/daily",
        partitions_def=DAILY,
        metadata={"write_mode": "append"},
        ins={"orders": dg.AssetIn(key("lake/orders"))},
    )
    def daily(orders: pl.LazyFrame) -> pl.LazyFrame:
        return orders

    lake.extend({"marts/daily": {"partitions": {"column": "date", "start": "2026-01-01"}}}, [daily])
    lake.run("lake/orders")
    error = lake.failure("marts/daily", partition="2026-01-02")

    assert error.cls_name == "UnsupportedError"
    assert "partitions_def" in error.message
    assert not lake.exists("marts/daily")


def test_replace_would_drop_what_was_there(lake: Lake) -> None:
    @user_asset(
        "marts/replaced",
        metadata={"write_mode": "replace"},
        ins={"orders": dg.AssetIn(key("lake/orders"), metadata=ADDED)},
    )
    def replaced(orders: pl.LazyFrame) -> pl.LazyFrame:
        return orders

    lake.extend({"marts/replaced": {}}, [replaced])
    lake.run("lake/orders")

    assert "would drop" in lake.failure("marts/replaced").message
    assert not lake.exists("marts/replaced")
