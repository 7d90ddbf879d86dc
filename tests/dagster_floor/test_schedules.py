"""Imports by the clock: what each tick requests, and that its run does what it says."""

from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from s3_assets.builder import build_definitions
from s3_assets.registry import Registry
from tests.dagster_floor.conftest import RANGE_END, RANGE_START, Lake, key

ORDERS, BY_DAY = "orders", "orders_by_day"


def with_import(lake: Lake, name: str, table: dict[str, Any] | None = None, **options: Any) -> dg.Definitions:
    settings = lake.registry.model_dump(mode="python", exclude_unset=True)
    settings["imports"][name].update(options)
    for each in ("landing/orders", settings["imports"][name]["target"]):
        settings["tables"][each]["partitions"].update(table or {})
    lake.use(Registry.model_validate(settings))
    return build_definitions(lake.registry)


def tick(definitions: dg.Definitions, name: str, at: str, instance: dg.DagsterInstance) -> Any:
    schedule = definitions.resolve_schedule_def(f"{name}_schedule")
    context = dg.build_schedule_context(
        instance=instance,
        scheduled_execution_time=datetime.fromisoformat(at).astimezone(UTC),
        repository_def=definitions.get_repository_def(),
    )
    return schedule.evaluate_tick(context)


def asked(request: dg.RunRequest) -> str:
    if request.partition_key is not None:
        return request.partition_key
    return f"{request.tags[RANGE_START]}...{request.tags[RANGE_END]}"


def test_a_schedule_of_an_append(lake: Lake) -> None:
    when = {"cron": "@daily", "timezone": "Asia/Tokyo", "delay_minutes": 90}
    definitions = with_import(lake, ORDERS, schedule=when)
    schedule = definitions.resolve_schedule_def("orders_schedule")

    assert schedule.cron_schedule == "30 1 * * *"
    assert schedule.execution_timezone == "Asia/Tokyo"
    (request,) = tick(definitions, ORDERS, "2026-01-05T01:30:00+09:00", lake.instance).run_requests
    assert request.asset_selection == [key("lake/orders")]
    assert request.partition_key is None
    lake.run("lake/orders")
    assert lake.rows("lake/orders").height == 300


@pytest.mark.parametrize(
    ("every", "schedule", "at", "expected"),
    [
        # The day that has just ended; the delay changes nothing about which it is.
        ("day", {"cron": "@daily"}, "2026-01-05T00:00+00:00", ["2026-01-04"]),
        ("day", {"cron": "@daily", "delay_minutes": 90}, "2026-01-05T01:30+00:00", ["2026-01-04"]),
        ("day", {"cron": "0 20 * * *", "delay_minutes": 300}, "2026-01-05T01:00+00:00", ["2026-01-03"]),
        # All that have ended since the time before.
        ("day", {"cron": "@weekly"}, "2026-01-11T00:00+00:00", ["2026-01-04...2026-01-10"]),
        ("day", {"cron": "@monthly"}, "2026-01-01T00:00+00:00", []),
        ("day", {"cron": "@hourly"}, "2026-01-05T10:00+00:00", []),
        ("day", {"cron": "@hourly"}, "2026-01-05T00:00+00:00", ["2026-01-04"]),
        ("hour", {"cron": "@hourly"}, "2026-01-05T10:00+00:00", ["2026-01-05-09:00"]),
        ("month", {"cron": "@monthly"}, "2026-03-01T00:00+00:00", ["2026-02-01"]),
        # A zone of its own: at 23:00 UTC the day of Berlin is over.
        ("day", {"cron": "30 23 * * *"}, "2026-01-05T23:30+00:00", ["2026-01-05"]),
    ],
)
def test_a_schedule_of_partitions(
    lake: Lake, every: str, schedule: dict[str, Any], at: str, expected: list[str]
) -> None:
    zone = "Europe/Berlin" if schedule["cron"].startswith("30 23") else "UTC"
    definitions = with_import(lake, BY_DAY, {"every": every, "timezone": zone}, schedule=schedule)

    found = tick(definitions, BY_DAY, at, lake.instance)

    assert [asked(each) for each in found.run_requests or []] == expected
    assert (found.skip_message is None) is bool(expected)


@pytest.mark.parametrize(
    ("at", "hours"),
    [("2026-03-30T00:00+02:00", 23), ("2026-10-26T00:00+01:00", 25), ("2026-01-05T00:00+01:00", 24)],
)
def test_days_of_23_and_25_hours(lake: Lake, at: str, hours: int) -> None:
    definitions = with_import(
        lake,
        BY_DAY,
        {"every": "hour", "timezone": "Europe/Berlin"},
        schedule={"cron": "@daily", "timezone": "Europe/Berlin"},
        partitions_per_run=1,
    )

    requests = tick(definitions, BY_DAY, at, lake.instance).run_requests

    assert len({each.partition_key for each in requests}) == hours
    assert len({each.run_key for each in requests}) == hours


