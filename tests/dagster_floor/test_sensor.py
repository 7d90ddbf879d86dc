"""The sensor of a connection: it acts on changes, and its requests really run."""

import json
from typing import Any

import polars as pl
import pytest

from s3_assets.errors import S3AssetsError
from s3_assets.registry import Registry
from tests.dagster_floor import pipeline
from tests.dagster_floor.conftest import Lake, Ticking


class Ticks(Ticking):
    """The sensor of the lake, of imports without partitions: those with some have tests of their own."""

    def __init__(self, lake: Lake) -> None:
        super().__init__(lake)
        settings = lake.registry.model_dump(mode="python", exclude_unset=True)
        settings["imports"]["orders_by_day"]["on_new_data"] = False
        lake.use(Registry.model_validate(settings), pipeline.ASSETS)


@pytest.fixture
def ticks(lake: Lake) -> Ticks:
    lake.pay(["2026-01-01"])
    return Ticks(lake)


def requested(tick: Any) -> list[str]:
    return sorted("/".join(each.path) for request in tick.run_requests for each in request.asset_selection)


def reported(tick: Any) -> list[str]:
    return sorted("/".join(event.asset_key.path) for event in tick.asset_events)


def test_the_first_tick_reports_and_runs_all(ticks: Ticks) -> None:
    tick = ticks.tick()

    assert requested(tick) == ["lake/orders", "lake/payments"]
    assert reported(tick) == ["landing/orders", "landing/payments"]
    assert all(event.tags["dagster/data_version"] for event in tick.asset_events)


def test_nothing_changed(ticks: Ticks) -> None:
    first = ticks.tick()
    second = ticks.tick()

    assert requested(second) == reported(second) == []
    assert "0 of 2 sources changed" in second.skip_message
    assert second.cursor == first.cursor


def test_only_what_changed(ticks: Ticks) -> None:
    ticks.tick()
    ticks.lake.land("2026-01-02", "late", 1)
    tick = ticks.tick()

    assert requested(tick) == ["lake/orders"]
    assert reported(tick) == ["landing/orders"]


def test_the_requests_run(ticks: Ticks) -> None:
    for expected in (300, 310):
        for request in ticks.tick().run_requests:
            ticks.lake.run(
                *["/".join(each.path) for each in request.asset_selection], run_config=request.run_config
            )
        assert ticks.lake.rows("lake/orders").height == expected
        ticks.lake.land("2026-01-02", "late", 10, 9000)


def test_a_tick_that_is_tried_again_has_the_same_run_keys(ticks: Ticks) -> None:
    once, again = ticks.look(), ticks.look()

    assert [each.run_key for each in once.run_requests] == [each.run_key for each in again.run_requests]


def test_a_table_that_grows_back_has_new_run_keys(ticks: Ticks) -> None:
    """Dagster never starts a run key twice, and a table that was dropped counts its versions anew."""
    keys = [request.run_key for request in ticks.tick().run_requests]
    ticks.lake.pay(["2026-01-02"])
    keys += [request.run_key for request in ticks.tick().run_requests]
    listing = ticks.lake.client.list_objects_v2(Bucket=ticks.lake.bucket, Prefix="base/landing/payments/")
    for each in listing["Contents"]:
        ticks.lake.client.delete_object(Bucket=ticks.lake.bucket, Key=each["Key"])
    ticks.lake.pay(["2026-01-03"])
    keys += [request.run_key for request in ticks.tick().run_requests]

    assert len(keys) == len(set(keys)) == 4


def test_one_source_that_fails_does_not_stop_the_others(lake: Lake) -> None:
    ticks = Ticks(lake)
    tick = ticks.tick()

    assert requested(tick) == ["lake/orders"]

    lake.pay(["2026-01-01"])

    assert requested(ticks.tick()) == ["lake/payments"]


def test_a_source_that_failed_for_a_while_is_not_new(ticks: Ticks) -> None:
    ticks.tick()
    key = "base/landing/payments/_delta_log/00000000000000000000.json"
    body = ticks.lake.client.get_object(Bucket=ticks.lake.bucket, Key=key)["Body"].read()
    ticks.lake.client.delete_object(Bucket=ticks.lake.bucket, Key=key)
    failed = ticks.tick()
    ticks.lake.client.put_object(Bucket=ticks.lake.bucket, Key=key, Body=body)

    assert "1 could not be looked at" in failed.skip_message
    assert requested(ticks.tick()) == []


def test_all_sources_failing_fails_the_tick(lake: Lake) -> None:
    lake.use(pipeline.registry(lake.endpoint, "bucket-of-nobody"), pipeline.ASSETS)

    with pytest.raises(S3AssetsError, match="bucket-of-nobody"):
        Ticks(lake).look()


def test_an_import_may_be_left_out(ticks: Ticks) -> None:
    settings = ticks.lake.registry.model_dump(exclude_unset=True)
    settings["imports"]["orders"]["on_new_data"] = False
    ticks.lake.use(Registry.model_validate(settings))

    assert requested(ticks.tick()) == ["lake/payments"]


def test_sources_that_are_gone_leave_the_cursor(ticks: Ticks) -> None:
    ticks.cursor = json.dumps({"landing/gone": {"version": "1", "change": 1}})
    ticks.tick()

    assert sorted(json.loads(ticks.cursor)["sources"]) == ["landing/orders", "landing/payments"]


def test_a_changed_source_is_told_with_its_size(ticks: Ticks) -> None:
    first = {"/".join(event.asset_key.path): event.metadata for event in ticks.tick().asset_events}
    ticks.lake.pay(["2026-01-02"])
    second = {"/".join(event.asset_key.path): event.metadata for event in ticks.tick().asset_events}

    table = ticks.lake.delta("landing/payments")
    assert first["landing/payments"]["dagster/row_count"].value == 1
    assert list(second) == ["landing/payments"]
    told = {name: each.value for name, each in second["landing/payments"].items()}
    assert told["dagster/row_count"] == 2
    assert told["dagster/size_bytes"] == sum(pl.DataFrame(table.get_add_actions())["size_bytes"])
    assert [each.name for each in told["s3_assets/columns"].columns] == ["id", "date"]
    assert told["s3_assets/version"] == str(table.version())
    # A listing tells no rows, and no columns.
    assert first["landing/orders"]["s3_assets/files"].value == 3
    assert "dagster/row_count" not in first["landing/orders"]
