"""Checks as Dagster runs them: one op for a table, a part of it in a run of partitions, what blocks."""

from typing import Any

import dagster as dg
import pytest

from s3_assets.registry import Registry
from tests.dagster_floor import pipeline
from tests.dagster_floor.conftest import Lake, key

AMOUNTS = {"expressions": {"small": "amount < 40"}}


def use(lake: Lake, **checks: Any) -> None:
    """Give tables checks, by their names with a double underscore for the slash."""
    settings = lake.registry.model_dump(mode="python", exclude_unset=True)
    for name, each in checks.items():
        settings["tables"][name.replace("__", "/")]["checks"] = each
    lake.use(Registry.model_validate(settings), pipeline.ASSETS)


def evaluations(result: dg.ExecuteInProcessResult, name: str) -> dict[str, Any]:
    return {
        each.check_name: each for each in result.get_asset_check_evaluations() if each.asset_key == key(name)
    }


def told(lake: Lake, name: str, check: str) -> dg.AssetCheckEvaluation:
    """What Dagster was last told of a check."""
    record = lake.instance.get_latest_asset_check_evaluation_record(dg.AssetCheckKey(key(name), check))
    assert record is not None
    assert record.event is not None
    found = record.event.asset_check_evaluation
    assert found is not None
    return found


def test_what_blocks_and_what_warns(lake: Lake) -> None:
    small = {"sql": "amount < 40", "blocking": True}
    use(
        lake,
        lake__orders={
            "expressions": {"small": small},
            "row_count": {"at_most": 10, "severity": "warn"},
            "unique": ["id"],
            "freshness": {"within": "1h"},
            "schema": {},
        },
    )

    result = lake.run("lake/orders", "marts/whole", fails=True)

    found = evaluations(result, "lake/orders")
    # 100 rows a day, of which those from 80 on have an amount of 40 and more.
    assert {name: each.passed for name, each in found.items()} == {
        "small": False,
        "row_count": False,
        "unique_id": True,
        "freshness": True,
        "schema": True,
    }
    assert found["small"].metadata["s3_assets/failed_rows"].value == 60
    assert found["row_count"].severity is dg.AssetCheckSeverity.WARN
    assert found["small"].blocking
    assert not lake.materializations(result, "marts/whole")
    assert [each.node_name for each in result.all_events if each.is_step_start] == [
        "lake__orders",
        "lake__orders__checks",
    ]

    use(lake, lake__orders={"expressions": {"small": {**small, "blocking": False}}})
    assert lake.materializations(lake.run("lake/orders", "marts/whole"), "marts/whole")


def test_a_run_of_partitions_looks_at_these(lake: Lake) -> None:
    lake.land("2026-01-03", "large", 90, 5000)
    use(lake, lake__orders_by_day={**AMOUNTS, "row_count": {"at_least": 100, "per": "partition"}})

    one = evaluations(lake.run("lake/orders_by_day", partition="2026-01-02"), "lake/orders_by_day")
    span = ("2026-01-02", "2026-01-03")
    two = evaluations(lake.run("lake/orders_by_day", span=span), "lake/orders_by_day")

    assert one["small"].metadata["s3_assets/rows"].value == 100
    assert one["row_count"].passed
    assert two["small"].metadata["s3_assets/rows"].value == 290
    assert two["row_count"].description == "row_count: 290 rows in 2 partitions"


def test_a_failure_before_the_commit_is_told(lake: Lake) -> None:
    use(lake, lake__orders={**AMOUNTS, "not_null": ["id"], "before_commit": True})

    result = lake.run("lake/orders", fails=True)

    assert told(lake, "lake/orders", "not_null").passed
    small = told(lake, "lake/orders", "small")
    assert not small.passed
    assert str(small.description).endswith("before the commit")
    assert small.metadata["s3_assets/run"].value == result.run_id
    assert not lake.materializations(result, "lake/orders")
    # The table was made, and has nothing but its columns.
    assert lake.delta("lake/orders").version() == 0
    lake.use(pipeline.registry(lake.endpoint, lake.bucket), pipeline.ASSETS)
    assert lake.metadata(lake.run("lake/orders"), "lake/orders")["s3_assets/rows_written"] == 300


def test_a_failure_before_the_commit_of_an_asset(lake: Lake) -> None:
    lake.run("lake/orders")
    use(lake, marts__whole={"expressions": {"few": {"sql": "rows < 10", "before_commit": True}}})

    lake.run("marts/whole", fails=True)

    assert not told(lake, "marts/whole", "few").passed


def test_drift_against_the_version_before(lake: Lake) -> None:
    checks = {"schema": {}, "row_count": {"change": "10%", "severity": "warn"}}
    use(lake, lake__orders=checks)
    lake.run("lake/orders")
    lake.client.put_object(
        Bucket=lake.bucket,
        Key="base/landing/orders/date=2026-01-04/more.parquet",
        Body=_parquet_with_another_column(),
    )

    found = evaluations(lake.run("lake/orders"), "lake/orders")

    assert found["schema"].description.startswith("schema: extra (int64) has come")
    assert "301 rows instead of 300" in found["row_count"].description


def _parquet_with_another_column() -> bytes:
    import io

    import polars as pl

    body = io.BytesIO()
    pl.DataFrame({"id": [1], "amount": [1.0], "extra": [1]}).write_parquet(body)
    return body.getvalue()


@pytest.mark.parametrize("table", ["landing/orders"])
def test_checks_of_a_source_run_alone(lake: Lake, table: str) -> None:
    use(lake, landing__orders={"unique": ["id"], "freshness": {"within": "1h"}})
    selection = dg.AssetSelection.checks_for_assets(key(table)) - dg.AssetSelection.checks(
        dg.AssetCheckKey(key(table), "freshness")
    )
    definitions = dg.Definitions.merge(
        lake.definitions, dg.Definitions(jobs=[dg.define_asset_job("checks", selection=selection)])
    )

    result = definitions.resolve_job_def("checks").execute_in_process(instance=lake.instance)

    (found,) = result.get_asset_check_evaluations()
    assert found.check_name == "unique_id"
    assert found.passed
