"""Exports with a source, as Dagster runs them: whole, partition by partition, and what is new."""

import csv
import gzip
import io
import json
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pytest

from s3_assets.builder import build_definitions
from s3_assets.errors import RegistryError
from s3_assets.registry import Registry
from tests.dagster_floor.conftest import RANGE_END, RANGE_START, Lake, key, user_asset

DAYS = ("2026-01-01", "2026-01-03")
SECRET = "not-for-your-eyes"
DAILY = {"column": "date", "start": "2026-01-01"}


def registry(lake: Lake, **exports: dict[str, Any]) -> Registry:
    """Orders of three days, a hundred rows each, and the exports of them."""
    connections = lake.registry.model_dump(mode="python", exclude_unset=True)["connections"]
    orders = {"connection": "lake", "format": "parquet", "path": "landing/orders", "partitions": DAILY}
    shared = {"source": "landing/orders", "connection": "lake", "path_prefix": "out", "format": "csv.gz"}
    return Registry.model_validate(
        {
            "connections": connections,
            "tables": {"landing/orders": orders},
            "exports": {f"out/{name}": {**shared, **more} for name, more in exports.items()},
        }
    )


def files(lake: Lake, prefix: str = "out/") -> dict[str, bytes]:
    """What a reader lists below the prefix who passes over names that begin with _, as Spark does."""
    listing = lake.client.list_objects_v2(Bucket=lake.bucket, Prefix=f"base/{prefix}").get("Contents", ())
    keys = [each["Key"] for each in listing if "/_" not in each["Key"]]
    return {found: lake.client.get_object(Bucket=lake.bucket, Key=found)["Body"].read() for found in keys}


def ids(body: bytes) -> list[int]:
    """The ids in a file, read by Python alone."""
    rows = csv.DictReader(io.StringIO(gzip.decompress(body).decode()))
    return [int(row["id"]) for row in rows]


def test_partitions_of_one_run_are_a_commit_and_a_manifest_each(lake: Lake) -> None:
    lake.use(registry(lake, days={}))

    result = lake.run("out/days", span=DAYS)

    found = lake.materializations(result, "out/days")
    assert sorted(map(str, found)) == ["2026-01-01", "2026-01-02", "2026-01-03"]
    for number, day in enumerate(sorted(map(str, found)), 1):
        told = found[day]
        assert told["dagster/partition_row_count"] == 100
        assert told["s3_assets/files_written"] == 1
        manifest = json.loads(get(lake, told["s3_assets/manifest"]))
        assert manifest["unit"] == manifest["partition"]["key"] == day
        (file,) = manifest["files"]
        assert file["url"] in told["s3_assets/first_files"]
        assert ids(get(lake, file["url"])) == [*range(1000 * number, 1000 * number + 100)]
    assert SECRET not in str(found)
    assert len(files(lake)) == 3


def get(lake: Lake, url: str) -> bytes:
    body: bytes = lake.client.get_object(Bucket=lake.bucket, Key=url.removeprefix(f"s3://{lake.bucket}/"))[
        "Body"
    ].read()
    return body


def test_a_rerun_of_a_partition_replaces_its_own_files(lake: Lake) -> None:
    lake.use(registry(lake, days={"split": {"rows": 60}}))
    first = lake.metadata(lake.run("out/days", partition="2026-01-02"), "out/days")
    lake.run("out/days", partition="2026-01-03")
    before = files(lake)
    lake.client.delete_object(Bucket=lake.bucket, Key="base/landing/orders/date=2026-01-02/first.parquet")
    lake.land("2026-01-02", "corrected", 7, 50)

    again = lake.metadata(lake.run("out/days", partition="2026-01-02"), "out/days")

    after = files(lake)
    assert (first["s3_assets/files_written"], again["s3_assets/files_written"]) == (2, 1)
    assert again["s3_assets/files_removed"] == 1
    assert {name for name in before if "2026-01-03" in name} == {name for name in after if "01-03" in name}
    assert [ids(body) for name, body in after.items() if "2026-01-02" in name] == [[*range(50, 57)]]


def test_what_is_committed_of_a_run_that_fails_is_reported(lake: Lake) -> None:
    lake.use(registry(lake, days={"key": "{partition_key}.{extension}"}))
    lake.client.put_object(Bucket=lake.bucket, Key="base/out/2026-01-03.csv.gz", Body=b"somebody else's")

    error = lake.failure("out/days", span=DAYS)

    assert error.cls_name == "KeyTakenError"
    assert lake.instance.get_materialized_partitions(key("out/days")) == {"2026-01-01", "2026-01-02"}
    assert files(lake)["base/out/2026-01-03.csv.gz"] == b"somebody else's"
    lake.client.delete_object(Bucket=lake.bucket, Key="base/out/2026-01-03.csv.gz")
    lake.run("out/days", span=DAYS)
    assert [len(ids(body)) for body in files(lake).values()] == [100, 100, 100]


