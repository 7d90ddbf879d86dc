"""Assets that are not one function with one output: multi-assets, graphs, dynamic outputs, retries."""

import datetime as dt
import warnings
from typing import Any

import dagster as dg
import polars as pl

from tests.dagster_floor.conftest import Lake, key, user_asset
from tests.dagster_floor.pipeline import DAILY

ROWS = pl.DataFrame({"id": [1, 2, 3]})
DAY = {"partitions": {"column": "date", "start": "2026-01-01"}}
SPAN = ("2026-01-01", "2026-01-03")


def rows_of(keys: list[str]) -> pl.DataFrame:
    return pl.DataFrame({"date": [dt.date.fromisoformat(each) for each in keys]})


def test_a_part_of_a_multi_asset(lake: Lake) -> None:
    @dg.multi_asset(
        outs={name: dg.AssetOut(key=key(f"marts/{name}"), is_required=False) for name in ("one", "two")},
        can_subset=True,
        partitions_def=DAILY,
    )
    def both(context: dg.AssetExecutionContext):  # type: ignore[no-untyped-def]  # noqa: ANN202 - a generator
        for name in sorted(context.op_execution_context.selected_output_names):
            yield dg.Output(rows_of([context.partition_key]), name)

    lake.extend({"marts/one": DAY, "marts/two": DAY}, [both])
    lake.run("marts/two", partition="2026-01-01")
    assert not lake.exists("marts/one")
    lake.run("marts/one", "marts/two", partition="2026-01-02")

    assert [lake.rows(f"marts/{name}").height for name in ("one", "two")] == [1, 2]


def test_a_graph_reads_and_writes_tables_at_its_ends(lake: Lake) -> None:
    @dg.op(out=dg.Out(io_manager_key="between"))
    def orders_of_a_day(orders: pl.LazyFrame) -> pl.DataFrame:
        return orders.select("date").unique().collect()

    @dg.op
    def doubled(days: pl.DataFrame) -> pl.DataFrame:
        return pl.concat([days, days])

    @dg.graph
    def summary(orders: Any) -> Any:
        return doubled(orders_of_a_day(orders))

    with warnings.catch_warnings():
        # The parameter is beta in Dagster; here it is the user who has chosen it.
        warnings.simplefilter("ignore", dg.BetaWarning)
        asset = dg.AssetsDefinition.from_graph(
            summary,
            keys_by_input_name={"orders": key("lake/orders")},
            keys_by_output_name={"result": key("marts/graph")},
            partitions_def=DAILY,
            resource_defs={"between": dg.mem_io_manager},
        )
    lake.extend({"marts/graph": DAY}, [asset])
    lake.run("lake/orders")
    lake.run("marts/graph", partition="2026-01-02")

    assert lake.rows("marts/graph")["date"].to_list() == [dt.date(2026, 1, 2)] * 2


def test_what_belongs_to_no_asset_and_what_is_many_are_refused(lake: Lake) -> None:
    @dg.op(out=dg.DynamicOut())
    def parts():  # type: ignore[no-untyped-def]  # noqa: ANN202 - a generator
        yield dg.DynamicOutput(ROWS, "first")

    @dg.op
    def gathered(frames: list[pl.DataFrame]) -> pl.DataFrame:
        return pl.concat(frames)

    @dg.graph
    def together() -> Any:
        return gathered(parts().collect())

    asset = dg.AssetsDefinition.from_graph(together, keys_by_output_name={"result": key("marts/many")})
    lake.extend({"marts/many": {}}, [asset])
    error = lake.failure("marts/many")

    assert error.cls_name == "UnsupportedError"
    assert "'result' is one of several dynamic outputs ('first')" in error.message
    assert not lake.exists("marts/many")


def test_a_retry_after_a_commit_writes_the_same_once(lake: Lake) -> None:
    tries: list[str] = []

    @dg.multi_asset(
        outs={name: dg.AssetOut(key=key(f"marts/{name}")) for name in ("one", "two")},
        partitions_def=DAILY,
        retry_policy=dg.RetryPolicy(max_retries=1),
    )
    def both(context: dg.AssetExecutionContext):  # type: ignore[no-untyped-def]  # noqa: ANN202 - a generator
        yield dg.Output(rows_of([context.partition_key]), "one")
        tries.append("one is committed")
        if len(tries) == 1:
            raise OSError("once")
        yield dg.Output(rows_of([context.partition_key]), "two")

    lake.extend({"marts/one": DAY, "marts/two": DAY}, [both])
    lake.run("marts/one", "marts/two", partition="2026-01-02")

    assert len(tries) == 2
    assert [lake.rows(f"marts/{name}").height for name in ("one", "two")] == [1, 1]


def test_a_check_reads_the_partition_of_its_run(lake: Lake) -> None:
    seen: list[int] = []

    @dg.asset_check(asset=key("lake/orders"), additional_ins={"totals": dg.AssetIn(key("marts/totals"))})
    def as_many(orders: pl.LazyFrame, totals: pl.DataFrame) -> dg.AssetCheckResult:
        seen.append(totals.height)
        return dg.AssetCheckResult(passed=orders.select(pl.len()).collect().item() == 300)

    lake.run("lake/orders")
    lake.run("marts/totals", span=SPAN)
    lake.definitions = dg.Definitions.merge(lake.definitions, dg.Definitions(asset_checks=[as_many]))
    result = lake.run("lake/orders")

    assert [each.passed for each in result.get_asset_check_evaluations()] == [True]
    assert seen == [3]


def test_several_inputs_of_one_run_each_as_it_is_mapped(lake: Lake) -> None:
    seen: dict[str, int] = {}

    @user_asset(
        "marts/several",
        partitions_def=DAILY,
        ins={
            "orders": dg.AssetIn(key("lake/orders")),
            "all_orders": dg.AssetIn(key("landing/orders"), metadata={"partitions": "all"}),
            "totals": dg.AssetIn(
                key("marts/totals"), partition_mapping=dg.TimeWindowPartitionMapping(start_offset=-1)
            ),
        },
    )
    def several(orders: pl.DataFrame, all_orders: pl.LazyFrame, totals: pl.DataFrame) -> None:
        seen.update(orders=orders.height, all=all_orders.collect().height, totals=totals.height)

    lake.extend({}, [several])
    lake.run("lake/orders")
    lake.run("marts/totals", span=SPAN)
    lake.run("marts/several", partition="2026-01-02")

    assert seen == {"orders": 100, "all": 300, "totals": 2}