@pytest.mark.parametrize("delay", [0, 10, 70])
@pytest.mark.parametrize("night", ["2026-03-29", "2026-10-25"])
def test_no_hour_is_left_out_when_the_clock_is_set(
    instance: dg.DagsterInstance, delay: int, night: str
) -> None:
    """Over a day and a half each hour is run once, by an hourly schedule in a zone with summer time."""
    hourly = {"column": "at", "every": "hour", "start": "2026-01-01", "timezone": "Europe/Berlin"}
    table = {"connection": "lake", "format": "delta", "partitions": hourly}
    when = {"cron": "@hourly", "timezone": "Europe/Berlin", "delay_minutes": delay}
    registry = Registry.model_validate(
        {
            "connections": {"lake": {"url": "s3://lake/"}},
            "tables": {"a": {**table, "path": "a"}, "b": {**table, "path": "b"}},
            "imports": {"hours": {"source": "a", "target": "b", "mode": "replace", "schedule": when}},
        }
    )
    definitions = build_definitions(registry)
    # Hours of UTC are never set; so far the two agree, since the delay is one of the clock's hands.
    first = (
        datetime.fromisoformat(f"{night}T00:00+00:00") - timedelta(hours=12) + timedelta(minutes=delay % 60)
    )
    asked_for: list[str] = []
    for hour in range(36):
        moment = first + timedelta(hours=hour)
        found = tick(definitions, "hours", moment.isoformat(), instance).run_requests or []
        for each in found:
            tags = (each.tags[RANGE_START], each.tags[RANGE_END]) if RANGE_START in each.tags else ()
            asked_for += tags or [str(each.partition_key)]

    assert len(asked_for) == len(set(asked_for)) == 36


def test_runs_are_cut_as_a_backfill_is_and_do_their_partitions(lake: Lake) -> None:
    definitions = with_import(lake, BY_DAY, schedule="@weekly", partitions_per_run=3)

    requests = tick(definitions, BY_DAY, "2026-01-11T00:00+00:00", lake.instance).run_requests
    first = requests[0]
    lake.run("lake/orders_by_day", span=(first.tags[RANGE_START], first.tags[RANGE_END]))

    assert [asked(each) for each in requests] == [
        "2026-01-04...2026-01-06",
        "2026-01-07...2026-01-09",
        "2026-01-10",
    ]
    assert lake.rows("lake/orders_by_day").height == 0


@pytest.mark.parametrize("name", [ORDERS, BY_DAY])
def test_once_is_once(lake: Lake, name: str) -> None:
    definitions = with_import(lake, name, {"end": "2026-01-04"}, schedule="once")
    sensor = definitions.resolve_sensor_def(f"{name}_once")
    first = sensor(dg.build_sensor_context(instance=lake.instance))
    assert isinstance(first, dg.SensorResult)
    again = sensor(dg.build_sensor_context(instance=lake.instance, cursor=first.cursor))

    (request,) = first.run_requests or []
    assert request.run_key == (
        "orders:once" if name == ORDERS else "orders_by_day:once:2026-01-01...2026-01-03"
    )
    assert isinstance(again, dg.SkipReason)
    assert not list(definitions.schedules or [])


def test_two_schedules_of_one_name_are_refused(lake: Lake) -> None:
    settings = lake.registry.model_dump(mode="python", exclude_unset=True)
    settings["imports"]["a_b"] = {**settings["imports"].pop("orders"), "schedule": "@daily"}
    settings["imports"]["a/b"] = {**settings["imports"].pop("payments"), "schedule": "@daily"}

    with pytest.raises(ValueError, match="its name in Dagster would be that of 'a_b'"):
        Registry.model_validate(settings)


def test_a_run_shows_what_it_did(lake: Lake) -> None:
    settings = lake.registry.model_dump(mode="python", exclude_unset=True)
    settings["imports"]["orders"]["batch"] = {"files": 2}
    lake.use(Registry.model_validate(settings))

    found = lake.metadata(lake.run("lake/orders"), "lake/orders")

    assert found["s3_assets/rows_written"] == 300
    assert found["s3_assets/commits"] == 2
    assert found["s3_assets/read_files"] == 3
    assert found["s3_assets/seconds"] > 0
    assert found["s3_assets/cursor_to"] == {"files": 3}
    late = lake.metadata(lake.run("lake/orders"), "lake/orders")
    assert late["s3_assets/cursor_from"] == {"files": 3}
