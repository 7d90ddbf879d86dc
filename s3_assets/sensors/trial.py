"""Trying a sensor or a schedule: what it would request now, while nothing is written, started or moved."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from s3_assets.errors import RegistryError
from s3_assets.metrics import Meter
from s3_assets.registry.problems import did_you_mean
from s3_assets.schedules import ticks_of
from s3_assets.sensors.marks import MARK
from s3_assets.sensors.requests import RANGE_END, RANGE_START
from s3_assets.sensors.trying import tried

if TYPE_CHECKING:
    from collections.abc import Sequence

    from s3_assets.sensors.kept_cursor import KeptCursor


@dataclass(frozen=True)
class Trial:
    """What a tick would request, and what it took to find out."""

    name: str
    requests: tuple[dg.RunRequest, ...] = ()
    reports: tuple[str, ...] = ()
    """Tables whose new version would be reported."""
    says: str | None = None
    at: datetime | None = None
    """The time of a schedule that was tried."""
    cursor: KeptCursor | None = None
    """Where a sensor would go on; None for a schedule, which has none."""
    seconds: float = 0.0
    meter: Meter = field(default_factory=Meter)

    @property
    def partitions(self) -> int:
        """How many single partitions and ranges are requested."""
        return sum(partitions_of(each) is not None for each in self.requests)


def partitions_of(request: dg.RunRequest) -> str | None:
    """Return the partition or the range of a request, as text; None if it has none."""
    if request.partition_key is not None:
        return request.partition_key
    first, last = request.tags.get(RANGE_START), request.tags.get(RANGE_END)
    return f"{first}...{last}" if first is not None else None


def ticking(definitions: dg.Definitions) -> list[dg.SensorDefinition | dg.ScheduleDefinition]:
    """Return all sensors and schedules, with the one that Dagster adds for conditions of automation."""
    repository = definitions.get_repository_def()
    return [*repository.sensor_defs, *repository.schedule_defs]


def find_ticking(definitions: dg.Definitions, name: str) -> dg.SensorDefinition | dg.ScheduleDefinition:
    """Return a sensor or schedule; raises `RegistryError` for none, and for one of the user's own code."""
    found = {each.name: each for each in ticking(definitions)}
    if name not in found:
        raise RegistryError(
            f"there is no sensor or schedule '{name}'{did_you_mean(name, found)}",
            remedy="Name one of those that 's3-assets sensor list' shows.",
        )
    chosen = found[name]
    if MARK not in chosen.metadata and not isinstance(chosen, dg.AutomationConditionSensorDefinition):
        kind = "sensor" if isinstance(chosen, dg.SensorDefinition) else "schedule"
        raise RegistryError(
            f"the {kind} '{name}' is of your own code, which may do anything",
            remedy=f"Let Dagster evaluate it: dagster {kind} preview {name}",
        )
    return chosen


def try_sensor(
    definitions: dg.Definitions,
    sensor: dg.SensorDefinition,
    instance: dg.DagsterInstance,
    cursor: KeptCursor,
) -> Trial:
    """Evaluate a sensor from a cursor on; raises whatever would fail the tick."""
    started, meter = time.monotonic(), Meter(everything=True)
    with meter.active(), tried():
        if isinstance(sensor, dg.AutomationConditionSensorDefinition):
            requests, reports, says = _automated(definitions, instance)
        else:
            context = dg.build_sensor_context(instance=instance, cursor=cursor.text, definitions=definitions)
            found = sensor.evaluate_tick(context)
            requests, says = tuple(found.run_requests or ()), found.skip_message
            reports = tuple("/".join(each.asset_key.path) for each in found.asset_events)
        meter.collect()
    return Trial(
        sensor.name,
        requests,
        reports,
        says,
        cursor=cursor,
        seconds=time.monotonic() - started,
        meter=meter,
    )


def try_schedule(
    definitions: dg.Definitions,
    schedule: dg.ScheduleDefinition,
    instance: dg.DagsterInstance,
    at: datetime | None = None,
) -> Trial:
    """Evaluate a schedule at a moment, or at its next one."""
    moment = at or next_time(schedule)
    started = time.monotonic()
    with tried():
        context = dg.build_schedule_context(
            instance=instance,
            scheduled_execution_time=moment.astimezone(UTC),
            repository_def=definitions.get_repository_def(),
        )
        found = schedule.evaluate_tick(context)
    return Trial(
        schedule.name,
        tuple(found.run_requests or ()),
        says=found.skip_message,
        at=moment,
        seconds=time.monotonic() - started,
    )


def next_time(schedule: dg.ScheduleDefinition, now: datetime | None = None) -> datetime:
    """Return the first moment after `now` at which it runs, in its own zone."""
    crons: Sequence[str] = (
        [schedule.cron_schedule] if isinstance(schedule.cron_schedule, str) else schedule.cron_schedule
    )
    moment = now or datetime.now(UTC)
    found = []
    for cron in crons:
        ticks = ticks_of(cron, schedule.execution_timezone or "UTC")
        window = ticks.get_prev_partition_window(moment, respect_bounds=False)
        while window is not None and window.end <= moment:
            window = ticks.get_next_partition_window(window.end, respect_bounds=False)
        if window is not None:
            found.append(window.end)
    return min(found)


def _automated(
    definitions: dg.Definitions, instance: dg.DagsterInstance
) -> tuple[tuple[dg.RunRequest, ...], tuple[str, ...], str | None]:
    """Evaluate all conditions once: what is true now, as if they were looked at for the first time."""
    keys = [
        spec.key for spec in definitions.resolve_all_asset_specs() if spec.automation_condition is not None
    ]
    found: Any = dg.evaluate_automation_conditions(definitions, instance, dg.AssetSelection.assets(*keys))
    requests = [
        dg.RunRequest(partition_key=partition, asset_selection=[key])
        for key in keys
        for partition in sorted(found.get_requested_partitions(key), key=str)
    ]
    return tuple(requests), (), None if requests else "no condition is true"