def test_a_full_export_has_the_same_version_for_the_same_files(lake: Lake) -> None:
    lake.use(registry(lake, all={"mode": "full", "format": "parquet"}))
    first, again = (lake.run("out/all") for _ in range(2))
    lake.land("2026-01-02", "late", 10, 9000)
    changed = lake.run("out/all")

    told = lake.metadata(first, "out/all")
    assert told["dagster/row_count"] == 300
    assert [column.name for column in told["dagster/column_schema"].columns] == ["id", "amount", "date"]
    assert told["dagster/uri"] == f"s3://{lake.bucket}/base/out/"
    versions = [version(each) for each in (first, again, changed)]
    assert versions[0] == versions[1] != versions[2]


def version(result: dg.ExecuteInProcessResult) -> str:
    (event,) = result.get_asset_materialization_events()
    tags = event.step_materialization_data.materialization.tags or {}
    return tags["dagster/data_version"]


def test_an_incremental_export_tells_its_cursor_and_that_nothing_was_new(lake: Lake) -> None:
    lake.use(registry(lake, new={"mode": "incremental"}))
    first = lake.metadata(lake.run("out/new"), "out/new")
    idle = lake.metadata(lake.run("out/new"), "out/new")
    lake.land("2026-01-02", "late", 10, 9000)
    last = lake.metadata(lake.run("out/new"), "out/new")

    assert first["s3_assets/cursor_to"] == {"files": 3}
    assert (idle["s3_assets/skipped"], idle["s3_assets/rows_written"]) == (True, 0)
    assert (last["s3_assets/cursor_from"], last["s3_assets/cursor_to"]) == ({"files": 3}, {"files": 4})
    assert last["s3_assets/rows_written"] == 10
    assert sum(len(ids(body)) for body in files(lake).values()) == 310


def test_what_an_export_is_can_be_seen_before_it_runs(lake: Lake) -> None:
    said = {"group": "partners", "owners": ["team:data"], "tags": {"tier": "gold"}, "description": "For all."}
    lake.use(registry(lake, days=said))

    spec = lake.definitions.resolve_assets_def(key("out/days")).get_asset_spec(key("out/days"))

    assert [dep.asset_key for dep in spec.deps] == [key("landing/orders")]
    assert (spec.group_name, spec.description) == ("partners", "For all.")
    assert (list(spec.owners), spec.kinds) == (["team:data"], {"s3", "csv"})
    assert spec.tags["tier"] == "gold"
    assert spec.metadata["s3_assets/key"] == "{stream_name}/{partition_key}/part-{part}.{extension}"


def test_schedules_and_sensors_start_it(lake: Lake) -> None:
    lake.use(registry(lake, days={}, clock={"schedule": "@daily"}, once={"mode": "full", "schedule": "once"}))
    schedule = lake.definitions.resolve_schedule_def("out_clock_schedule")
    context = dg.build_schedule_context(
        instance=lake.instance,
        scheduled_execution_time=datetime(2026, 1, 3, tzinfo=UTC),
        repository_def=lake.definitions.get_repository_def(),
    )
    ticked: Any = schedule.evaluate_tick(context)
    sensors = {each.name: each for each in lake.definitions.sensors or ()}
    looking = dg.build_sensor_context(instance=lake.instance, definitions=lake.definitions)
    started = list(sensors["lake_sources"].evaluate_tick(looking).run_requests or ())
    once = list(sensors["out_once_once"].evaluate_tick(looking).run_requests or ())

    assert [(each.asset_selection, each.partition_key) for each in ticked.run_requests] == [
        ([key("out/clock")], "2026-01-02")
    ]
    # The days that have rows, in one run: the export is not cut into several.
    (request,) = started
    assert request.asset_selection == [key("out/days")]
    assert (request.tags[RANGE_START], request.tags[RANGE_END]) == DAYS
    assert [each.asset_selection for each in once] == [[key("out/once")]]


@pytest.mark.parametrize(("per_run", "most"), [(None, None), (7, 7)])
def test_a_backfill_is_cut_into_runs(lake: Lake, per_run: int | None, most: int | None) -> None:
    lake.use(registry(lake, days={"partitions_per_run": per_run}))

    policy = lake.definitions.resolve_assets_def(key("out/days")).backfill_policy

    assert policy is not None
    assert policy.max_partitions_per_run == most


def test_an_asset_beside_an_export_with_a_source_is_refused(lake: Lake) -> None:
    @user_asset("out/days")
    def mine() -> None:
        """Writes what the export writes."""

    with pytest.raises(RegistryError, match="'out/days' has a source, and is written by an asset of yours"):
        build_definitions(registry(lake, days={}), [mine])
