"""Sources: observed by version, left alone by whoever reads them, and never a reason to run for nothing."""

from typing import Any

import dagster as dg
import polars as pl
import pytest

from s3_assets.errors import S3AssetsError
from tests.dagster_floor.conftest import Lake, key, user_asset


def observed(lake: Lake, name: str) -> list[str]:
    """Data versions of an asset's observations, newest first."""
    records = lake.instance.fetch_observations(key(name), limit=20).records
    return [
        (record.asset_observation.tags or {})["dagster/data_version"]
        for record in records
        if record.asset_observation
    ]


def test_an_observation_tells_version_size_and_columns(lake: Lake) -> None:
    lake.pay(["2026-01-01", "2026-01-02"])
    lake.run("landing/payments")

    (record,) = lake.instance.fetch_observations(key("landing/payments"), limit=2).records
    assert record.asset_observation is not None
    found = {name: value.value for name, value in record.asset_observation.metadata.items()}
    table = lake.delta("landing/payments")
    assert found["s3_assets/version"] == observed(lake, "landing/payments")[0]
    assert found["dagster/row_count"] == 2
    assert found["s3_assets/files"] == len(table.file_uris())
    columns: Any = found["dagster/column_schema"]
    assert [column.name for column in columns.columns] == ["id", "date"]


def test_an_unchanged_table_keeps_its_version_and_a_changed_one_does_not(lake: Lake) -> None:
    lake.run("landing/orders")
    lake.run("landing/orders")
    lake.land("2026-01-01", "late", 1)
    lake.run("landing/orders")

    third, second, first = observed(lake, "landing/orders")
    assert first == second != third


def test_one_source_that_fails_does_not_hide_the_others(lake: Lake) -> None:
    result = lake.run("landing/orders", "landing/payments", fails=True)

    assert observed(lake, "landing/orders")
    failures = [event for event in result.all_node_events if event.is_step_failure]
    assert "landing/payments" in str(failures[0].step_failure_data.error)


def test_all_sources_can_be_observed(lake: Lake) -> None:
    graph = lake.definitions.resolve_asset_graph()

    assert graph.observable_asset_keys == {key("landing/orders"), key("landing/payments")}


@pytest.mark.parametrize("read", ["import", "current", "added"])
def test_reading_a_source_never_resets_its_version(lake: Lake, read: str) -> None:
    """An observation without a version would: then everything downstream would be stale, run by run."""
    metadata = {"read_mode": "added"} if read == "added" else None

    @user_asset("marts/copy", ins={"orders": dg.AssetIn(key("landing/orders"), metadata=metadata)})
    def copy(orders: pl.LazyFrame) -> pl.LazyFrame:
        return orders

    lake.extend({"marts/copy": {}}, [copy])
    lake.run("landing/orders")
    (before,) = observed(lake, "landing/orders")
    target = "lake/orders" if read == "import" else "marts/copy"
    lake.run(target)
    lake.run(target)

    assert observed(lake, "landing/orders") == [before]


def test_downstream_runs_for_a_new_version_and_for_nothing_else(lake: Lake) -> None:
    @user_asset(
        "marts/eager",
        ins={"orders": dg.AssetIn(key("landing/orders"))},
        automation_condition=dg.AutomationCondition.eager(),
    )
    def eager(orders: pl.LazyFrame) -> pl.LazyFrame:
        return orders

    lake.extend({"marts/eager": {}}, [eager])
    cursor = None
    requested: list[int] = []

    def tick() -> None:
        nonlocal cursor
        result = dg.evaluate_automation_conditions(
            lake.definitions,
            instance=lake.instance,
            cursor=cursor,
            asset_selection=dg.AssetSelection.assets(key("marts/eager")),
        )
        cursor = result.cursor
        requested.append(result.total_requested)
        if result.total_requested:
            lake.run("marts/eager")

    lake.run("landing/orders")
    tick()
    tick()
    lake.run("landing/orders")
    tick()
    lake.land("2026-01-01", "late", 1)
    lake.run("landing/orders")
    tick()
    tick()

    assert requested[1:] == [0, 0, 1, 0]


def test_a_source_that_is_not_there_says_so(lake: Lake) -> None:
    with pytest.raises(S3AssetsError, match="landing/payments"):
        lake.definitions.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=lake.instance, asset_selection=[key("landing/payments")]
        )
