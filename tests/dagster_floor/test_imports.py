"""Imports as Dagster runs them: append, replace one partition, replace a range in one run."""

import dagster as dg
import polars as pl
import pytest

from s3_assets.registry import Registry
from tests.dagster_floor.conftest import Lake, key


def test_appends_all_then_nothing_then_late_rows(lake: Lake) -> None:
    lake.run("lake/orders")

    assert lake.rows("lake/orders").group_by("date").len().sort("date")["len"].to_list() == [100, 100, 100]
    assert lake.delta("lake/orders").metadata().partition_columns == ["date"]

    again = lake.run("lake/orders")

    assert lake.delta("lake/orders").version() == 1
    assert lake.metadata(again, "lake/orders")["s3_assets/rows_written"] == 0

    lake.land("2026-01-02", "late", 10, 9000)
    lake.run("lake/orders")

    assert lake.rows("lake/orders").sort("id")["id"].to_list() == [
        *range(1000, 1100),
        *range(2000, 2100),
        *range(3000, 3100),
        *range(9000, 9010),
    ]


def test_appends_a_delta_source_by_its_versions(lake: Lake) -> None:
    lake.pay(["2026-01-01", "2026-01-02"])
    lake.run("lake/payments")
    lake.pay(["2026-01-02"])
    second = lake.run("lake/payments")

    assert lake.rows("lake/payments").height == 3
    assert lake.metadata(second, "lake/payments")["s3_assets/rows_written"] == 1


def test_an_empty_source_is_a_success_without_a_table(lake: Lake) -> None:
    lake.pay([])
    result = lake.run("lake/payments")

    assert lake.metadata(result, "lake/payments")["s3_assets/rows_written"] == 0


def test_replaces_one_partition_and_leaves_its_neighbours(lake: Lake) -> None:
    span = ("2026-01-01", "2026-01-03")
    lake.run("lake/orders_by_day", span=span)
    before = {action["path"] for action in _files(lake, "lake/orders_by_day")}
    lake.client.delete_object(Bucket=lake.bucket, Key="base/landing/orders/date=2026-01-02/first.parquet")
    lake.land("2026-01-02", "corrected", 7, 50)

    lake.run("lake/orders_by_day", partition="2026-01-02")

    rows = lake.rows("lake/orders_by_day")
    assert dict(rows.group_by(pl.col("date").cast(pl.String)).len().iter_rows()) == {
        "2026-01-01": 100,
        "2026-01-02": 7,
        "2026-01-03": 100,
    }
    after = {action["path"] for action in _files(lake, "lake/orders_by_day")}
    assert {path for path in before if "2026-01-02" not in path} < after


def test_replaces_a_range_in_one_run_and_one_commit(lake: Lake) -> None:
    result = lake.run("lake/orders_by_day", span=("2026-01-01", "2026-01-03"))

    found = lake.materializations(result, "lake/orders_by_day")
    assert list(found) == ["2026-01-01", "2026-01-02", "2026-01-03"]
    assert {each["dagster/partition_row_count"] for each in found.values()} == {100}
    commits = [each for each in lake.delta("lake/orders_by_day").history() if each["operation"] == "WRITE"]
    assert len(commits) == 1


def test_a_partition_is_the_same_after_a_second_run(lake: Lake) -> None:
    for _ in range(2):
        lake.run("lake/orders_by_day", partition="2026-01-02")

    assert lake.rows("lake/orders_by_day").height == 100


def test_replaces_a_whole_table(lake: Lake) -> None:
    settings = lake.registry.model_dump(exclude_unset=True)
    settings["tables"]["lake/orders_by_day"].pop("partitions")
    lake.use(Registry.model_validate(settings))

    lake.run("lake/orders_by_day")
    lake.run("lake/orders_by_day")

    assert lake.rows("lake/orders_by_day").height == 300


def test_a_source_without_whole_partitions_is_refused(lake: Lake) -> None:
    settings = lake.registry.model_dump(exclude_unset=True)
    settings["tables"]["landing/orders"]["partitions"] = {
        "column": "date",
        "every": "month",
        "start": "2026-01-01",
    }
    lake.use(Registry.model_validate(settings))

    error = lake.failure("lake/orders_by_day", partition="2026-01-02")

    assert error.cls_name == "PartitionColumnError"
    assert "landing/orders" in error.message
    assert not lake.exists("lake/orders_by_day")


@pytest.mark.parametrize(
    ("options", "policy"),
    [
        ({}, dg.BackfillPolicy.single_run()),
        ({"partitions_per_run": 1}, dg.BackfillPolicy.multi_run(1)),
        ({"partitions_per_run": 7}, dg.BackfillPolicy.multi_run(7)),
    ],
)
def test_a_backfill_is_cut_into_runs(lake: Lake, options: dict[str, int], policy: dg.BackfillPolicy) -> None:
    settings = lake.registry.model_dump(exclude_unset=True)
    settings["imports"]["orders_by_day"].update(options)
    lake.use(Registry.model_validate(settings))

    assert lake.definitions.resolve_assets_def(key("lake/orders_by_day")).backfill_policy == policy


def test_an_append_is_not_cut_into_runs(lake: Lake) -> None:
    settings = lake.registry.model_dump(exclude_unset=True)
    settings["imports"]["orders"]["partitions_per_run"] = 1

    with pytest.raises(ValueError, match="leave partitions_per_run out"):
        Registry.model_validate(settings)


def _files(lake: Lake, name: str) -> list[dict[str, str]]:
    return pl.DataFrame(lake.delta(name).get_add_actions(flatten=True)).to_dicts()


@pytest.mark.parametrize("mode", ["replace", "replace_on_new_data"])
def test_partitions_of_a_source_that_has_none_are_told_by_placement(lake: Lake, mode: str) -> None:
    settings = lake.registry.model_dump(exclude_unset=True)
    settings["tables"]["landing/orders"].pop("partitions")
    settings["imports"]["orders_by_day"] |= {
        "mode": mode,
        "placement": {"column": "date"},
        "filters": {"retain": ["id", "date"]},
    }
    lake.use(Registry.model_validate(settings))

    lake.run("lake/orders_by_day", partition="2026-01-02")
    second = lake.metadata(lake.run("lake/orders_by_day", partition="2026-01-02"), "lake/orders_by_day")
    lake.run("lake/orders_by_day", span=("2026-01-02", "2026-01-03"))

    assert second["s3_assets/rows_written"] == (100 if mode == "replace" else 0)
    found = lake.rows("lake/orders_by_day")
    assert found.columns == ["id", "date"]
    assert sorted(found["id"].to_list()) == [*range(2000, 2100), *range(3000, 3100)]
